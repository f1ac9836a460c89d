// Fields added, dropped, renamed, merged, stacked, and tables as plain arrays: what goes wrong, and what the ledger
// says.
#include <ndshare/ledger.h>
#include <ndshare/limits.h>
#include <ndshare/print.h>

#include "tests/support/support.h"
#include "tests/unit/table/table_support.h"

#include <gtest/gtest.h>

namespace ndshare::test {
namespace {

Array small() { return make_rows("t:S2,n:i4,v:f8", {{"AA", 1, 0.5}, {"B", 2, 1.5}, {"CC", 3, 2.5}}); }

TEST(FieldsTest, AppendPutsFieldsAtTheEnd) {
  const Array out = append_fields(small(), {"k", "m"}, {array({7, 8, 9}, int8), zeros({3, 2}, float32)});
  EXPECT_EQ(out.dtype(), DType::parse("t:S2,n:i4,v:f8,k:i1,m:(2,)f4"));
  EXPECT_EQ(rows_text(out(slice(1, 2))), "B 2 1.5 8 [0. 0.]");
  EXPECT_EQ(bytes_of(append_fields(laid_apart(small()), {"k"}, {array({7, 8, 9}, int8)})),
            bytes_of(append_fields(small(), {"k"}, {array({7, 8, 9}, int8)})));
}

TEST(FieldsTest, AppendRefusesWhatDoesNotFit) {
  EXPECT_EQ(code_of([] { static_cast<void>(append_fields(small(), {"k"}, {arange(4)})); }), Error::ShapeMismatch);
  EXPECT_NE(message_of([] { static_cast<void>(append_fields(small(), {"k"}, {arange(4)})); }).find("(4,)"),
            std::string::npos);
  EXPECT_EQ(code_of([] { static_cast<void>(append_fields(small(), {"k", "l"}, {arange(3)})); }), Error::Usage);
  EXPECT_EQ(code_of([] { static_cast<void>(append_fields(small(), {"n"}, {arange(3)})); }), Error::DType);
  EXPECT_EQ(code_of([] { static_cast<void>(append_fields(arange(3), {"n"}, {arange(3)})); }), Error::DtypeMismatch);
}

TEST(FieldsTest, DropKeepsTheOthers) {
  EXPECT_EQ(rows_text(drop_fields(small(), {"n"})), "AA 0.5; B 1.5; CC 2.5");
  EXPECT_EQ(code_of([] { static_cast<void>(drop_fields(small(), {"n", "t", "v"})); }), Error::DType);
  const std::string message = message_of([] { static_cast<void>(drop_fields(small(), {"nn"})); });
  EXPECT_NE(message.find("'t', 'n', 'v'"), std::string::npos) << message;
}

TEST(FieldsTest, RenameIsAView) {
  const Array x = small(), out = rename_fields(x, {{"t", "n"}, {"n", "t"}});
  EXPECT_EQ(out.dtype(), DType::parse("n:S2,t:i4,v:f8"));
  fill(out["t"], 5);
  EXPECT_EQ(x["n"](0).item<int>(), 5);
  EXPECT_TRUE(rename_fields(x(slice(none, none, 2)), {{"t", "u"}}).is_view());
  EXPECT_EQ(code_of([&] { static_cast<void>(rename_fields(x, {{"q", "t"}})); }), Error::DType);
  EXPECT_EQ(code_of([&] { static_cast<void>(rename_fields(x, {{"n", "t"}})); }), Error::DType);
  EXPECT_EQ(code_of([&] { static_cast<void>(rename_fields(x, {{"n", "a"}, {"n", "b"}})); }), Error::DType);
}

TEST(FieldsTest, MergeNestsOrFlattens) {
  const Array numbers = array({1, 2, 3}, int64);
  EXPECT_EQ(merge_arrays({numbers, small()}).dtype(),
            DType::parse("[('f0','<i8'),('f1',[('t','S2'),('n','<i4'),('v','<f8')])]"));
  const Array flat = merge_arrays({numbers, small()}, {.names = {"id", "x"}, .flatten = true});
  EXPECT_EQ(flat.dtype(), DType::parse("id:i8,t:S2,n:i4,v:f8"));
  EXPECT_EQ(rows_text(flat(slice(2, 3))), "3 CC 3 2.5");
  EXPECT_EQ(code_of([] { static_cast<void>(merge_arrays({})); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(merge_arrays({numbers}, {.names = {"a", "b"}})); }), Error::Usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(merge_arrays({numbers, arange(4)})); }), Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(merge_arrays({small(), small()}, {.flatten = true})); }), Error::DType);
}

TEST(FieldsTest, StackFillsWhatIsMissing) {
  const Array more = make_rows("t:S3,d:M8[D],f:f4,s:U2,b:?", {{"DDD", 0, 1.0, "x", true}});
  const Array out = stack_arrays({small()(slice(0, 1)), more, zeros({0}, more.dtype())});
  EXPECT_EQ(out.dtype(), DType::parse("t:S3,n:i4,v:f8,d:M8[D],f:f4,s:U2,b:?"));
  EXPECT_EQ(rows_text(out), "AA 1 0.5 NaT nan _ False; DDD 0 nan 1970-01-01 1.0 x True");
  EXPECT_EQ(code_of([] { static_cast<void>(stack_arrays({small(), make_rows("t:U2", {})})); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([] {
              static_cast<void>(stack_arrays({small(), zeros({2, 2}, small().dtype())}));
            }),
            Error::ShapeMismatch);
  EXPECT_EQ(code_of([] { static_cast<void>(stack_arrays({})); }), Error::Usage);
}

TEST(FieldsTest, PlainArraysAndBack) {
  const Array x = make_rows("a:i2,b:f4", {{1, 0.5}, {2, 1.5}});
  const Array plain = structured_to_unstructured(x);
  EXPECT_EQ(plain.dtype(), float32);
  EXPECT_EQ(structured_to_unstructured(make_rows("a:i2,b:u2,c:f4", {{1, 2, 0.5}})).dtype(), float32);
  EXPECT_EQ(to_string(plain), "[[1.  0.5]\n [2.  1.5]]");
  EXPECT_EQ(code_of([&] { static_cast<void>(structured_to_unstructured(x, int16)); }), Error::DtypeMismatch);
  EXPECT_EQ(bytes_of(unstructured_to_structured(plain, x.dtype(), Casting::unsafe)), bytes_of(x));
  EXPECT_EQ(code_of([&] { static_cast<void>(unstructured_to_structured(plain, x.dtype())); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(unstructured_to_structured(plain, DType::parse("a:f4"))); }),
            Error::ShapeMismatch);
  EXPECT_EQ(code_of([&] { static_cast<void>(unstructured_to_structured(plain, float32)); }), Error::DtypeMismatch);
  EXPECT_EQ(code_of([] { static_cast<void>(structured_to_unstructured(small())); }), Error::DtypeMismatch);
  EXPECT_EQ(structured_to_unstructured(make_rows("a:S2,b:S2", {{"x", "y"}})).dtype(), DType::bytes(2));
}

TEST(FieldsTest, TheLedgerAndTheGuardKnow) {
  const Array x = small();
  CopyAudit audit;
  static_cast<void>(drop_fields(x, {"n"}));
  EXPECT_EQ(audit.totals()[CopyReason::selected].bytes, 30U);
  static_cast<void>(merge_arrays({x, arange(3)}));
  EXPECT_EQ(audit.totals()[CopyReason::joined].bytes, 3U * (14 + 8));
  const Limits cap{.max_bytes = 29};
  EXPECT_EQ(code_of([&] { static_cast<void>(drop_fields(x, {"n"})); }), Error::MemoryGuard);
  EXPECT_EQ(code_of([&] { static_cast<void>(stack_arrays({x, x})); }), Error::MemoryGuard);
  EXPECT_EQ(code_of([&] {
              static_cast<void>(
                  structured_to_unstructured(x["n"].size() > 0 ? x.fields(std::vector<std::string>{"n", "v"}) : x));
            }),
            Error::MemoryGuard);
}

}  // namespace
}  // namespace ndshare::test
