// The store in C, for any language that can call C. What each operation does is said in store.h, shared_array.h and
// guards.h; here is what differs.
//
// Errors. Every call returns 0 or one of the NDS_ERROR_ codes, and never throws or aborts: a NULL handle, text or
// out-pointer, and a handle of another kind, are NDS_ERROR_Usage. The failing thread then finds the message, with the
// numbers and the way out, in nds_error_message(). On error a handle's out-pointer holds NULL, every other one what it
// held.
//
// Ownership. nds_connect, nds_open… give a store, nds_create, nds_open… an array, nds_read… a guard; each is freed
// once, in any order, by its own _free (which takes NULL). Freeing a store or an array takes nothing from guards: each
// keeps what it needs. Texts and lists belong to the library, and live as long as the handle they were asked of, but
// where it is said otherwise. Memory of guards is the store's own: nothing is copied, and the pointer is good until the
// guard ends.
//
// Threads. Stores and arrays may be used by many at once; a guard by one at a time. Freeing is the last use. No call is
// a cancellation point; a signal does not end a wait: give a timeout where somebody may want to interrupt. Callbacks
// must return. After fork() the child connects itself: inherited handles say NDS_ERROR_Forked, and may be freed.
//
// Common arguments. `timeout`: seconds; negative: what the store says (guards wait without limit); INFINITY: without
// limit. `dtype`: any of NumPy's spellings, "float32", "<M8[s]", "[('ts', '<i8'), ('v', '<f4', (2,))]". The dtypes
// given back are exact: np.dtype(text), or where it starts with '[' or '{' np.dtype(ast.literal_eval(text)). `first`,
// `last`: rows [first, last) of the slowest axis; last −1: to the end. Shapes and strides have `ndim` numbers; strides
// count bytes.
#pragma once

#include <ndshare/export.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Grows when something is added; what is there keeps its meaning within one soname.
#define NDS_ABI_VERSION 1
#define NDS_MAX_AXES 32

// NDS_ERROR_Timeout, NDS_ERROR_NoSuchArray, …: the names and numbers of error_list.inc.
enum nds_error {
  NDS_OK = 0,
#define NDSHARE_ERROR(name, number, exit, meaning) NDS_ERROR_##name = number,
#include <ndshare/error_list.inc>
#undef NDSHARE_ERROR
};

enum nds_role { NDS_READ_WRITE = 0, NDS_READ_ONLY = 1 };

// Of nds_create, or-ed together. 0: C order, zeros, persistent.
enum nds_create_flags {
  NDS_ORDER_F = 1,    // first axis fastest
  NDS_EMPTY = 2,      // any content: not zeroed
  NDS_SESSION = 4,    // removed when this process leaves the store
  NDS_REPLACE = 8,    // takes over the name of an existing array when it becomes visible
  NDS_PREFAULT = 16,  // maps every page now, not at first touch
  NDS_HUGE = 32       // asks for huge pages
};

// Of nds_write, nds_update and nds_repair. OVERWRITE: every byte of the rows will be written, so none need be copied
// first.
enum nds_write_flags { NDS_OVERWRITE = 1 };

typedef struct nds_store nds_store;
typedef struct nds_array nds_array;
typedef struct nds_guard nds_guard;

// What nds_list says of one array. The library makes it and may add members at its end; it lives during the callback.
typedef struct nds_info {
  const char* name;
  const char* dtype;
  const char* const* attrs;  // key, value, key, value, …, NULL
  const int64_t* shape;
  int64_t nbytes;
  uint64_t version;
  uint64_t created_unix_ns;
  uint64_t pid;  // of the process that made it
  int32_t ndim;
  int32_t order_f;   // 1: first axis fastest
  int32_t session;   // 1: goes with the process that made it
  int32_t sealed;    // 1: never changes again
  int32_t snapshot;  // 1: of another array
  int32_t torn;      // ranges of rows whose writer died
} nds_info;
// Anything but 0 ends the list.
typedef int32_t (*nds_list_callback)(const nds_info* info, void* context);

// The library. None of these fails.

// "0.1.0".
NDSHARE_API const char* nds_version(void);
// NDS_ABI_VERSION of the library, to compare with the header's.
NDSHARE_API int32_t nds_abi_version(void);
// "Timeout" for NDS_ERROR_Timeout, "Ok" for 0, "Unknown" for what is no code.
NDSHARE_API const char* nds_error_name(int32_t code);
// Of the last failing call of this thread; lives until its next failing call. "" before the first.
NDSHARE_API const char* nds_error_message(void);
// One number or name of that message: "pid", "asked_bytes". NULL where it has none of this key. Lives as the message.
NDSHARE_API const char* nds_error_detail(const char* key);

// Stores

// `name`: "name", "user:name", or NULL: NDSHARE_STORE, else "default".
NDSHARE_API int32_t nds_connect(const char* name, int32_t role, double timeout, nds_store** store);
// Starts a private daemon where none runs. `capacity_bytes` 0: half of what the machine allows.
NDSHARE_API int32_t nds_open_or_start(const char* name, uint64_t capacity_bytes, int32_t role, double timeout,
                                      nds_store** store);
// Leaves the store: guards keep what they have, other calls say Usage.
NDSHARE_API int32_t nds_close(nds_store* store);
NDSHARE_API int32_t nds_store_free(nds_store* store);
NDSHARE_API int32_t nds_store_name(const nds_store* store, const char** name);

// `attrs`: key, value, key, value, …, NULL; or NULL.
NDSHARE_API int32_t nds_create(nds_store* store, const char* name, const char* dtype, int32_t ndim,
                               const int64_t* shape, const char* const* attrs, uint32_t flags, double timeout,
                               nds_array** array);
// `dtype` NULL: any; `ndim` −1: any shape; a −1 in `shape`: any length. What differs is Contract.
NDSHARE_API int32_t nds_open(const nds_store* store, const char* name, const char* dtype, int32_t ndim,
                             const int64_t* shape, nds_array** array);
// Opens the array as soon as it is visible.
NDSHARE_API int32_t nds_wait_for(const nds_store* store, const char* name, double timeout, nds_array** array);
NDSHARE_API int32_t nds_remove(nds_store* store, const char* name);
NDSHARE_API int32_t nds_rename(nds_store* store, const char* from, const char* to, int32_t replace);
NDSHARE_API int32_t nds_contains(const nds_store* store, const char* name, int32_t* found);
// Calls back once an array, by name. `pattern` as in a shell; NULL: all.
NDSHARE_API int32_t nds_list(const nds_store* store, const char* pattern, nds_list_callback callback, void* context);
// `snapshot` may be NULL: only made, not opened.
NDSHARE_API int32_t nds_snapshot(nds_store* store, const char* source, const char* name, double timeout,
                                 nds_array** snapshot);

// Arrays

NDSHARE_API int32_t nds_array_free(nds_array* array);
NDSHARE_API int32_t nds_array_name(const nds_array* array, const char** name);
NDSHARE_API int32_t nds_array_dtype(const nds_array* array, const char** dtype);
// Of the current version. `shape` has room for NDS_MAX_AXES numbers.
NDSHARE_API int32_t nds_array_shape(const nds_array* array, int32_t* ndim, int64_t* shape);
NDSHARE_API int32_t nds_array_nbytes(const nds_array* array, int64_t* nbytes);
NDSHARE_API int32_t nds_array_version(const nds_array* array, uint64_t* version);
NDSHARE_API int32_t nds_array_revision(const nds_array* array, uint64_t* revision);
NDSHARE_API int32_t nds_array_sealed(const nds_array* array, int32_t* sealed);

// Rows from C-contiguous memory of the caller, read before this returns.
NDSHARE_API int32_t nds_append(nds_array* array, const char* dtype, int32_t ndim, const int64_t* shape,
                               const void* data, double timeout);
NDSHARE_API int32_t nds_resize(nds_array* array, int64_t rows, double timeout);
NDSHARE_API int32_t nds_seal(nds_array* array);
// Waits until the revision is another one than `revision`; `now` may be NULL.
NDSHARE_API int32_t nds_wait_for_change(const nds_array* array, uint64_t revision, double timeout, uint64_t* now);
// Takes torn rows as they are. `ranges`, how many were torn, may be NULL.
NDSHARE_API int32_t nds_accept_torn(nds_array* array, int64_t first, int64_t last, double timeout, uint64_t* ranges);
NDSHARE_API int32_t nds_revert(nds_array* array, const char* snapshot, double timeout);

// Guards. A timeout of 0 tries once: Timeout where somebody is in the way.

// Shared: no writer touches the rows in place while it lives.
NDSHARE_API int32_t nds_read(const nds_array* array, int64_t first, int64_t last, double timeout, nds_guard** guard);
// Pinned: never changes, blocks nobody.
NDSHARE_API int32_t nds_view(const nds_array* array, int64_t first, int64_t last, double timeout, nds_guard** guard);
// Exclusive, in place.
NDSHARE_API int32_t nds_write(nds_array* array, int64_t first, int64_t last, uint32_t flags, double timeout,
                              nds_guard** guard);
// A private copy, published at once by nds_commit.
NDSHARE_API int32_t nds_update(nds_array* array, int64_t first, int64_t last, uint32_t flags, double timeout,
                               nds_guard** guard);
// As nds_write, of rows that may be torn: what is released counts as whole.
NDSHARE_API int32_t nds_repair(nds_array* array, int64_t first, int64_t last, uint32_t flags, double timeout,
                               nds_guard** guard);

// These say Usage once the guard has ended. The first byte of the guarded rows:
NDSHARE_API int32_t nds_guard_data(const nds_guard* guard, const void** data);
// ReadOnly for guards of nds_read and nds_view.
NDSHARE_API int32_t nds_guard_mutable_data(nds_guard* guard, void** data);
NDSHARE_API int32_t nds_guard_layout(const nds_guard* guard, int32_t* ndim, const int64_t** shape,
                                     const int64_t** strides);
NDSHARE_API int32_t nds_guard_nbytes(const nds_guard* guard, int64_t* nbytes);
NDSHARE_API int32_t nds_guard_dtype(const nds_guard* guard, const char** dtype);
// The array's version whose rows these are (of an update: that it started from).
NDSHARE_API int32_t nds_guard_version(const nds_guard* guard, uint64_t* version);
NDSHARE_API int32_t nds_guard_writable(const nds_guard* guard, int32_t* writable);

// Publishes an update and ends it; Usage for another guard. After any other error it still holds, and may be committed
// again. `version`, the new one, may be NULL.
NDSHARE_API int32_t nds_commit(nds_guard* guard, uint64_t* version);
// Ends the claim: what was written counts; an update that was not committed is dropped. 0 where it has ended already.
NDSHARE_API int32_t nds_release(nds_guard* guard);
// Ends the claim: rows written in place are marked torn, as if this process had died. Other guards: as nds_release.
NDSHARE_API int32_t nds_abandon(nds_guard* guard);
// nds_release, whose code it returns, and frees the guard in every case.
NDSHARE_API int32_t nds_guard_free(nds_guard* guard);

#ifdef __cplusplus
}
#endif
