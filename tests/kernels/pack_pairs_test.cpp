// The engine's own packing of bf16 weights against oneDNN's, byte for byte, over the layouts that
// oneDNN's primitives ask for, on machines with and without instructions for them.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "engine/core/bfloat16.h"
#include "engine/core/rng.h"
#include "kernels/onednn/convert.h"

namespace engine::test {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

std::vector<float> random_floats(std::size_t count) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i)
    values.push_back(uniform_from_word(random_word({3, 4}, 0, i)) - 0.5f);
  return values;
}

std::vector<std::uint16_t> reordered(const memory::desc& from, const memory::desc& to,
                                     std::vector<float> values) {
  std::vector<std::uint16_t> result(to.get_size() / sizeof(std::uint16_t), 0xabcd);
  memory source(from, onednn::cpu_engine(), values.data());
  memory target(to, onednn::cpu_engine(), result.data());
  dnnl::stream stream(onednn::cpu_engine());
  dnnl::reorder(source, target).execute(stream, source, target);
  stream.wait();
  return result;
}

TEST(PackPairs, EqualsTheReordersOfOnednn) {
  for (Tag packed : {Tag::BA16a64b2a, Tag::BA16a48b2a, Tag::BA16a32b2a, Tag::BA16a16b2a,
                     Tag::AB16b64a2b, Tag::AB16b48a2b, Tag::AB16b32a2b, Tag::AB16b16a2b,
                     Tag::AB8b64a2b, Tag::AB8b32a2b, Tag::AB8b16a2b, Tag::ab})
    for (Tag plain : {Tag::ab, Tag::ba})
      for (const memory::dims& dims : {memory::dims{64, 128}, {65, 31}, {7, 200}, {96, 33}}) {
        const memory::desc given(dims, memory::data_type::f32, plain);
        const memory::desc wanted(dims, memory::data_type::bf16,
                                  packed == Tag::ab ? plain : packed);
        const auto values = random_floats(static_cast<std::size_t>(dims[0] * dims[1]));
        const onednn::Conversion convert = onednn::make_conversion(given, wanted);
        ASSERT_TRUE(convert);
        std::vector<std::uint16_t> got(wanted.get_size() / sizeof(std::uint16_t), 0xabcd);
        convert(values.data(), got.data());
        EXPECT_EQ(got, reordered(given, wanted, values))
            << static_cast<int>(packed) << ' ' << dims[0] << 'x' << dims[1];
      }
}

TEST(PackPairs, LeavesOtherConversionsToOnednn) {
  const memory::desc f32({8, 8}, memory::data_type::f32, Tag::ab);
  EXPECT_FALSE(onednn::make_conversion(f32, f32));
  EXPECT_FALSE(onednn::make_conversion(f32, {{8, 8}, memory::data_type::bf16, Tag::ba}));
}

}  // namespace
}  // namespace engine::test
