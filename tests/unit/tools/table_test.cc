#include "tools/cli/table.h"

#include <cstdlib>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace ndshare::cli {
namespace {

std::string printed(const Table& table, int width) {
  std::ostringstream out;
  table.print(out, width);
  return out.str();
}

std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, text_width(line));
  return widest;
}

TEST(TableTest, EmptyTablePrintsItsHeader) {
  EXPECT_EQ(printed(Table({{.title = "NAME"}, {.title = "SIZE", .right = true}}), 80), "NAME  SIZE\n");
}

TEST(TableTest, ColumnsAlignAndLinesHaveNoTrailingSpaces) {
  Table table({{.title = "NAME"}, {.title = "SIZE", .right = true}, {.title = "STATE"}});
  table.add({"a", "1", "open"});
  table.add({"longer", "12345", "s"});
  EXPECT_EQ(printed(table, 0), "NAME     SIZE  STATE\na           1  open\nlonger  12345  s\n");
}

TEST(TableTest, OnlyColumnsThatMayBeCutShrinkToTheWidth) {
  Table table({{.title = "NAME", .shortest = 6}, {.title = "DTYPE", .shortest = 6}, {.title = "SIZE", .right = true}});
  table.add({std::string(60, 'n'), std::string(60, 'd'), "123456789"});
  const auto text = printed(table, 40);
  EXPECT_EQ(widest_line(text), 40U);
  EXPECT_NE(text.find("123456789"), std::string::npos);
  EXPECT_NE(text.find("…"), std::string::npos);
  EXPECT_EQ(widest_line(printed(table, 0)), 60U + 2 + 60 + 2 + 9);
  EXPECT_EQ(widest_line(printed(table, 5)), 6U + 2 + 6 + 2 + 9) << "a width that nothing fits is not an error";
}

TEST(TableTest, CharactersAreCountedNotBytes) {
  EXPECT_EQ(text_width("naïve…"), 6U);
  EXPECT_EQ(cut_text("naïveté", 4), "naï…");
  EXPECT_EQ(cut_text("naïveté", 7), "naïveté");
  EXPECT_EQ(cut_text("abc", 1), "…");
}

TEST(TableTest, ColumnsVariableGoesBeforeTheTerminal) {
  ::setenv("COLUMNS", "72", 1);
  EXPECT_EQ(output_columns(), 72);
  ::setenv("COLUMNS", "-3", 1);
  EXPECT_GE(output_columns(), 0);
  ::unsetenv("COLUMNS");
}

}  // namespace
}  // namespace ndshare::cli
