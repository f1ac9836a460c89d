// Connections, and arrays by name.
#define _POSIX_C_SOURCE 200809L
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c_abi_check.h"

static void read_only(const char* name) {
  nds_store* store = NULL;
  nds_array* array = NULL;
  OK(nds_connect(name, NDS_READ_ONLY, kPatience, &store));
  FAILS(Permission, nds_create(store, "a", "i8", 0, NULL, NULL, 0, kDefault, &array));
  OK(nds_store_free(store));
}

// What a child inherits is refused, and can be freed; the child may connect itself.
static void forked(const char* name) {
  nds_store* store = NULL;
  OK(nds_connect(name, NDS_READ_WRITE, kPatience, &store));
  nds_array* array = make_counted(store, "forked");
  nds_guard* guard = NULL;
  OK(nds_read(array, 0, -1, kDefault, &guard));
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    nds_guard* other = NULL;
    FAILS(Forked, nds_read(array, 0, -1, kDefault, &other));
    nds_guard_free(guard);
    OK(nds_array_free(array));
    OK(nds_store_free(store));
    OK(nds_connect(name, NDS_READ_WRITE, kPatience, &store));
    OK(nds_store_free(store));
    _exit(0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(first_of(guard) == 0);
  OK(nds_guard_free(guard));
  OK(nds_array_free(array));
  OK(nds_remove(store, "forked"));
  OK(nds_store_free(store));
}

// A private store: guards outlive the store's handle, and calls after nds_close are refused.
static void private_store(const char* name) {
  nds_store* store = NULL;
  nds_guard* guard = NULL;
  nds_array* array = NULL;
  const char* called = NULL;
  OK(nds_open_or_start(name, 64U << 20, NDS_READ_WRITE, kPatience, &store));
  OK(nds_store_name(store, &called));
  CHECK(strcmp(called, name) == 0);
  array = make_counted(store, "kept");
  OK(nds_view(array, 3, -1, kDefault, &guard));
  OK(nds_close(store));
  FAILS(Usage, nds_remove(store, "kept"));
  OK(nds_store_free(store));
  OK(nds_array_free(array));
  CHECK(first_of(guard) == 3);
  OK(nds_guard_free(guard));
}

void test_connections(const char* name, const char* private_name) {
  nds_store* store = NULL;
  FAILS(NoSuchStore, nds_connect(private_name, NDS_READ_WRITE, kDefault, &store));
  FAILS(Name, nds_connect("no/such name", NDS_READ_WRITE, kDefault, &store));
  CHECK(store == NULL);
  read_only(name);
  forked(name);
  private_store(private_name);
}

struct listed {
  int count, stop_at;
  char names[64];
};

static int32_t note(const nds_info* info, void* context) {
  struct listed* listed = context;
  strncat(strncat(listed->names, info->name, 16), " ", 2);
  if (strcmp(info->name, "n/f") == 0) {
    CHECK(strcmp(info->dtype, "<f4") == 0 && info->ndim == 2 && info->shape[0] == 5 && info->shape[1] == 3);
    CHECK(info->nbytes == 60 && info->order_f == 1 && info->session == 1 && info->sealed == 1);
    CHECK(info->snapshot == 0 && info->torn == 0 && info->pid == (uint64_t)getpid() && info->created_unix_ns > 0);
    CHECK(strcmp(info->attrs[0], "unit") == 0 && strcmp(info->attrs[1], "USD") == 0 && info->attrs[2] == NULL);
  }
  return ++listed->count == listed->stop_at;
}

static void list(const nds_store* store) {
  struct listed all = {0};
  struct listed one = {.stop_at = 1};
  struct listed none = {0};
  OK(nds_list(store, NULL, note, &all));
  CHECK(strcmp(all.names, "n/a n/f ") == 0);
  OK(nds_list(store, "n/*", note, &one));
  CHECK(strcmp(one.names, "n/a ") == 0);
  OK(nds_list(store, "x*", note, &none));
  CHECK(none.count == 0);
}

void test_names(nds_store* store) {
  const char* const attrs[] = {"unit", "USD", NULL};
  nds_array* array = make_counted(store, "n/a");
  nds_array* other = NULL;
  nds_array* none = array;
  int32_t found = -1;
  OK(nds_create(store, "n/f", "float32", 2, (const int64_t[]){5, 3}, attrs, NDS_ORDER_F | NDS_SESSION, kDefault,
                &other));
  FAILS(Timeout, nds_wait_for(store, "n/x", 0, &none));
  CHECK(none == NULL);
  OK(nds_seal(other));
  OK(nds_array_free(other));
  OK(nds_wait_for(store, "n/f", kPatience, &other));
  list(store);
  OK(nds_array_free(other));
  FAILS(NameTaken, nds_rename(store, "n/a", "n/f", 0));
  OK(nds_rename(store, "n/a", "n/f", 1));
  OK(nds_contains(store, "n/a", &found));
  CHECK(found == 0);
  OK(nds_contains(store, "n/f", &found));
  CHECK(found == 1);
  OK(nds_remove(store, "n/f"));
  FAILS(NoSuchArray, nds_remove(store, "n/f"));
  OK(nds_array_free(array));
}

static void dtype_is(const nds_array* array, const char* expected) {
  const char* text = NULL;
  OK(nds_array_dtype(array, &text));
  if (strcmp(text, expected) != 0) FAIL("the dtype is %s, not %s\n", text, expected);
}

void test_contracts(nds_store* store) {
  const char* structured = "[('ts', '<i8'), ('v', '<f4', (2,))]";
  const int64_t any_rows[] = {-1};
  nds_array* made = NULL;
  nds_array* opened = NULL;
  const char* name = NULL;
  OK(nds_create(store, "c", structured, 1, (const int64_t[]){6}, NULL, 0, kDefault, &made));
  OK(nds_seal(made));
  OK(nds_open(store, "c", structured, 1, any_rows, &opened));
  dtype_is(opened, structured);
  OK(nds_array_name(opened, &name));
  CHECK(strcmp(name, "c") == 0);
  OK(nds_array_free(opened));
  FAILS(Contract, nds_open(store, "c", "f4", -1, NULL, &opened));
  FAILS(Contract, nds_open(store, "c", NULL, 2, (const int64_t[]){-1, -1}, &opened));
  CHECK(opened == NULL);
  OK(nds_create(store, "c", "?", 0, NULL, NULL, NDS_REPLACE | NDS_EMPTY | NDS_PREFAULT | NDS_HUGE, kDefault, &opened));
  OK(nds_array_free(opened));  // with its last handle, as it was never visible
  FAILS(NameTaken, nds_create(store, "c", "?", 0, NULL, NULL, 0, kDefault, &opened));
  OK(nds_array_free(made));
  OK(nds_remove(store, "c"));
}
