// Codes, messages, and what becomes of calls that are wrong by themselves.
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <pthread.h>

#include "c_abi_check.h"

void test_library(void) {
  CHECK(strcmp(nds_version(), "0.1.0") == 0);
  CHECK(nds_abi_version() == NDS_ABI_VERSION);
  CHECK(NDS_ERROR_Usage == 2 && NDS_ERROR_Timeout == 45);
  CHECK(strcmp(nds_error_name(NDS_ERROR_Timeout), "Timeout") == 0);
  CHECK(strcmp(nds_error_name(0), "Ok") == 0);
  CHECK(strcmp(nds_error_name(-1), "Unknown") == 0 && strcmp(nds_error_name(0x10000 + 45), "Unknown") == 0);
  CHECK(strcmp(nds_error_message(), "") == 0);
  CHECK(nds_error_detail("pid") == NULL && nds_error_detail(NULL) == NULL);
}

static void null_stores(nds_store* store) {
  nds_array* array = NULL;
  const char* text = NULL;
  int32_t found = 7;
  FAILS(Usage, nds_connect(NULL, NDS_READ_WRITE, kDefault, NULL));
  FAILS(Usage, nds_open_or_start(NULL, 0, NDS_READ_WRITE, kDefault, NULL));
  FAILS(Usage, nds_close(NULL));
  FAILS(Usage, nds_store_name(NULL, &text));
  FAILS(Usage, nds_store_name(store, NULL));
  FAILS(Usage, nds_create(NULL, "a", "i8", 0, NULL, NULL, 0, kDefault, &array));
  FAILS(Usage, nds_create(store, NULL, "i8", 0, NULL, NULL, 0, kDefault, &array));
  FAILS(Usage, nds_create(store, "a", NULL, 0, NULL, NULL, 0, kDefault, &array));
  FAILS(Usage, nds_create(store, "a", "i8", 1, NULL, NULL, 0, kDefault, &array));
  FAILS(Usage, nds_create(store, "a", "i8", 0, NULL, NULL, 0, kDefault, NULL));
  FAILS(Usage, nds_open(NULL, "a", NULL, -1, NULL, &array));
  FAILS(Usage, nds_open(store, NULL, NULL, -1, NULL, &array));
  FAILS(Usage, nds_open(store, "a", NULL, -1, NULL, NULL));
  FAILS(Usage, nds_wait_for(store, NULL, kDefault, &array));
  FAILS(Usage, nds_wait_for(store, "a", kDefault, NULL));
  FAILS(Usage, nds_remove(NULL, "a"));
  FAILS(Usage, nds_remove(store, NULL));
  FAILS(Usage, nds_rename(store, NULL, "b", 0));
  FAILS(Usage, nds_rename(store, "a", NULL, 0));
  FAILS(Usage, nds_contains(NULL, "a", &found));
  FAILS(Usage, nds_contains(store, NULL, &found));
  FAILS(Usage, nds_contains(store, "a", NULL));
  FAILS(Usage, nds_list(store, "*", NULL, NULL));
  FAILS(Usage, nds_snapshot(NULL, "a", "b", kDefault, &array));
  FAILS(Usage, nds_snapshot(store, NULL, "b", kDefault, &array));
  FAILS(Usage, nds_snapshot(store, "a", NULL, kDefault, NULL));
  CHECK(found == 7 && array == NULL && text == NULL);
}

static void null_arrays(nds_array* array) {
  const char* text = NULL;
  int32_t number = 0;
  int64_t shape[NDS_MAX_AXES];
  int64_t nbytes = 0;
  uint64_t count = 0;
  FAILS(Usage, nds_array_name(NULL, &text));
  FAILS(Usage, nds_array_name(array, NULL));
  FAILS(Usage, nds_array_dtype(NULL, &text));
  FAILS(Usage, nds_array_dtype(array, NULL));
  FAILS(Usage, nds_array_shape(NULL, &number, shape));
  FAILS(Usage, nds_array_shape(array, NULL, shape));
  FAILS(Usage, nds_array_shape(array, &number, NULL));
  FAILS(Usage, nds_array_nbytes(NULL, &nbytes));
  FAILS(Usage, nds_array_version(array, NULL));
  FAILS(Usage, nds_array_revision(NULL, &count));
  FAILS(Usage, nds_array_sealed(array, NULL));
  FAILS(Usage, nds_append(NULL, "i8", 0, NULL, &nbytes, kDefault));
  FAILS(Usage, nds_append(array, NULL, 0, NULL, &nbytes, kDefault));
  FAILS(Usage, nds_append(array, "i8", 1, NULL, &nbytes, kDefault));
  FAILS(Usage, nds_append(array, "i8", 0, NULL, NULL, kDefault));
  FAILS(Usage, nds_resize(NULL, 1, kDefault));
  FAILS(Usage, nds_seal(NULL));
  FAILS(Usage, nds_wait_for_change(NULL, 0, kDefault, &count));
  FAILS(Usage, nds_accept_torn(NULL, 0, -1, kDefault, &count));
  FAILS(Usage, nds_revert(NULL, "a", kDefault));
  FAILS(Usage, nds_revert(array, NULL, kDefault));
}

static void null_guards(nds_array* array, nds_guard* guard) {
  nds_guard* place = NULL;
  const void* data = NULL;
  void* writable_data = NULL;
  const int64_t* numbers = NULL;
  int32_t number = 0;
  int64_t nbytes = 0;
  uint64_t version = 0;
  FAILS(Usage, nds_read(NULL, 0, -1, kDefault, &place));
  FAILS(Usage, nds_read(array, 0, -1, kDefault, NULL));
  FAILS(Usage, nds_view(NULL, 0, -1, kDefault, &place));
  FAILS(Usage, nds_view(array, 0, -1, kDefault, NULL));
  FAILS(Usage, nds_write(NULL, 0, -1, 0, kDefault, &place));
  FAILS(Usage, nds_write(array, 0, -1, 0, kDefault, NULL));
  FAILS(Usage, nds_update(NULL, 0, -1, 0, kDefault, &place));
  FAILS(Usage, nds_repair(NULL, 0, -1, 0, kDefault, &place));
  FAILS(Usage, nds_guard_data(NULL, &data));
  FAILS(Usage, nds_guard_data(guard, NULL));
  FAILS(Usage, nds_guard_mutable_data(NULL, &writable_data));
  FAILS(Usage, nds_guard_mutable_data(guard, NULL));
  FAILS(Usage, nds_guard_layout(NULL, &number, &numbers, &numbers));
  FAILS(Usage, nds_guard_layout(guard, NULL, &numbers, &numbers));
  FAILS(Usage, nds_guard_layout(guard, &number, NULL, &numbers));
  FAILS(Usage, nds_guard_layout(guard, &number, &numbers, NULL));
  FAILS(Usage, nds_guard_nbytes(NULL, &nbytes));
  FAILS(Usage, nds_guard_dtype(guard, NULL));
  FAILS(Usage, nds_guard_version(NULL, &version));
  FAILS(Usage, nds_guard_writable(guard, NULL));
  FAILS(Usage, nds_commit(NULL, &version));
  FAILS(Usage, nds_release(NULL));
  FAILS(Usage, nds_abandon(NULL));
}

static void wrong_values(nds_store* store, nds_array* array) {
  nds_store* other = NULL;
  nds_array* made = NULL;
  nds_guard* guard = NULL;
  int64_t shape[NDS_MAX_AXES + 1] = {0};
  const char* const odd_attrs[] = {"unit", NULL};
  FAILS(Usage, nds_connect(NULL, 2, kDefault, &other));
  FAILS(Usage, nds_connect(NULL, NDS_READ_WRITE, (double)NAN, &other));
  FAILS(Usage, nds_create(store, "a", "i8", -1, shape, NULL, 0, kDefault, &made));
  FAILS(Usage, nds_create(store, "a", "i8", 1, shape, NULL, 1U << 31, kDefault, &made));
  FAILS(Usage, nds_create(store, "a", "i8", 1, shape, odd_attrs, 0, kDefault, &made));
  FAILS(Shape, nds_create(store, "a", "i8", NDS_MAX_AXES + 1, shape, NULL, 0, kDefault, &made));
  FAILS(Shape, nds_create(store, "a", "i8", 1, (const int64_t[]){-5}, NULL, 0, kDefault, &made));
  FAILS(DType, nds_create(store, "a", "int65", 1, shape, NULL, 0, kDefault, &made));
  FAILS(Name, nds_create(store, "", "i8", 1, shape, NULL, 0, kDefault, &made));
  FAILS(Usage, nds_open(store, "a", NULL, -2, NULL, &made));
  FAILS(Usage, nds_write(array, 0, -1, 2, kDefault, &guard));
  FAILS(Usage, nds_read(array, 0, -1, (double)NAN, &guard));
  FAILS(IndexBounds, nds_read(array, 0, 99, kDefault, &guard));
  CHECK(other == NULL && made == NULL && guard == NULL);
}

// A handle of one kind where another belongs: easily done from languages without types.
static void wrong_kinds(void* store, void* array, void* guard) {
  const char* text = NULL;
  int64_t nbytes = 0;
  FAILS(Usage, nds_store_name(array, &text));
  FAILS(Usage, nds_array_name(guard, &text));
  FAILS(Usage, nds_guard_nbytes(store, &nbytes));
  FAILS(Usage, nds_store_free(guard));
  FAILS(Usage, nds_array_free(store));
  FAILS(Usage, nds_guard_free(array));
}

void test_wrong_calls(nds_store* store) {
  nds_array* array = make_counted(store, "wrong");
  nds_guard* guard = NULL;
  nds_array* none = array;
  OK(nds_read(array, 0, -1, kDefault, &guard));
  null_stores(store);
  null_arrays(array);
  null_guards(array, guard);
  wrong_values(store, array);
  wrong_kinds(store, array, guard);
  FAILS(NoSuchArray, nds_open(store, "nothing", NULL, -1, NULL, &none));
  CHECK(none == NULL);
  CHECK(strstr(nds_error_message(), "'nothing'") != NULL);
  CHECK(strcmp(nds_error_detail("array"), "nothing") == 0 && nds_error_detail("moon") == NULL);
  OK(nds_guard_free(guard));
  CHECK(strstr(nds_error_message(), "'nothing'") != NULL);  // a call that succeeds leaves it
  OK(nds_array_free(array));
  OK(nds_remove(store, "wrong"));
  OK(nds_store_free(NULL));
  OK(nds_array_free(NULL));
  OK(nds_guard_free(NULL));
}

struct waiter {
  nds_array* array;
  pthread_barrier_t started;
};

static void* in_the_way(void* array) {
  nds_guard* guard = NULL;
  FAILS(Timeout, nds_read(array, 0, -1, 0, &guard));
  CHECK(guard == NULL && nds_error_detail("pid") != NULL);
  return NULL;
}

static void* wait_to_be_cancelled(void* context) {
  struct waiter* waiter = context;
  nds_guard* guard = NULL;
  pthread_barrier_wait(&waiter->started);
  OK(nds_read(waiter->array, 0, -1, kPatience, &guard));
  OK(nds_guard_free(guard));
  pthread_testcancel();
  return NULL;
}

// Messages are a thread's own; and one that is cancelled in a call first ends that call.
void test_threads(nds_store* store) {
  struct waiter waiter = {.array = make_counted(store, "threads")};
  nds_guard* guard = NULL;
  nds_guard* other = NULL;
  pthread_t thread;
  void* result = NULL;
  OK(nds_write(waiter.array, 0, -1, 0, kDefault, &guard));
  FAILS(WouldDeadlock, nds_read(waiter.array, 0, -1, kPatience, &other));
  char before[1024];
  snprintf(before, sizeof before, "%s", nds_error_message());
  CHECK(pthread_create(&thread, NULL, in_the_way, waiter.array) == 0 && pthread_join(thread, NULL) == 0);
  CHECK(strncmp(before, nds_error_message(), sizeof before - 1) == 0);

  CHECK(pthread_barrier_init(&waiter.started, NULL, 2) == 0);
  CHECK(pthread_create(&thread, NULL, wait_to_be_cancelled, &waiter) == 0);
  pthread_barrier_wait(&waiter.started);
  CHECK(pthread_cancel(thread) == 0);
  OK(nds_guard_free(guard));
  CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
  pthread_barrier_destroy(&waiter.started);
  OK(nds_write(waiter.array, 0, -1, 0, kPatience, &guard));  // nothing was left behind
  OK(nds_guard_free(guard));
  OK(nds_array_free(waiter.array));
  OK(nds_remove(store, "threads"));
}
