// Every op of the family as strided copies.
#include "kernels/movement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <charconv>

#include "engine/core/error.h"

namespace engine {
namespace {

using Strides = std::array<std::int64_t, Shape::kMaxRank>;

StridedCopy make_copy(const Shape& shape, const Strides& to, const Strides& from) {
  StridedCopy copy;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    copy.loop.append(shape[axis], {to[i], from[i], 0});
  }
  copy.loop.collapse(2);
  return copy;
}

// Where an element with these coordinates lies.
std::int64_t offset_of(const std::vector<std::int64_t>& coordinates, const Strides& strides) {
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < coordinates.size(); ++i) offset += coordinates[i] * strides[i];
  return offset;
}

std::vector<StridedCopy> concatenate(const Problem& problem) {
  const auto axis = static_cast<std::size_t>(problem.attributes.integer("axis"));
  const Strides to = dense_strides(problem.outputs.at(0).shape);
  std::vector<StridedCopy> copies;
  std::int64_t done = 0;
  for (std::size_t i = 0; i < problem.inputs.size(); ++i) {
    const Shape& shape = problem.inputs[i].shape;
    copies.push_back(make_copy(shape, to, dense_strides(shape)));
    copies.back().input = i;
    copies.back().to_offset = done * to[axis];
    done += shape[static_cast<int>(axis)];
  }
  return copies;
}

StridedCopy transpose(const Problem& problem) {
  const Shape& shape = problem.outputs.at(0).shape;
  const Strides dense = dense_strides(problem.inputs.at(0).shape);
  Strides from{};
  const auto permutation = parse_list(problem.attributes.text("permutation"));
  for (std::size_t k = 0; k < permutation.size(); ++k)
    from[k] = dense[static_cast<std::size_t>(permutation[k])];
  return make_copy(shape, dense_strides(shape), from);
}

// Of `from` into `to` (or the reverse), where the smaller one starts at `begin` of the larger one.
StridedCopy window(const Shape& shape, const Strides& to, const Strides& from,
                   const std::string& begin, bool begins_in_output) {
  StridedCopy copy = make_copy(shape, to, from);
  (begins_in_output ? copy.to_offset : copy.from_offset) =
      offset_of(parse_list(begin), begins_in_output ? to : from);
  return copy;
}

std::uint32_t fill_word(const Problem& problem) {
  const double value = problem.attributes.real("value");
  switch (problem.outputs.at(0).dtype) {
    case DType::f32:
      return std::bit_cast<std::uint32_t>(static_cast<float>(value));
    case DType::i32:
      return std::bit_cast<std::uint32_t>(static_cast<std::int32_t>(value));
    default:
      return static_cast<std::uint32_t>(value);
  }
}

}  // namespace

std::string print_list(std::span<const std::int64_t> values) {
  return fmt::format("{}", fmt::join(values, ","));
}

std::vector<std::int64_t> parse_list(const std::string& text) {
  std::vector<std::int64_t> values;
  const char* end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    std::int64_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    ENGINE_CHECK(error == std::errc{} && (next == end || (*next == ',' && next + 1 != end)),
                 fmt::format("'{}' is no list of integers", text));
    values.push_back(value);
    at = next == end ? end : next + 1;
  }
  return values;
}

bool StridedCopy::is_plain() const {
  return loop.extent(1) == 1 && loop.rank == 2 &&
         (loop.extent(0) <= 1 || (loop.stride(0)[to] == 1 && loop.stride(0)[from] == 1));
}

MovementPlan MovementPlan::of(const Problem& problem) {
  const Shape &x = problem.inputs.at(0).shape, &y = problem.outputs.at(0).shape;
  const Strides to = dense_strides(y), from = dense_strides(x);
  const Attributes& attributes = problem.attributes;
  if (problem.op == "broadcast") return {{}, {make_copy(y, to, broadcast_strides(x, y))}};
  if (problem.op == "concatenate") return {{}, concatenate(problem)};
  if (problem.op == "slice") return {{}, {window(y, to, from, attributes.text("begin"), false)}};
  if (problem.op == "pad")
    return {fill_word(problem), {window(x, to, from, attributes.text("before"), true)}};
  if (problem.op == "transpose") return {{}, {transpose(problem)}};
  ENGINE_CHECK(problem.op == "reshape", "no movement of elements: " + problem.op);
  return {{}, {make_copy(x, from, from)}};
}

std::span<const std::string> movement_ops() {
  static const std::string ops[] = {"broadcast", "concatenate", "slice",
                                    "pad",       "transpose",   "reshape"};
  return ops;
}

std::string refuse_movement(const Problem& problem) {
  return dtype_size(problem.outputs.at(0).dtype) == 4 ? "" : "moves elements of four bytes";
}

}  // namespace engine
