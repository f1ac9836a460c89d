// Exponentials, logarithms and the cube root: SLEEF's functions, with their edges mended. The
// float64 logarithm is the one of 3.5 ULP: that of 1 ULP takes more than twice its time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/exponential.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include <hwy/highway.h>

#include "lib/kernels/sleef_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ndshare::internal {
namespace HWY_NAMESPACE {
namespace {

NDSHARE_SLEEF_UNARY(Exp, exp, u10, u10)
NDSHARE_SLEEF_UNARY(Exp2, exp2, u10, u10)
NDSHARE_SLEEF_UNARY(Expm1, expm1, u10, u10)
NDSHARE_SLEEF_UNARY(Log, log, u10, u35)
NDSHARE_SLEEF_UNARY(SmallLog1p, log1p, u10, u10)
NDSHARE_SLEEF_UNARY(Log2, log2, u10, u10)
NDSHARE_SLEEF_UNARY(Log10, log10, u10, u10)
NDSHARE_SLEEF_UNARY(Cbrt, cbrt, u10, u10)

// SLEEF's is infinite from 1e38 and 1e307 on; far below that 1 + x is x. It takes −0 to +0, too.
struct Log1p {
  template <class V>
  static HWY_INLINE V call(V x) noexcept {
    using D = hn::DFromV<V>;
    const D d;
    const auto large = hn::Gt(x, hn::Set(d, hn::TFromD<D>(1e30F)));
    const V small = SmallLog1p::call(x);
    const V kept = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, small);
    if (hn::AllFalse(d, large)) return kept;
    return hn::IfThenElse(large, Log::call(x), kept);
  }
};

}  // namespace

void fill_exponential_table(KernelTable* table) {
  set_vector_unary<Exp, true>(*table, UnaryOp::exp);
  set_vector_unary<Exp2, true>(*table, UnaryOp::exp2);
  set_vector_unary<Expm1, true>(*table, UnaryOp::expm1);
  set_vector_unary<Log, true>(*table, UnaryOp::log);
  set_vector_unary<Log1p, true>(*table, UnaryOp::log1p);
  set_vector_unary<Log2, true>(*table, UnaryOp::log2);
  set_vector_unary<Log10, true>(*table, UnaryOp::log10);
  set_vector_unary<Cbrt, false>(*table, UnaryOp::cbrt);
}

}  // namespace HWY_NAMESPACE
}  // namespace ndshare::internal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ndshare::internal {
HWY_EXPORT(fill_exponential_table);
void fill_exponential(KernelTable& table) { HWY_DYNAMIC_DISPATCH(fill_exponential_table)(&table); }
}  // namespace ndshare::internal
#endif
