// Numbers, tables and records as the tools print them.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tools/common/format.h"
#include "tools/common/output.h"
#include "tools/common/record.h"
#include "tools/common/table.h"
#include "tools/common/terminal.h"

namespace engine::tools {
namespace {

TEST(Format, Separators) {
  EXPECT_EQ(with_separators(0), "0");
  EXPECT_EQ(with_separators(999), "999");
  EXPECT_EQ(with_separators(669706), "669,706");
  EXPECT_EQ(with_separators(-1234567), "-1,234,567");
  EXPECT_EQ(with_separators(-123), "-123");
}

TEST(Format, Bytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 KB");
  EXPECT_EQ(human_bytes(54950000), "55.0 MB");
  EXPECT_EQ(human_bytes(1e12), "1.0 TB");
}

TEST(Format, Seconds) {
  EXPECT_EQ(human_seconds(0.42), "0.4 s");
  EXPECT_EQ(human_seconds(59.4), "59 s");
  EXPECT_EQ(human_seconds(185), "3 min 05 s");
  EXPECT_EQ(human_seconds(7800), "2 h 10 min");
  EXPECT_EQ(human_seconds(std::numeric_limits<double>::infinity()), "?");
}

TEST(Format, WidthCountsCodePoints) {
  EXPECT_EQ(display_width("µs · 9"), 6u);
  EXPECT_EQ(cut("µs · 9", 2), "µs");
  EXPECT_EQ(cut("abc", 9), "abc");
}

TEST(Format, WrapKeepsShapesWhole) {
  EXPECT_EQ(wrap("a f32[64, 3, 5] -> f32[1, 2] b", 16),
            (std::vector<std::string>{"a f32[64, 3, 5]", "-> f32[1, 2] b"}));
  EXPECT_EQ(wrap("one", 2), std::vector<std::string>{"one"});
  EXPECT_EQ(wrap("", 2), std::vector<std::string>{""});
}

TEST(OneLine, EscapesControlCharacters) {
  EXPECT_EQ(one_line("a\nb\x1b[0m\tä"), "a\\nb\\x1b[0m\\x09ä");
}

TEST(Table, AlignsColumns) {
  Table table({{"name"}, {"µs", Table::Align::right}});
  table.add({"a", "10.5"});
  table.add_rule();
  table.add({"sum", "7"});
  const std::vector<std::string> expected = {"name    µs", "----------", "a     10.5", "----------",
                                             "sum      7"};
  EXPECT_EQ(table.lines(), expected);
}

TEST(ProgressBar, FillsUp) {
  EXPECT_EQ(progress_bar(0, 6), "[>   ]");
  EXPECT_EQ(progress_bar(0.5, 6), "[==> ]");
  EXPECT_EQ(progress_bar(1, 6), "[====]");
  EXPECT_EQ(progress_bar(7, 6), "[====]");
}

TEST(Record, JsonKeepsOrderAndHasNoNaN) {
  Record inner;
  inner.set("x", std::int64_t{1});
  Record record;
  record.set("z", "text \"quoted\"\n").set("a", std::nan("")).set("b", true).set("n", nullptr);
  record.set("list", std::vector<Record>{inner});
  EXPECT_EQ(to_json(record),
            R"({"z":"text \"quoted\"\n","a":null,"b":true,"n":null,"list":[{"x":1}]})");
}

TEST(Record, JsonReplacesBytesThatAreNoText) {
  Record record;
  record.set("path", std::string("a\xff"));
  EXPECT_EQ(to_json(record), "{\"path\":\"a\xef\xbf\xbd\"}");
}

TEST(Record, CsvQuotes) {
  Record record;
  record.set("a,b", "x, \"y\"").set("n", nullptr).set("i", std::int64_t{-3}).set("d", 0.5);
  EXPECT_EQ(csv_header(record), "\"a,b\",n,i,d");
  EXPECT_EQ(to_csv(record), "\"x, \"\"y\"\"\",,-3,0.5");
}

}  // namespace
}  // namespace engine::tools
