// A fixture that starts every test from a fresh device and ends it by looking for leaks, and a
// buffer of device memory.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>
#include <simcuda/control.h>

#include <vector>

namespace simcuda_test {

template <class T>
class Buffer {
 public:
  explicit Buffer(std::size_t count) : count_(count) {
    EXPECT_EQ(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(T)), cudaSuccess);
  }
  explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) {
    EXPECT_EQ(cudaMemcpy(data_, values.data(), bytes(), cudaMemcpyHostToDevice), cudaSuccess);
  }
  ~Buffer() { cudaFree(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  T* data() const { return data_; }
  std::size_t bytes() const { return count_ * sizeof(T); }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    EXPECT_EQ(cudaMemcpy(values.data(), data_, bytes(), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t count_;
};

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "fast");
    simcuda_reset();
  }
  void TearDown() override {
    simcuda_reset();
    SimcudaLive live;
    simcuda_live(&live);
    EXPECT_EQ(live.device_allocations, 0u);
    EXPECT_EQ(live.host_allocations, 0u);
    EXPECT_EQ(live.streams, 0u);
    EXPECT_EQ(live.events, 0u);
    EXPECT_EQ(live.graphs, 0u);
    EXPECT_EQ(live.executable_graphs, 0u);
    EXPECT_EQ(live.cublaslt_handles, 0u);
    EXPECT_EQ(live.cublaslt_descriptors, 0u);
    EXPECT_EQ(live.cudnn_handles, 0u);
    EXPECT_EQ(live.cudnn_descriptors, 0u);
  }
};

}  // namespace simcuda_test
