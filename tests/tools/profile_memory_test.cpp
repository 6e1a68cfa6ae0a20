// engine-profile memory: the rows are a plan, and the drawing is of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/tools/tool.h"

namespace engine {
namespace {

using nlohmann::json;

bool overlap(const json& a, const json& b, const char* first, std::int64_t a_end,
             std::int64_t b_end) {
  return a[first].get<std::int64_t>() < b_end && b[first].get<std::int64_t>() < a_end;
}

std::int64_t end_of(const json& value) {
  return value["offset"].get<std::int64_t>() + value["bytes"].get<std::int64_t>();
}

std::int64_t after(const json& value) {
  return value["last_step"].get<std::int64_t>() + 1;
}

TEST(ProfileMemory, ValuesShareMemoryOnlyAtDifferentTimes) {
  const WorkFolder folder;
  const Outcome outcome = profile("memory", {"--json", "--autotune", "off"}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::vector<json> values = json_lines(outcome.out);
  ASSERT_GT(values.size(), 5u);
  std::int64_t top = 0;
  std::map<std::int64_t, std::int64_t> live;
  for (const json& value : values) {
    top = std::max(top, end_of(value));
    for (std::int64_t step = value["first_step"]; step < after(value); ++step)
      live[step] += value["bytes"].get<std::int64_t>();
    for (const json& other : values)
      EXPECT_TRUE(value["value"] == other["value"] ||
                  !overlap(value, other, "first_step", after(value), after(other)) ||
                  !overlap(value, other, "offset", end_of(value), end_of(other)))
          << value << other;
  }
  const json& row = values.front();
  EXPECT_EQ(row["arena_bytes"], top);
  std::int64_t most = 0;
  for (const auto& [step, bytes] : live) most = std::max(most, bytes);
  EXPECT_EQ(row["lower_bound_bytes"], most);
  EXPECT_EQ(live.at(row["peak_step"]), most);
  EXPECT_NEAR(row["fragmentation"].get<double>(),
              1 - static_cast<double>(most) / static_cast<double>(top), 1e-9);
  for (const char* kind : {"activation", "gradient"})
    EXPECT_TRUE(std::any_of(values.begin(), values.end(), [&](const json& value) {
      return value["kind"] == kind;
    })) << kind;
}

TEST(ProfileMemory, DrawingHasARectangleAValue) {
  const WorkFolder folder;
  const Outcome outcome =
      profile("memory", {"--json", "--autotune", "off", "--svg", folder / "arena.svg"}, folder);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string svg = file_bytes(folder / "arena.svg");
  EXPECT_EQ(svg.rfind("<svg ", 0), 0u);
  EXPECT_NE(svg.find("</svg>"), std::string::npos);
  for (const json& value : json_lines(outcome.out))
    EXPECT_GE(occurrences(svg, "<title>" + value["value"].get<std::string>() + " of "), 1u)
        << value;
  EXPECT_NE(svg.find("peak at step"), std::string::npos);
  EXPECT_NE(svg.find("offset in the arena"), std::string::npos);
}

TEST(ProfileMemory, DrawingThatCannotBeSavedIsAnError) {
  const WorkFolder folder;
  expect_error(profile("memory", {"--autotune", "off", "--svg", folder / "absent/x.svg"}, folder),
               1, "absent/x.svg");
}

}  // namespace
}  // namespace engine
