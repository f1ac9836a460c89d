#include "tests/unit/table/table_support.h"

#include <ndshare/index.h>
#include <ndshare/print.h>

#include <gtest/gtest.h>

namespace ndshare::test {

Array make_rows(const std::string& dtype, const std::vector<std::vector<Scalar>>& rows) {
  const Array out = zeros({static_cast<std::int64_t>(rows.size())}, DType::parse(dtype));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    std::size_t i = 0;
    for (const Field& field : out.dtype().fields()) fill(out(row)[field.name], rows[row].at(i++));
  }
  return out;
}

std::string rows_text(const Array& table) {
  std::string out;
  for (std::int64_t row = 0; row < table.size(); ++row) {
    out += row == 0 ? "" : "; ";
    std::string words;
    for (const Field& field : table.dtype().fields()) {
      const Array item = table(row)[field.name];
      const bool text = field.dtype.is_text() && item.ndim() == 0;
      const std::string word = text ? item.item<std::string>() : to_string(item);
      words += (words.empty() ? "" : " ") + (word.empty() ? "_" : word);
    }
    out += words;
  }
  return out;
}

std::string bytes_of(const Array& array) {
  const Array packed = array.copy();
  return {reinterpret_cast<const char*>(packed.data()), static_cast<std::size_t>(packed.nbytes())};
}

Array laid_apart(const Array& table) {
  const Array wide = zeros({2 * table.size() + 1}, table.dtype());
  const Array cut = wide(slice(1, none, 2)).with_layout(flip(wide(slice(1, none, 2)).layout()));
  copyto(cut, table);
  return cut.as_readonly();
}

Array same_for_any_threads(const std::function<Array(int)>& make) {
  const Array one = make(1);
  const std::string bytes = bytes_of(one);
  for (const int threads : {2, 3}) EXPECT_TRUE(bytes_of(make(threads)) == bytes) << "with " << threads << " threads";
  return one;
}

}  // namespace ndshare::test
