// shares_memory: whether two arrays have a byte in common, exactly.
//
// The bytes of an array are offset + Σ stride·i + t, with 0 ≤ i < n along each axis and 0 ≤ t < itemsize. Two arrays meet where
// a sum of such terms of both equals the distance of their first bytes: a linear Diophantine equation with bounds, which is
// searched depth first, largest coefficient first, with what the greatest common divisor and the bounds of the rest allow.
// Source: Knuth, The Art of Computer Programming 4.5.2 (Euclid, congruences); the problem is NP-complete, hence the limit.
#include <ndshare/array.h>
#include <ndshare/error.h>

#include "lib/array/wide.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace ndshare {
namespace {

struct Term {
  std::int64_t coefficient = 0, most = 0;  // 0 ≤ x ≤ most
};

void add_terms(const Array& array, std::vector<Term>& terms) {
  for (int axis = 0; axis < array.ndim(); ++axis) {
    const std::int64_t stride = array.strides()[axis], length = array.shape()[axis];
    if (length > 1 && stride != 0) terms.push_back({stride < 0 ? -stride : stride, length - 1});
  }
  if (array.itemsize() > 1) terms.push_back({1, array.itemsize() - 1});
}

/// Terms of one coefficient are one; then from the largest down.
void merge(std::vector<Term>& terms) {
  std::sort(terms.begin(), terms.end(), [](const Term& a, const Term& b) { return a.coefficient > b.coefficient; });
  std::size_t kept = 0;
  for (const Term& term : terms) {
    if (kept > 0 && terms[kept - 1].coefficient == term.coefficient) {
      terms[kept - 1].most += term.most;
    } else {
      terms[kept++] = term;
    }
  }
  terms.resize(kept);
}

/// The number below `modulus` that times a gives 1 (mod modulus).   REQUIRES: they have no common divisor.
std::int64_t inverse(std::int64_t a, std::int64_t modulus) {
  internal::Int128 r0 = modulus, r1 = a % modulus, t0 = 0, t1 = 1;
  while (r1 != 0) {
    const internal::Int128 quotient = r0 / r1;
    r0 -= quotient * r1, t0 -= quotient * t1;
    std::swap(r0, r1), std::swap(t0, t1);
  }
  return static_cast<std::int64_t>(t0 < 0 ? t0 + modulus : t0);
}

class Search {
 public:
  Search(std::vector<Term> terms, std::int64_t limit) : terms_(std::move(terms)), limit_(limit) {
    gcd_.resize(terms_.size() + 1), sum_.resize(terms_.size() + 1);
    for (std::size_t k = terms_.size(); k-- > 0;) {
      gcd_[k] = std::gcd(gcd_[k + 1], terms_[k].coefficient);
      sum_[k] = sum_[k + 1] + internal::Int128{terms_[k].coefficient} * terms_[k].most;
    }
  }

  bool solve(internal::Int128 target) { return solve(0, target); }

 private:
  bool solve(std::size_t k, internal::Int128 target) {
    if (target == 0) return true;
    if (k == terms_.size() || target < 0 || target > sum_[k] || target % gcd_[k] != 0) return false;
    if (++work_ > limit_) {
      throw Error(Error::TooHard,
                  "whether these arrays share memory takes over " + std::to_string(limit_) +
                      " steps to say: ask may_share_memory, or allow more work",
                  {{"limit", std::to_string(limit_)}});
    }
    const std::int64_t c = terms_[k].coefficient, rest = gcd_[k + 1];
    internal::Int128 high = std::min<internal::Int128>(terms_[k].most, target / c);
    internal::Int128 low = target > sum_[k + 1] ? (target - sum_[k + 1] + c - 1) / c : 0;
    if (rest == 0) return high * c == target;  // the last term
    // Only x with c·x ≡ target (mod rest) leave a remainder that the rest can make.
    const std::int64_t common = std::gcd(c, rest), step = rest / common;
    if (step > 1) {
      const internal::Int128 residue = target / common % step * inverse(c / common % step, step) % step;
      low += (residue - low % step + step) % step;
    }
    for (internal::Int128 x = high - (high - low) % step; x >= low && low <= high; x -= step) {
      if (solve(k + 1, target - x * c)) return true;
    }
    return false;
  }

  std::vector<Term> terms_;
  std::vector<std::int64_t> gcd_;    // of the coefficients from k on
  std::vector<internal::Int128> sum_;  // the most that they can make
  std::int64_t limit_, work_ = 0;
};

}  // namespace

bool shares_memory(const Array& a, const Array& b, std::int64_t max_work) {
  if (!may_share_memory(a, b)) return false;
  const auto low = [](const Array& array) {
    return internal::Int128{static_cast<std::int64_t>(array.buffer()->origin().offset)} + array.layout().bounds(array.itemsize()).low;
  };
  // lowest byte of a + terms of a = lowest byte of b + terms of b: b's terms change sides by x → most − x.
  std::vector<Term> terms, of_b;
  add_terms(a, terms), add_terms(b, of_b);
  internal::Int128 target = low(b) - low(a);
  for (const Term& term : of_b) {
    target += internal::Int128{term.coefficient} * term.most;
    terms.push_back(term);
  }
  merge(terms);
  return Search(std::move(terms), max_work).solve(target);
}

}  // namespace ndshare
