// A library that holds kernels and the simulator, loaded as the engine loads its CUDA plug-in: the
// control functions must be found in it, and hooks and entry points stay its own.
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <simcuda/control.h>

#include <cstddef>

namespace {

class Library {
 public:
  explicit Library(const char* path) : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    EXPECT_NE(handle_, nullptr) << dlerror();
  }
  template <class Function>
  Function* find(const char* name) const {
    void* symbol = dlsym(handle_, name);
    EXPECT_NE(symbol, nullptr) << name;
    return reinterpret_cast<Function*>(symbol);
  }

 private:
  void* handle_;  // stays loaded, as a plug-in does
};

TEST(Plugin, ControlsAreFoundInALoadedLibrary) {
  const Library plain(SIMCUDA_PLAIN_LIBRARY);
  const Library race(SIMCUDA_RACE_LIBRARY);
  EXPECT_EQ(plain.find<decltype(simcuda_is_race_build)>("simcuda_is_race_build")(), 0);
  EXPECT_EQ(race.find<decltype(simcuda_is_race_build)>("simcuda_is_race_build")(), 1);
  for (const Library* library : {&plain, &race}) {
    library->find<decltype(simcuda_reset)>("simcuda_reset")();
    library->find<decltype(simcuda_seed)>("simcuda_seed")(3);
    EXPECT_EQ(library->find<int()>("simcuda_test_run_kernels")(), 0);
    SimcudaLive live;
    library->find<decltype(simcuda_live)>("simcuda_live")(&live);
    EXPECT_EQ(live.device_allocations, 0u);
  }
  const auto accesses = race.find<decltype(simcuda_kernel_accesses)>("simcuda_kernel_accesses");
  SimcudaKernelAccesses kernel{};
  EXPECT_EQ(accesses(&kernel, 1), 1u);
  EXPECT_EQ(kernel.accesses.global_loads.sectors, 8u);
  EXPECT_NE(std::string(kernel.kernel).find("reverse_kernel<true>"), std::string::npos);
  EXPECT_EQ(race.find<decltype(simcuda_race_count)>("simcuda_race_count")(), 0u);
}

}  // namespace
