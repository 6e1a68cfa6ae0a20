// What a model and a data set of text say of their tokens. An observation is one row of tokens,
// i32, each text of it in a segment of its own: a review in one, or a story and a question.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace engine {

/// Fills up a segment that is longer than its text.
inline constexpr std::int32_t kPaddingToken = 0;

/// Where padding goes.
enum class Padding { left, right };

/// "left", "right".
std::string padding_name(Padding padding);
/// The reverse; throws UsageError naming what there is.
Padding padding_from_name(const std::string& name);

struct TextFormat {
  std::int64_t vocabulary = 0;              ///< tokens are in [0, vocabulary)
  std::vector<std::int64_t> segments = {};  ///< tokens in each, in order; together the observation
  Padding padding = Padding::left;

  /// Tokens of an observation.
  std::int64_t length() const;
  /// "vocabulary 36, segments [552, 5]".
  std::string to_string() const;
};

/// Fills `segment` with the last tokens of `text`, as many as there is room for, and padding.
void place_tokens(std::span<const std::int32_t> text, Padding padding,
                  std::span<std::int32_t> segment);

}  // namespace engine
