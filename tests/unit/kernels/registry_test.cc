#include "lib/kernels/registry.h"

#include <ndshare/dtype.h>

#include <gtest/gtest.h>

namespace ndshare::internal {
namespace {

TEST(RegistryTest, HasALoopExactlyForTheListedKinds) {
  for (const KernelTable& table : supported_tables()) {
    for (std::size_t op = 0; op < kBinaryCount; ++op) {
      for (std::size_t type = 0; type < kNumericCount; ++type) {
        const BinaryKernels& found = table.binary[op][type];
        const char kind = DType(static_cast<TypeId>(type)).kind();
        const bool listed = kBinaryOps[op].loops.find(kind) != std::string_view::npos;
        EXPECT_EQ(found.vv != nullptr, listed) << table.name << ' ' << kBinaryOps[op].name << ' ' << kind;
        EXPECT_EQ(found.vs != nullptr, listed);
        EXPECT_TRUE(!listed || kBinaryOps[op].commutative || found.sv != nullptr) << kBinaryOps[op].name;
      }
    }
  }
}

TEST(RegistryTest, HasAUnaryLoopExactlyForTheListedKinds) {
  for (const KernelTable& table : supported_tables()) {
    for (std::size_t op = 0; op < kUnaryCount; ++op) {
      for (std::size_t type = 0; type < kNumericCount; ++type) {
        const char kind = DType(static_cast<TypeId>(type)).kind();
        const bool listed = kUnaryOps[op].loops.find(kind) != std::string_view::npos;
        EXPECT_EQ(table.unary[op][type] != nullptr, listed) << table.name << ' ' << kUnaryOps[op].name << ' ' << kind;
      }
    }
  }
}

TEST(RegistryTest, UsesTheBestTargetAndCanBeForced) {
  const auto tables = supported_tables();
  ASSERT_FALSE(tables.empty());
  EXPECT_EQ(&kernels(), &tables.front());
  force_table_for_test(&tables.back());
  EXPECT_EQ(&kernels(), &tables.back());
  force_table_for_test(nullptr);
  EXPECT_EQ(&kernels(), &tables.front());
}

TEST(RegistryTest, TargetsDiffer) {
  const auto tables = supported_tables();
  for (std::size_t i = 1; i < tables.size(); ++i) {
    EXPECT_NE(tables[i].find(BinaryOp::add, TypeId::float32).vv, tables[i - 1].find(BinaryOp::add, TypeId::float32).vv);
  }
}

}  // namespace
}  // namespace ndshare::internal
