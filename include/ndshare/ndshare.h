// Everything of ndshare that a program needs. Operators' calls are in <ndshare/admin.h>.
#pragma once

#include <ndshare/array.h>
#include <ndshare/build.h>
#include <ndshare/cast.h>
#include <ndshare/create.h>
#include <ndshare/dtype.h>
#include <ndshare/error.h>
#include <ndshare/errstate.h>
#include <ndshare/guards.h>
#include <ndshare/io.h>
#include <ndshare/layout.h>
#include <ndshare/lazy.h>
#include <ndshare/ledger.h>
#include <ndshare/limits.h>
#include <ndshare/ops.h>
#include <ndshare/print.h>
#include <ndshare/random.h>
#include <ndshare/reduce.h>
#include <ndshare/select.h>
#include <ndshare/sets.h>
#include <ndshare/sort.h>
#include <ndshare/statistics.h>
#include <ndshare/store.h>
#include <ndshare/table.h>
#include <ndshare/threads.h>
#include <ndshare/version.h>
