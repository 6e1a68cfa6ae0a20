// Built with AddressSanitizer: stores one element too far, in global and in shared memory.
#include "kernels.h"
#include "support.h"

namespace simcuda_test {
namespace {

class Addresses : public DeviceTest {
 protected:
  static void finish(cudaError_t launched) {
    EXPECT_EQ(launched, cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  }
};

TEST_F(Addresses, GlobalStore) {
  for (const int n : {1, 63, 256, 1000}) {
    const Buffer<float> out(static_cast<std::size_t>(n));
    finish(store_beyond_end(out.data(), n, 0));
    EXPECT_DEATH(finish(store_beyond_end(out.data(), n, 1)),
                 "use-after-poison.*beyond_end_kernel|"
                 "AddressSanitizer: use-after-poison");
  }
}

TEST_F(Addresses, SharedStore) {
  const Buffer<float> out(32);
  finish(shared_beyond_end(out.data(), 0));
  // Where undefined behaviour is looked for, too, the array's type gives the store away first.
  EXPECT_DEATH(finish(shared_beyond_end(out.data(), 1)),
               "AddressSanitizer: use-after-poison|index 32 out of bounds for type");
  finish(dynamic_shared_beyond_end(out.data(), 0));
  EXPECT_DEATH(finish(dynamic_shared_beyond_end(out.data(), 1)),
               "AddressSanitizer: use-after-poison");
}

TEST_F(Addresses, FreedMemory) {
  float* freed = nullptr;
  {
    const Buffer<float> out(32);
    freed = out.data();
  }
  EXPECT_DEATH(finish(store_beyond_end(freed, 32, 0)), "AddressSanitizer: use-after-poison");
}

TEST_F(Addresses, BarriersSwitchStacksCleanly) {
  const Buffer<float> in(std::vector<float>(256, 1.0f)), out(256);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    simcuda_seed(seed);
    finish(reverse(in.data(), out.data(), 256, true));
    EXPECT_EQ(out.read(), std::vector<float>(256, 1.0f));
  }
}

}  // namespace
}  // namespace simcuda_test
