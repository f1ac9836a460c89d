// Guards, and what becomes of an array through them.
#include "c_abi_check.h"

static void guard_is(const nds_guard* guard, int64_t rows, int64_t nbytes, int32_t writable, uint64_t version) {
  int32_t ndim = 0;
  int32_t is_writable = -1;
  const int64_t *shape = NULL, *strides = NULL;
  int64_t bytes = 0;
  uint64_t is_version = 0;
  const char* dtype = NULL;
  OK(nds_guard_layout(guard, &ndim, &shape, &strides));
  CHECK(ndim == 2 && shape[0] == rows && shape[1] == 3 && strides[0] == 24 && strides[1] == 8);
  OK(nds_guard_nbytes(guard, &bytes));
  CHECK(bytes == nbytes);
  OK(nds_guard_writable(guard, &is_writable));
  CHECK(is_writable == writable);
  OK(nds_guard_version(guard, &is_version));
  CHECK(is_version == version);
  OK(nds_guard_dtype(guard, &dtype));
  CHECK(strcmp(dtype, "<i8") == 0);
}

static void ended_guard(nds_guard* guard) {
  const void* data = NULL;
  void* writable_data = NULL;
  int64_t nbytes = 0;
  int32_t ndim = 0;
  const int64_t* numbers = NULL;
  OK(nds_release(guard));
  OK(nds_release(guard));
  OK(nds_abandon(guard));
  FAILS(Usage, nds_guard_data(guard, &data));
  FAILS(Usage, nds_guard_mutable_data(guard, &writable_data));
  FAILS(Usage, nds_guard_nbytes(guard, &nbytes));
  FAILS(Usage, nds_guard_layout(guard, &ndim, &numbers, &numbers));
  FAILS(Usage, nds_commit(guard, NULL));
  OK(nds_guard_free(guard));
}

static void put(nds_guard* guard, int64_t value) {
  void* data = NULL;
  OK(nds_guard_mutable_data(guard, &data));
  *(int64_t*)data = value;
}

static void expect_first(const nds_array* array, int64_t row, int64_t value) {
  nds_guard* guard = NULL;
  OK(nds_read(array, row, row + 1, kPatience, &guard));
  CHECK(first_of(guard) == value);
  OK(nds_guard_free(guard));
}

static void read_and_view(const nds_array* array, uint64_t version) {
  nds_guard* read = NULL;
  nds_guard* view = NULL;
  const void *a = NULL, *b = NULL;
  void* writable_data = &a;
  OK(nds_read(array, 1, -1, kDefault, &read));
  OK(nds_view(array, 1, 3, kDefault, &view));
  guard_is(read, 3, 72, 0, version);
  guard_is(view, 2, 48, 0, version);
  OK(nds_guard_data(read, &a));
  OK(nds_guard_data(view, &b));
  CHECK(a == b);  // the same bytes: nothing was copied
  FAILS(ReadOnly, nds_guard_mutable_data(read, &writable_data));
  CHECK(writable_data == NULL);
  FAILS(Usage, nds_commit(view, NULL));
  ended_guard(read);
  ended_guard(view);
}

static void update(nds_array* array, uint64_t version) {
  nds_guard* guard = NULL;
  nds_guard* view = NULL;
  uint64_t committed = 0;
  OK(nds_view(array, 0, 1, kDefault, &view));
  OK(nds_update(array, 0, 1, 0, kDefault, &guard));
  put(guard, 50);
  OK(nds_guard_free(guard));  // not committed: nothing happened
  expect_first(array, 0, 0);
  OK(nds_update(array, 0, 1, NDS_OVERWRITE, kDefault, &guard));
  guard_is(guard, 1, 24, 1, version);
  put(guard, 60);
  OK(nds_commit(guard, &committed));
  CHECK(committed > version);
  ended_guard(guard);
  expect_first(array, 0, 60);
  CHECK(first_of(view) == 0);
  OK(nds_guard_free(view));
}

void test_guards(nds_store* store) {
  nds_array* array = make(store, "g", 2, (const int64_t[]){4, 3});
  nds_guard* guard = NULL;
  nds_guard* other = NULL;
  uint64_t version = 0;
  OK(nds_write(array, 0, 2, 0, kDefault, &guard));
  OK(nds_write(array, 2, -1, 0, kDefault, &other));
  put(other, 2);
  OK(nds_release(other));
  ended_guard(other);
  OK(nds_array_version(array, &version));
  guard_is(guard, 2, 48, 1, version);
  OK(nds_release(guard));
  OK(nds_guard_free(guard));
  OK(nds_array_version(array, &version));
  expect_first(array, 2, 2);
  read_and_view(array, version);
  update(array, version);
  OK(nds_remove(store, "g"));
  OK(nds_array_free(array));
}

static void expect_shape(const nds_array* array, int64_t rows) {
  int32_t ndim = 0;
  int64_t shape[NDS_MAX_AXES];
  int64_t nbytes = 0;
  OK(nds_array_shape(array, &ndim, shape));
  CHECK(ndim == 1 && shape[0] == rows);
  OK(nds_array_nbytes(array, &nbytes));
  CHECK(nbytes == rows * 8);
}

static void grow(nds_array* array) {
  const int64_t more[] = {8, 9};
  uint64_t revision = 0;
  uint64_t now = 0;
  OK(nds_array_revision(array, &revision));
  FAILS(Timeout, nds_wait_for_change(array, revision, 0, &now));
  OK(nds_append(array, "int64", 1, (const int64_t[]){2}, more, kDefault));
  OK(nds_append(array, "int64", 0, NULL, more, kDefault));  // one row
  OK(nds_wait_for_change(array, revision, kPatience, &now));
  CHECK(now > revision);
  expect_shape(array, 11);
  expect_first(array, 9, 9);
  FAILS(DtypeMismatch, nds_append(array, "f4", 1, (const int64_t[]){2}, more, kDefault));
  OK(nds_append(array, "int64", 1, (const int64_t[]){0}, NULL, kDefault));
  FAILS(Shape, nds_resize(array, -1, kDefault));
  OK(nds_resize(array, 6, kDefault));
  expect_shape(array, 6);
}

static void tear(nds_array* array, int64_t row, int64_t value) {
  nds_guard* guard = NULL;
  OK(nds_write(array, row, row + 1, 0, kDefault, &guard));
  put(guard, value);
  OK(nds_abandon(guard));
  ended_guard(guard);
  FAILS(Torn, nds_read(array, row, row + 1, kDefault, &guard));
}

static void torn(nds_array* array) {
  nds_guard* guard = NULL;
  uint64_t ranges = 0;
  tear(array, 1, 111);
  OK(nds_accept_torn(array, 0, -1, kDefault, &ranges));
  CHECK(ranges == 1);
  expect_first(array, 1, 111);
  tear(array, 2, 222);
  OK(nds_repair(array, 2, 3, 0, kDefault, &guard));
  put(guard, 20);
  OK(nds_guard_free(guard));
  expect_first(array, 2, 20);
  tear(array, 3, 333);
  OK(nds_revert(array, "h@monday", kDefault));
  expect_first(array, 3, 3);
  FAILS(NoSuchArray, nds_revert(array, "nothing", kDefault));
}

void test_changes(nds_store* store) {
  nds_array* array = make_counted(store, "h");
  nds_array* monday = NULL;
  nds_guard* guard = NULL;
  int32_t sealed = -1;
  grow(array);
  OK(nds_snapshot(store, "h", "h@monday", kDefault, &monday));
  OK(nds_snapshot(store, "h", "h@tuesday", kDefault, NULL));
  FAILS(Sealed, nds_write(monday, 0, -1, 0, kDefault, &guard));
  torn(array);
  OK(nds_array_sealed(array, &sealed));
  CHECK(sealed == 0);
  OK(nds_seal(array));
  OK(nds_array_sealed(array, &sealed));
  CHECK(sealed == 1);
  FAILS(Sealed, nds_write(array, 0, -1, 0, kDefault, &guard));
  FAILS(Sealed, nds_seal(array));
  expect_first(monday, 0, 0);
  OK(nds_array_free(monday));
  OK(nds_array_free(array));
  OK(nds_remove(store, "h"));
  OK(nds_remove(store, "h@monday"));
  OK(nds_remove(store, "h@tuesday"));
}
