// What the parts of the C program share. The first thing that is not as expected ends the program with 1.
#pragma once

#include <ndshare/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAIL(...) (fprintf(stderr, "%s:%d: ", __FILE__, __LINE__), fprintf(stderr, __VA_ARGS__), exit(1))
#define CHECK(condition) ((condition) ? (void)0 : FAIL("not so: %s\n", #condition))
#define CODE(expected, call)                                                                                \
  do {                                                                                                      \
    const int32_t code_ = (call);                                                                           \
    if (code_ != (expected)) {                                                                              \
      FAIL("%s\n  gives %s (%s), not %s\n", #call, nds_error_name(code_), code_ ? nds_error_message() : "", \
           nds_error_name(expected));                                                                       \
    }                                                                                                       \
  } while (0)
#define OK(call) CODE(NDS_OK, call)
#define FAILS(name, call) CODE(NDS_ERROR_##name, call)

// Long enough for a loaded machine; nothing here waits for it.
static const double kPatience = 60;
static const double kDefault = -1;

// An int64 array of these lengths, made by nds_create.
nds_array* make(nds_store* store, const char* name, int32_t ndim, const int64_t* shape);
// The same, with 8 rows of one number, filled with 0…7 and visible.
nds_array* make_counted(nds_store* store, const char* name);
// The first element of what `guard` guards.
int64_t first_of(const nds_guard* guard);

void test_library(void);
void test_wrong_calls(nds_store* store);
void test_threads(nds_store* store);
void test_connections(const char* name, const char* private_name);
void test_names(nds_store* store);
void test_contracts(nds_store* store);
void test_guards(nds_store* store);
void test_changes(nds_store* store);
