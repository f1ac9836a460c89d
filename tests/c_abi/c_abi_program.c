// Every call of c.h as a C program makes it.   usage: c_abi_program STORE PRIVATE_STORE
#include "c_abi_check.h"

nds_array* make(nds_store* store, const char* name, int32_t ndim, const int64_t* shape) {
  nds_array* array = NULL;
  OK(nds_create(store, name, "int64", ndim, shape, NULL, 0, kDefault, &array));
  return array;
}

nds_array* make_counted(nds_store* store, const char* name) {
  nds_array* array = make(store, name, 1, (const int64_t[]){8});
  nds_guard* guard = NULL;
  void* data = NULL;
  OK(nds_write(array, 0, -1, NDS_OVERWRITE, kDefault, &guard));
  OK(nds_guard_mutable_data(guard, &data));
  for (int64_t i = 0; i < 8; ++i) ((int64_t*)data)[i] = i;
  OK(nds_guard_free(guard));
  return array;
}

int64_t first_of(const nds_guard* guard) {
  const void* data = NULL;
  OK(nds_guard_data(guard, &data));
  return *(const int64_t*)data;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  test_library();
  test_connections(argv[1], argv[2]);
  nds_store* store = NULL;
  OK(nds_connect(argv[1], NDS_READ_WRITE, kPatience, &store));
  test_wrong_calls(store);
  test_threads(store);
  test_names(store);
  test_contracts(store);
  test_guards(store);
  test_changes(store);
  OK(nds_store_free(store));
  puts("every call is as expected");
  return 0;
}
