// Threads of a block: order, barriers, warp operations, atomics, and the mistakes made with them.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels.h"
#include "support.h"

namespace simcuda_test {
namespace {

class Threads : public DeviceTest {};

std::vector<float> ascending(int n) {
  std::vector<float> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 0.0f);
  return values;
}

bool reverses(std::uint64_t seed, bool with_barrier) {
  simcuda_seed(seed);
  const std::vector<float> in = ascending(128);
  const Buffer<float> from(in), to(in.size());
  EXPECT_EQ(reverse(from.data(), to.data(), 128, with_barrier), cudaSuccess);
  return to.read() == std::vector<float>(in.rbegin(), in.rend());
}

TEST_F(Threads, MissingBarrierShowsInRandomOrder) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    EXPECT_TRUE(reverses(seed, true)) << seed;
    EXPECT_FALSE(reverses(seed, false)) << seed;
  }
}

TEST_F(Threads, EveryThreadRunsOnce) {
  for (const std::uint64_t seed : {0, 1, 2}) {
    simcuda_seed(seed);
    const Buffer<int> out(6 * 30);
    ASSERT_EQ(cudaMemset(out.data(), 0, out.bytes()), cudaSuccess);
    ASSERT_EQ(indices(out.data(), dim3(1, 2, 3), dim3(5, 3, 2)), cudaSuccess);
    const std::vector<int> values = out.read();
    for (int i = 0; i < 180; ++i) EXPECT_EQ(values[static_cast<std::size_t>(i)], i + 1);
  }
}

std::vector<int> order_of(std::uint64_t seed) {
  simcuda_seed(seed);
  const Buffer<int> order(96), counter(1);
  cudaMemset(counter.data(), 0, counter.bytes());
  EXPECT_EQ(record_order(order.data(), counter.data(), 96), cudaSuccess);
  return order.read();
}

TEST_F(Threads, SeedFixesTheOrder) {
  const std::vector<int> program_order = order_of(0);
  EXPECT_TRUE(std::is_sorted(program_order.begin(), program_order.end()));
  EXPECT_NE(order_of(1), program_order);
  EXPECT_EQ(order_of(1), order_of(1));
  EXPECT_NE(order_of(1), order_of(2));
}

TEST_F(Threads, BarriersCountPredicates) {
  const Buffer<int> out(3);
  ASSERT_EQ(predicates(out.data()), cudaSuccess);
  EXPECT_EQ(out.read(), (std::vector<int>{34, 0, 1}));
}

TEST_F(Threads, EndedThreadsAreNotWaitedFor) {
  const Buffer<int> out(1);
  ASSERT_EQ(leave_early(out.data()), cudaSuccess);
  EXPECT_EQ(out.read()[0], 32);
}

TEST_F(Threads, WarpOperationsAnswerAsOnHardware) {
  const Buffer<float> out(64 * warp_values);
  ASSERT_EQ(warp_operations(out.data()), cudaSuccess);
  const std::vector<float> values = out.read();
  for (int thread = 0; thread < 64; ++thread) {
    const int lane = thread % 32;
    const int warp = thread - lane;
    const float* mine = &values[static_cast<std::size_t>(thread * warp_values)];
    EXPECT_EQ(mine[0], warp + 3);
    EXPECT_EQ(mine[1], lane % 8 < 2 ? thread : thread - 2);
    EXPECT_EQ(mine[2], lane % 8 >= 6 ? thread : thread + 2);
    EXPECT_EQ(mine[3], thread ^ 16);
    EXPECT_EQ(mine[4], 5);
    EXPECT_EQ(mine[5], 1);
    EXPECT_EQ(mine[6], warp + (lane % 2 == 0 ? 4 : 5));
    EXPECT_EQ(mine[7], static_cast<float>((thread / 4 * 4 + 1) / 3.0));
  }
}

TEST_F(Threads, ShuffleFromAbsentLaneIsNan) {
  const Buffer<float> out(16);
  ASSERT_EQ(shuffle_from_absent_lane(out.data()), cudaSuccess);
  for (const float value : out.read()) EXPECT_TRUE(std::isnan(value));
}

TEST_F(Threads, AtomicsLoseNothing) {
  const Buffer<int> integers(std::vector<int>(5, 0));
  const Buffer<float> reals(std::vector<float>(1, 0.0f));
  const Buffer<double> doubles(std::vector<double>(1, 0.0));
  const Buffer<unsigned long long> longs(std::vector<unsigned long long>(1, 0));
  ASSERT_EQ(atomics(integers.data(), reals.data(), doubles.data(), longs.data()), cudaSuccess);
  EXPECT_EQ(integers.read(), (std::vector<int>{128, 63, 7, 9, 128 % 10}));
  EXPECT_EQ(reals.read()[0], 64.0f);
  EXPECT_EQ(doubles.read()[0], 32.0);
  EXPECT_EQ(longs.read()[0], 128ull << 33);
}

TEST_F(Threads, IntrinsicsAnswer) {
  const Buffer<float> out(10);
  ASSERT_EQ(intrinsics(out.data()), cudaSuccess);
  const std::vector<float> values = out.read();
  const std::vector<float> expected{std::exp(1.0f), std::log(2.0f), 0.25f, 0.5f,  10.0f,
                                    1.0f,           3.0f,           1.5f,  -3.0f, 6.0f};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_FLOAT_EQ(values[i], expected[i]) << i;
}

TEST_F(Threads, LastBlockSumsWhatOthersWrote) {
  const Buffer<float> in(ascending(10)), partial(10), out(1);
  const Buffer<unsigned> counter(std::vector<unsigned>(1, 0));
  ASSERT_EQ(sum_in_last_block(in.data(), partial.data(), counter.data(), out.data(), 10, true),
            cudaSuccess);
  EXPECT_EQ(out.read()[0], 45.0f);
}

using ThreadsDeathTest = Threads;

void finish(cudaError_t launched) {
  EXPECT_EQ(launched, cudaSuccess);
  cudaDeviceSynchronize();
}

TEST_F(ThreadsDeathTest, DivergentBarrierNamesKernelAndLine) {
  const std::string line = "kernels.cu:" + std::to_string(lines().divergent_barrier);
  EXPECT_DEATH(finish(meet_in_two_places()), line);
  EXPECT_DEATH(finish(meet_in_two_places()), "divergent barrier: kernel .*two_places_kernel");
}

TEST_F(ThreadsDeathTest, BarrierInABranchIsADeadlock) {
  finish(skip_barrier(false));
  EXPECT_DEATH(finish(skip_barrier(true)), "deadlock");
}

TEST_F(ThreadsDeathTest, WrongWarpOperations) {
  EXPECT_DEATH(finish(lane_outside_its_mask()), "without being in its mask");
  EXPECT_DEATH(finish(lanes_in_different_operations()), "different warp operations");
  EXPECT_DEATH(finish(lane_missing()), "waits in a warp operation at .*kernels.cu:[0-9]+");
}

}  // namespace
}  // namespace simcuda_test
