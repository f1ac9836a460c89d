// Overlaps of x with what it is indexed by, written from and taken to: as if the operands had been copied first.
#include <ndshare/create.h>
#include <ndshare/reduce.h>
#include <ndshare/select.h>

#include "tests/support/support.h"
#include "tests/unit/exec/engine_support.h"

#include <gtest/gtest.h>

#include <functional>

namespace ndshare {
namespace {

using test::bytes_of;
using test::Engine;

Array counting(const Shape& shape) { return arange(shape.count()).reshape(shape); }

Array positions(Engine& random, std::int64_t count, std::int64_t length) {
  const Array out = empty({count}, int64);
  for (std::int64_t& at : out.as_span<std::int64_t>()) at = test::below(random, 2 * length) - length;
  return out;
}

Array mask(Engine& random, std::int64_t n, int percent) {
  const Array out = empty({n}, bool_);
  for (bool& element : out.as_span<bool>()) element = test::chance(random, percent);
  return out;
}

using Change = std::function<void(const Array& x, const std::function<Array(const Array&)>& operand)>;

/// The same change with operands that are views of x, and with copies of them.
void expect_as_with_copies(const Array& x, const Change& change, const std::string& what) {
  const Array plain = x.copy();
  change(plain, [](const Array& view) { return view.copy(); });
  const Array shared = x.copy();
  change(shared, [](const Array& view) { return view; });
  EXPECT_EQ(bytes_of(shared), bytes_of(plain)) << what << ", size " << x.size();
}

std::vector<std::pair<std::string, Change>> position_changes() {
  const Slice back = slice(none, none, -1);
  const auto halves = [](const Array& x) { return x.size() / 2; };
  return {
      {"a[a] = a[::-1]", [=](const Array& x, const auto& op) { assign(x, {op(x)}, op(x(back))); }},
      {"a[a] = 1", [](const Array& x, const auto& op) { assign(x, {op(x)}, 1); }},
      {"a[a[::-1]] = a", [=](const Array& x, const auto& op) { assign(x, {op(x(back))}, op(x)); }},
      {"a[::-1][a] = a",
       [=](const Array& x, const auto& op) {
         const Array a = op(x), v = op(x);
         assign(x(back), {a}, v);
       }},
      {"a[1:] = a[:-1]", [](const Array& x, const auto& op) { assign(x, slice(1, none), op(x(slice(-1)))); }},
      {"a[a != 0] = a of as many",
       [](const Array& x, const auto& op) {
         const Array m = x != 0;
         assign(x, m, op(x(slice(0, sum(m).item<std::int64_t>()))));
       }},
      {"a[idx] = a of another half",
       [=](const Array& x, const auto& op) {
         const std::int64_t h = halves(x);
         assign(x, {arange(0, 2 * h, 2)}, op(x(slice(0, h))));
       }},
      {"put(a, a, a)",
       [=](const Array& x, const auto& op) {
         const Array at = op(x), v = op(x(back));
         put(x, at, v);
       }},
      {"put(a, a, a[:2])", [](const Array& x, const auto& op) { put(x, op(x), op(x(slice(0, 2)))); }},
      {"put_along(a, a, a)",
       [=](const Array& x, const auto& op) {
         const Array at = op(x), v = op(x(back));
         put_along_axis(x, at, v);
       }},
  };
}

std::vector<std::pair<std::string, Change>> changes_of_out() {
  const Slice back = slice(none, none, -1);
  return {
      {"take(a, a, out=a)",
       [](const Array& x, const auto& op) {
         const Array at = op(x), from = op(x);
         static_cast<void>(take(from, at, {.out = x}));
       }},
      {"take(a, idx, out=a)",
       [](const Array& x, const auto& op) {
         static_cast<void>(take(op(x), arange(x.size() - 1, -1, -1), {.out = x}));
       }},
      {"take(b, a, out=a)",
       [](const Array& x, const auto& op) { static_cast<void>(take(arange(0, 3 * x.size(), 3), op(x), {.out = x})); }},
      {"take(a, wrap, out=a[::-1])",
       [=](const Array& x, const auto& op) {
         static_cast<void>(take(op(x), arange(3, x.size() + 3), {.mode = TakeMode::wrap, .out = x(back)}));
       }},
      {"compress(out=a)",
       [](const Array& x, const auto& op) {
         const Array c = x != 0;
         static_cast<void>(compress(c, op(x), {.axis = 0, .out = x(slice(-sum(c).item<std::int64_t>(), none))}));
       }},
      {"select(out=a)",
       [=](const Array& x, const auto& op) {
         const std::vector<Array> conditions = {x > 2};
         const std::vector<Operand> choices = {op(x(back))};
         static_cast<void>(select(conditions, choices, op(x), {.out = x}));
       }},
  };
}

TEST(SelectOverlapTest, PositionsAndValuesInTheArrayItself) {
  Engine random(test::test_seed());
  for (const std::int64_t n : {2, 3, 8, 50, 300, 70'000, 200'000}) {
    const Array x = positions(random, n, n);
    assign(x, 0, 1);
    for (const auto& [what, change] : position_changes()) expect_as_with_copies(x, change, what);
    for (const auto& [what, change] : changes_of_out()) expect_as_with_copies(x, change, what);
    const Array wide = empty({2 * n}, int64), stepped = wide(slice(none, none, 2));
    copyto(stepped, x);
    if (n < 1000) expect_as_with_copies(stepped, position_changes()[0].second, "stepped");
  }
}

TEST(SelectOverlapTest, MasksInTheArrayItself) {
  const Slice back = slice(none, none, -1);
  const std::vector<std::pair<std::string, Change>> changes = {
      {"m[m] = false", [](const Array& x, const auto& op) { assign(x, op(x), false); }},
      {"m[m[::-1]] = true", [=](const Array& x, const auto& op) { assign(x, op(x(back)), true); }},
      {"m[m[::-1]] = m of as many",
       [=](const Array& x, const auto& op) {
         const Array m = op(x(back)), v = op(x(slice(0, sum(m).template item<std::int64_t>())));
         assign(x, m, v);
       }},
      {"compress(m, m, out=m)",
       [=](const Array& x, const auto& op) {
         const Array m = op(x(back)), from = op(x);
         static_cast<void>(compress(m, from, {.axis = 0, .out = x(slice(0, sum(m).template item<std::int64_t>()))}));
       }},
      {"u1[m] = u1",
       [=](const Array& x, const auto& op) {
         const Array u = x.view_as(uint8), m = op(x(back)),
                     v = op(u(back)(slice(0, sum(m).template item<std::int64_t>())));
         assign(u, m, v);
       }},
  };
  Engine random(test::test_seed());
  for (const std::int64_t n : {2, 3, 9, 64, 65, 300, 200'000}) {
    const Array x = mask(random, n, 40);
    for (const auto& [what, change] : changes) expect_as_with_copies(x, change, what);
  }
}

TEST(SelectOverlapTest, RowsAndColumns) {
  for (const std::int64_t n : {3, 40, 400}) {
    const Array x = counting({n, n}), turned = arange(n - 1, -1, -1);
    const auto same = [&](const char* what, const Change& change) { expect_as_with_copies(x, change, what); };
    same("rows = transposed", [&](const Array& a, const auto& op) { assign(a, {turned}, op(a.T())); });
    same("columns = a", [&](const Array& a, const auto& op) { assign(a, {all, turned}, op(a)); });
    same("mask = transposed's",
         [&](const Array& a, const auto& op) { assign(a, a > 4, op(a.T().reshape({-1})(slice(5, none)))); });
    same("slices = transposed", [&](const Array& a, const auto& op) { assign(a, {all, all}, op(a.T())); });
    same("transposed rows", [&](const Array& a, const auto& op) {
      assign(a.T(), {turned, slice(0, 2)}, op(a(all, slice(1, 3))));
    });
    same("a row for all", [&](const Array& a, const auto& op) { assign(a, {turned}, op(a(1))); });
  }
}

}  // namespace
}  // namespace ndshare
