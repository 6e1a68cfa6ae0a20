// What the instrumented build finds: races by source line, accesses to host memory, and exactly how
// well kernels use memory.
#include <algorithm>

#include "kernels.h"
#include "support.h"

namespace simcuda_test {
namespace {

class Races : public DeviceTest {
 protected:
  // Runs what was launched; answers what was reported.
  std::string report(cudaError_t launched) {
    EXPECT_EQ(launched, cudaSuccess);
    testing::internal::CaptureStderr();
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    return testing::internal::GetCapturedStderr();
  }
};

std::string line(int number) {
  return "kernels.cu:" + std::to_string(number) + ",";
}

TEST_F(Races, MissingBarrierIsNamedOnAnySchedule) {
  const Buffer<float> in(64), out(64);
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    simcuda_reset();
    simcuda_seed(seed);
    EXPECT_EQ(report(reverse(in.data(), out.data(), 64, true)), "");
    const std::string text = report(reverse(in.data(), out.data(), 64, false));
    EXPECT_EQ(simcuda_race_count(), 1u);
    EXPECT_NE(text.find("race on shared memory"), std::string::npos) << text;
    EXPECT_NE(text.find(line(lines().reverse_store)), std::string::npos) << text;
    EXPECT_NE(text.find(line(lines().reverse_load)), std::string::npos) << text;
    EXPECT_NE(text.find("reverse_kernel<false>"), std::string::npos) << text;
  }
}

TEST_F(Races, LostUpdate) {
  const Buffer<float> out(1);
  EXPECT_EQ(report(count_threads(out.data(), true)), "");
  EXPECT_EQ(out.read()[0], 64.0f);
  report(count_threads(out.data(), false));
  EXPECT_GT(simcuda_race_count(), 0u);
}

TEST_F(Races, WarpExchangeWantsSyncwarp) {
  const Buffer<float> out(32);
  EXPECT_EQ(report(exchange_in_warp(out.data(), true)), "");
  report(exchange_in_warp(out.data(), false));
  EXPECT_EQ(simcuda_race_count(), 1u);
}

TEST_F(Races, LastBlockWantsAFence) {
  const Buffer<float> in(std::vector<float>(10, 1.0f)), partial(10), out(1);
  const Buffer<unsigned> counter(std::vector<unsigned>(1, 0));
  const auto run = [&](bool with_fence) {
    return report(
        sum_in_last_block(in.data(), partial.data(), counter.data(), out.data(), 10, with_fence));
  };
  EXPECT_EQ(run(true), "");
  EXPECT_NE(run(false), "");
  EXPECT_GT(simcuda_race_count(), 0u);
}

TEST_F(Races, NeighbouringBytesDoNotConflict) {
  const Buffer<unsigned char> out(64);
  EXPECT_EQ(report(write_bytes(out.data(), 64)), "");
}

TEST_F(Races, BlocksThatShareAnElementConflict) {
  const Buffer<int> out(std::vector<int>(64, 0));
  EXPECT_EQ(report(indices(out.data(), 2, 32)), "");
  EXPECT_EQ(simcuda_race_count(), 0u);
}

TEST_F(Races, HostMemoryIsReported) {
  const Buffer<float> out(1);
  const std::vector<float> host(1, 2.0f);
  EXPECT_NE(report(read_through(host.data(), out.data())).find("touches host memory"),
            std::string::npos);
  EXPECT_EQ(simcuda_host_access_count(), 1u);
}

class Accesses : public Races {
 protected:
  SimcudaAccesses measure(cudaError_t launched) {
    simcuda_forget_accesses();
    EXPECT_EQ(launched, cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    SimcudaKernelAccesses kernel{};
    EXPECT_EQ(simcuda_kernel_accesses(&kernel, 1), 1u);
    EXPECT_EQ(kernel.launches, 1u);
    EXPECT_NE(std::string(kernel.kernel).find("kernel"), std::string::npos) << kernel.kernel;
    return kernel.accesses;
  }
  static void expect(const SimcudaGlobalAccesses& measured, std::uint64_t requests,
                     std::uint64_t sectors, std::uint64_t ideal) {
    EXPECT_EQ(measured.requests, requests);
    EXPECT_EQ(measured.sectors, sectors);
    EXPECT_EQ(measured.ideal_sectors, ideal);
  }
};

TEST_F(Accesses, SectorsOfStrides) {
  const Buffer<float> in(32 * 64), out(32 * 64);
  for (const auto& [stride, sectors] : {std::pair{1, 4u}, {2, 8u}, {4, 16u}, {8, 32u}, {64, 32u}}) {
    const SimcudaAccesses measured = measure(copy_strided(in.data(), out.data(), stride));
    expect(measured.global_loads, 1, sectors, 4);
    expect(measured.global_stores, 1, sectors, 4);
  }
  // Misaligned by one element: one sector more.
  expect(measure(copy_strided(in.data() + 1, out.data(), 1)).global_loads, 1, 5, 4);
  expect(measure(copy_strided(in.data(), out.data(), 0)).global_loads, 1, 1, 1);
}

TEST_F(Accesses, VectorsAreOneRequest) {
  const Buffer<float4> in(32), out(32);
  const SimcudaAccesses measured = measure(copy_vectors(in.data(), out.data()));
  expect(measured.global_loads, 1, 16, 16);
  expect(measured.global_stores, 1, 16, 16);
}

TEST_F(Accesses, BankConflicts) {
  const Buffer<float> out(32);
  for (const auto& [stride, wavefronts] :
       {std::pair{1, 1u}, {2, 2u}, {4, 4u}, {32, 32u}, {33, 1u}}) {
    const SimcudaAccesses measured = measure(copy_shared_strided(out.data(), stride));
    EXPECT_EQ(measured.shared.requests, 2u);
    EXPECT_EQ(measured.shared.wavefronts, 2 * wavefronts) << stride;
    EXPECT_EQ(measured.shared.ideal_wavefronts, 2u);
  }
  const Buffer<float4> vectors(32);
  const SimcudaAccesses measured = measure(copy_shared_vectors(vectors.data()));
  EXPECT_EQ(measured.shared.wavefronts, measured.shared.ideal_wavefronts);
  EXPECT_EQ(measured.shared.ideal_wavefronts, 8u);
}

TEST_F(Accesses, SitesNameTheirLines) {
  const Buffer<float> in(64), out(64);
  ASSERT_EQ(reverse(in.data(), out.data(), 64, true), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  std::vector<SimcudaSiteAccesses> sites(16);
  sites.resize(simcuda_site_accesses(sites.data(), sites.size()));
  EXPECT_EQ(sites.size(), 4u);
  const std::string store = "kernels.cu:" + std::to_string(lines().reverse_store);
  EXPECT_EQ(std::count_if(sites.begin(), sites.end(),
                          [&](const SimcudaSiteAccesses& site) {
                            return std::string(site.location).ends_with(store);
                          }),
            2);  // the load and the shared store of that line
}

TEST_F(Accesses, AtomicsAreCountedApart) {
  const Buffer<int> order(32), counter(std::vector<int>(1, 0));
  const SimcudaAccesses measured = measure(record_order(order.data(), counter.data(), 32));
  expect(measured.global_atomics, 1, 1, 1);
  EXPECT_EQ(measured.global_loads.requests, 0u);
}

}  // namespace
}  // namespace simcuda_test
