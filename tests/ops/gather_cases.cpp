// Cases of gather.
#include <fmt/format.h>

#include "ops/gather.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

// `stray` indices out of range on either side.
void add_gather(CaseTable& table, const Shape& data, DType from, DType to, std::int64_t batch,
                double stray, Layout layout = Layout::row_major,
                const GatherAttributes& normalization = {{1.0 / 255}, {-0.5}}) {
  const bool floats = is_floating(to);
  const TensorType source{data, from};
  const InputDraw elements = from == DType::f32  ? kReals
                             : from == DType::u8 ? InputDraw{Kind::integers, 0, 256}
                                                 : InputDraw{Kind::integers, -1000, 1000};
  GatherAttributes attributes = normalization;
  attributes.layout = layout;
  const std::int64_t row = data[0] == 0 ? 0 : data.element_count() / data[0];
  table.add({.name = fmt::format("{} of {} as {}{}{}{}", batch, source.to_string(), dtype_name(to),
                                 normalization.scale.size() > 1 ? " by channel" : "",
                                 stray > 0 ? " stray" : "",
                                 layout == Layout::channels_last ? " channels last" : ""),
             .op = floats ? ops::gather_normalized(attributes, to) : ops::gather_integers(),
             .types = {source, i32({batch})},
             .draws = {elements, {Kind::integers, -stray, static_cast<double>(data[0]) + stray}},
             .exact = !floats,
             .large = batch * row > 20000});
}

}  // namespace

void register_gather_cases(CaseTable& table) {
  for (std::int64_t batch : {0, 1, 32, 33, 100})
    for (double stray : {0.0, 3.0}) {
      add_gather(table, {20, 28, 28}, DType::u8, DType::f32, batch % 40, stray);
      for (DType to : {DType::f32, DType::bf16}) {
        add_gather(table, {50, 33}, DType::u8, to, batch, stray);
        add_gather(table, {50, 36}, DType::f32, to, batch, stray);
      }
      add_gather(table, {20, 28, 28}, DType::u8, DType::bf16, batch % 40, stray);
      add_gather(table, {50, 7}, DType::f32, DType::f32, batch, stray);
      add_gather(table, {50}, DType::u8, DType::i32, batch, stray);
      add_gather(table, {50}, DType::i32, DType::i32, batch, stray);
    }
  for (std::int64_t length : {1, 3, 31, 65, 129})
    add_gather(table, {9, length}, DType::u8, DType::f32, 12, 1);
  for (const Shape& images :
       {Shape{9, 1, 5}, Shape{9, 3, 8, 8}, Shape{9, 33, 5}, Shape{5, 4, 2, 3, 4}})
    for (DType from : {DType::u8, DType::f32})
      for (DType to : {DType::f32, DType::bf16})
        add_gather(table, images, from, to, 12, 2, Layout::channels_last);
  const GatherAttributes three{{1.0 / 255, -0.25, 3}, {-0.5, 0, 100}};
  const GatherAttributes most{std::vector<double>(16, 0.5),
                              {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
  for (DType from : {DType::u8, DType::f32})
    for (DType to : {DType::f32, DType::bf16}) {
      for (Layout layout : {Layout::row_major, Layout::channels_last})
        for (const Shape& images : {Shape{9, 3, 8, 8}, Shape{9, 3, 5}, Shape{5, 3, 2, 3, 4}})
          add_gather(table, images, from, to, 12, 2, layout, three);
      add_gather(table, {9, 16, 6}, from, to, 12, 2, Layout::channels_last, most);
      add_gather(table, {9, 16}, from, to, 12, 2, Layout::row_major, most);
    }
  add_gather(table, {500, 3, 32, 32}, DType::u8, DType::f32, 64, 0, Layout::channels_last);
  add_gather(table, {500, 28, 28}, DType::u8, DType::f32, 128, 0);
}

}  // namespace engine::test
