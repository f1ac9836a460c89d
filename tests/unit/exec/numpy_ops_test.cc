// The four operations and sum on a random sample of every pair of dtypes, against NumPy in its NumPy 2 promotion mode.
#include "tests/support/support.h"
#include "tests/unit/kernels/samples.h"

#include <ndshare/create.h>
#include <ndshare/ops.h>
#include <ndshare/reduce.h>

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <sstream>

namespace ndshare {
namespace {

constexpr char kProgram[] = R"(
import sys, numpy as np
np.seterr(all='ignore')
names = 'bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128'.split()
d = sys.argv[1] + '/'
for a in names:
    x = np.fromfile(d + a, dtype=a)
    for axis in (0, 1, 2, (0, 2), None):
        # float16 is added in float32 and rounded once here; NumPy rounds it on the way along axis 0.
        r = np.sum(x[:480].reshape(6, 8, 10), axis=axis, dtype='f4' if a == 'float16' else None)
        if a == 'float16': r = r.astype(a)
        np.asarray(r).tofile(d + 'sum-%s-%s' % (a, str(axis).replace(' ', '')))
    for b in names:
        y = np.fromfile(d + b, dtype=b)[::-1]
        for op in ('add', 'subtract', 'multiply', 'divide'):
            if op == 'subtract' and a == b == 'bool': continue
            r = getattr(np, op)(x, y)
            r.tofile(d + '%s-%s-%s' % (op, a, b))
            print(op, a, b, r.dtype)
)";

// Moderate values: exact in NumPy's own order too, and free of NaN, whose way through casts is the machine's.
template <class T>
void write_values(const test::ScratchDir& dir, test::Random& random) {
  std::ofstream file(dir.file(dtype_of<T>().name()), std::ios::binary);
  for (int i = 0; i < 500; ++i) {
    T value{};
    if constexpr (std::is_integral_v<T>)
      value = test::sample<T>(random);
    else if constexpr (std::is_same_v<T, Half>)
      value = Half(static_cast<float>(static_cast<int>(random() % 201) - 100));
    else
      value = T(static_cast<float>(static_cast<int>(random() % 2001) - 1000));
    if constexpr (test::kIsComplex<T>) value += T(0, static_cast<typename T::value_type>(random() % 32));
    file.write(reinterpret_cast<const char*>(&value), sizeof value);
  }
}

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Array load(const test::ScratchDir& dir, const DType& dtype) {
  const std::string bytes = slurp(dir.file(dtype.name()));
  const Array array = empty({500}, dtype);
  std::memcpy(array.mutable_data(), bytes.data(), bytes.size());
  return array;
}

template <class T>
std::string difference(const Array& array, const std::string& expected) {
  const std::span<const T> values = array.as_span<const T>();
  if (values.size() * sizeof(T) != expected.size()) return "another size";
  for (std::size_t i = 0; i < values.size(); ++i) {
    T want{};
    std::memcpy(static_cast<void*>(&want), expected.data() + i * sizeof(T), sizeof(T));
    if (!test::same<T>(values[i], want) && !(values[i] == want)) return "element " + std::to_string(i);
  }
  return "";
}

std::string compare(const Array& array, const std::string& expected) {
  std::string result;
  visit_numeric(array.dtype().id(), [&]<class T>() { result = difference<T>(array, expected); });
  return result;
}

TEST(NumPyOpsTest, EveryOpAndPairOfDtypes) {
  const test::ScratchDir dir;
  test::Random random(5);
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) write_values<lane>(dir, random);
#include <ndshare/dtype_list.inc>
  const test::Finished numpy = test::run_numpy(kProgram, {dir.path().string()});
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  std::istringstream lines(numpy.out);
  int rows = 0;
  for (std::string op, a, b, dtype; lines >> op >> a >> b >> dtype; ++rows) {
    const Array x = load(dir, DType::parse(a)), y = load(dir, DType::parse(b))(slice(none, none, -1));
    const Array got = op == "add" ? x + y : op == "subtract" ? x - y : op == "multiply" ? x * y : x / y;
    EXPECT_EQ(got.dtype().name(), dtype) << op << ' ' << a << ' ' << b;
    EXPECT_EQ(compare(got, slurp(dir.file(op + "-" + a + "-" + b))), "") << op << ' ' << a << ' ' << b;
  }
  EXPECT_EQ(rows, 4 * 14 * 14 - 1);
}

TEST(NumPyOpsTest, SumAlongEveryAxis) {
  const test::ScratchDir dir;
  test::Random random(6);
#define NDSHARE_DTYPE(id, lane, name, kind, code, itemsize) write_values<lane>(dir, random);
#include <ndshare/dtype_list.inc>
  const test::Finished numpy = test::run_numpy(kProgram, {dir.path().string()});
  ASSERT_EQ(numpy.status, 0) << numpy.err;
  for (std::size_t id = 0; id <= static_cast<std::size_t>(TypeId::complex128); ++id) {
    const DType dtype(static_cast<TypeId>(id));
    const Array x = load(dir, dtype)(slice(480)).reshape({6, 8, 10});
    const std::string stem = "sum-" + dtype.name() + "-";
    EXPECT_EQ(compare(sum(x, {.axis = 0}), slurp(dir.file(stem + "0"))), "") << dtype.name();
    EXPECT_EQ(compare(sum(x, {.axis = 1}), slurp(dir.file(stem + "1"))), "") << dtype.name();
    EXPECT_EQ(compare(sum(x, {.axis = -1}), slurp(dir.file(stem + "2"))), "") << dtype.name();
    EXPECT_EQ(compare(sum(x, {.axis = {0, 2}}), slurp(dir.file(stem + "(0,2)"))), "") << dtype.name();
    EXPECT_EQ(compare(sum(x), slurp(dir.file(stem + "None"))), "") << dtype.name();
  }
}

}  // namespace
}  // namespace ndshare
