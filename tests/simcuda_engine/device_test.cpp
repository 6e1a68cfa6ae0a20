// The CUDA device behind engine::Device, on the simulator: copies, capture, timing, memory, and
// what happens when any one of its calls fails.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "engine/core/error.h"
#include "engine/device/backend.h"
#include "engine/tune/registry.h"
#include "kernels/dense.h"
#include "tests/simcuda_engine/simulator.h"

namespace engine::test {
namespace {

constexpr int kInvalidValue = 1;      // cudaErrorInvalidValue
constexpr int kOutOfMemory = 2;       // cudaErrorMemoryAllocation
constexpr int kIllegalAddress = 700;  // cudaErrorIllegalAddress, sticky

class SimulatedDevice : public testing::Test {
 protected:
  void SetUp() override { SIMULATOR(simcuda_reset)(); }
  void TearDown() override {
    SIMULATOR(simcuda_reset)();
    std::string report;
    EXPECT_TRUE(nothing_lives(report)) << report;
  }
};

std::vector<int> sequence(std::size_t count) {
  std::vector<int> values(count);
  std::iota(values.begin(), values.end(), 0);
  return values;
}

TEST_F(SimulatedDevice, DescribesItself) {
  const BackendStatus status = load_backend("cuda");
  EXPECT_EQ(status.devices, 1);
  EXPECT_EQ(status.details.size(), 4u);
  const auto device = open_device("cuda");
  EXPECT_EQ(device->backend(), "cuda");
  EXPECT_EQ(device->name(), "cuda:0");
  for (const char* part : {" · cc ", " · driver ", " · runtime ", " · cuBLAS ", " · cuDNN "})
    EXPECT_NE(device->fingerprint().find(part), std::string::npos) << device->fingerprint();
}

// The source may be reused when the call returns, whatever the size; the destination is valid after
// synchronize().
TEST_F(SimulatedDevice, CopiesThereAndBack) {
  const auto device = open_device("cuda");
  const auto stream = device->make_stream();
  for (std::size_t count : {0u, 1u, 1000u, 16384u, 100000u}) {
    const std::vector<int> expected = sequence(count);
    const std::size_t bytes = count * sizeof(int);
    const Buffer first(*device, bytes), second(*device, bytes);
    std::vector<int> source = expected, result(count, -1);
    stream->copy_to_device(first.data(), source.data(), bytes);
    std::fill(source.begin(), source.end(), -2);
    stream->copy_on_device(second.data(), first.data(), bytes);
    stream->fill(first.data(), 0, bytes);
    stream->copy_to_host(result.data(), second.data(), bytes);
    stream->synchronize();
    EXPECT_EQ(result, expected) << count;
  }
}

// More small copies than the pinned area holds between two synchronizations.
TEST_F(SimulatedDevice, ManySmallCopiesDoNotOverrun) {
  const auto device = open_device("cuda");
  const auto stream = device->make_stream();
  const std::vector<int> expected = sequence(10000);
  const Buffer buffer(*device, expected.size() * sizeof(int));
  std::vector<int> result(expected.size());
  auto* on_device = reinterpret_cast<int*>(buffer.data());
  for (std::size_t i = 0; i < expected.size(); ++i)
    stream->copy_to_device(on_device + i, &expected[i], sizeof(int));
  for (std::size_t i = 0; i < expected.size(); ++i)
    stream->copy_to_host(&result[i], on_device + i, sizeof(int));
  stream->synchronize();
  EXPECT_EQ(result, expected);
}

TEST_F(SimulatedDevice, ReplaysWhatWasCaptured) {
  const auto device = open_device("cuda");
  const auto stream = device->make_stream();
  const Buffer buffer(*device, 4);
  stream->fill(buffer.data(), 1, 4);
  const auto replay = device->capture(*stream, [&] {
    stream->copy_on_device(buffer.data() + 2, buffer.data(), 2);
    stream->fill(buffer.data(), 7, 2);
  });
  std::vector<unsigned char> seen(4);
  const auto read = [&] {
    stream->copy_to_host(seen.data(), buffer.data(), 4);
    stream->synchronize();
    return seen;
  };
  EXPECT_EQ(read(), (std::vector<unsigned char>{1, 1, 1, 1}));
  replay->launch(*stream);
  EXPECT_EQ(read(), (std::vector<unsigned char>{7, 7, 1, 1}));
  replay->launch(*stream);
  EXPECT_EQ(read(), (std::vector<unsigned char>{7, 7, 7, 7}));
}

TEST_F(SimulatedDevice, AFailedCaptureLeavesTheStreamUsable) {
  const auto device = open_device("cuda");
  const auto stream = device->make_stream();
  const Buffer buffer(*device, 4);
  int value = 5;
  EXPECT_THROW(device->capture(*stream, [&] { stream->copy_to_device(buffer.data(), &value, 4); }),
               InternalError);
  stream->copy_to_device(buffer.data(), &value, 4);
  value = 0;
  stream->copy_to_host(&value, buffer.data(), 4);
  stream->synchronize();
  EXPECT_EQ(value, 5);
}

TEST_F(SimulatedDevice, TimesEveryRun) {
  const auto device = open_device("cuda");
  const auto stream = device->make_stream();
  const Buffer buffer(*device, 1 << 16);
  int before = 0;
  const auto times = device->time(
      *stream, 5, [&] { ++before; }, [&] { stream->fill(buffer.data(), 3, buffer.bytes()); });
  EXPECT_EQ(before, 5);
  ASSERT_EQ(times.size(), 5u);
  for (double microseconds : times) EXPECT_GE(microseconds, 0);
}

TEST_F(SimulatedDevice, NamesTheBytesItLacks) {
  const auto device = open_device("cuda");
  SIMULATOR(simcuda_set_memory)(1 << 20);
  EXPECT_LE(device->available_memory(), std::size_t{1} << 20);
  try {
    const Buffer buffer(*device, 2 << 20);
    FAIL() << "no memory, no error";
  } catch (const OutOfMemoryError& error) {
    EXPECT_NE(std::string(error.what()).find("2097152 bytes"), std::string::npos) << error.what();
    EXPECT_FALSE(error.sticky());
  }
  EXPECT_NO_THROW(Buffer(*device, 1 << 19));
}

// All that a run does with a device, in small: every kind of handle is made and given back.
void live_a_little() {
  const auto device = open_device("cuda");
  const auto stream = device->make_stream();
  Problem problem;
  problem.op = "dense_weight_gradient";
  problem.inputs = {{Shape{16, 8}, DType::f32}, {Shape{16, 12}, DType::f32}};
  problem.outputs = {{Shape{8, 12}, DType::f32}, {Shape{12}, DType::f32}};
  std::vector<Buffer> buffers;
  const auto views = [&](const std::vector<TensorType>& types) {
    std::vector<TensorView> result;
    for (const TensorType& type : types) {
      buffers.emplace_back(*device, type.bytes());
      stream->fill(buffers.back().data(), 0, type.bytes());
      result.push_back({type, buffers.back().data()});
    }
    return result;
  };
  const auto inputs = views(problem.inputs), outputs = views(problem.outputs);
  for (const auto* candidate : CandidateRegistry::global().find(problem.op, "cuda")) {
    const Support support = candidate->query(problem, *device);
    const Configuration& configuration = support.configurations.at(0);
    const auto kernel = candidate->prepare(problem, configuration, *device);
    const Buffer workspace(*device, configuration.workspace);
    const auto body = [&] { kernel->launch({inputs, outputs, workspace.data(), *stream}); };
    device->capture(*stream, body)->launch(*stream);
    device->time(
        *stream, 2, [] {}, body);
  }
  float first = 1;
  stream->copy_to_host(&first, outputs[0].data, sizeof first);
  stream->synchronize();
  EXPECT_EQ(first, 0);
}

// Whichever call fails, the failure arrives as a DeviceError or is coped with, and nothing leaks.
TEST_F(SimulatedDevice, SurvivesTheFailureOfAnyCall) {
  live_a_little();
  SIMULATOR(simcuda_fail_call)(0, 0);
  live_a_little();
  const std::uint64_t calls = SIMULATOR(simcuda_call_count)();
  ASSERT_GT(calls, 50u);
  std::uint64_t thrown = 0;
  for (int error : {kInvalidValue, kOutOfMemory})
    for (std::uint64_t call = 1; call <= calls; ++call) {
      SIMULATOR(simcuda_fail_call)(call, error);
      try {
        live_a_little();
      } catch (const DeviceError& failure) {
        ++thrown;
        EXPECT_FALSE(failure.sticky()) << failure.what();
      }
      SIMULATOR(simcuda_fail_call)(0, 0);
      std::string report;
      ASSERT_TRUE(nothing_lives(report)) << "call " << call << ": " << report;
    }
  EXPECT_GT(thrown, calls);
}

// After a sticky error no further call reaches the driver, destructors included.
int calls_after_a_sticky_error() {
  const auto device = open_device("cuda");
  const auto stream = device->make_stream();
  const Buffer buffer(*device, 64);
  SIMULATOR(simcuda_fail_call)(1, kIllegalAddress);
  bool sticky = false;
  try {
    stream->fill(buffer.data(), 0, 64);
  } catch (const DeviceError& error) {
    sticky = error.sticky();
  }
  if (!sticky) return -1;
  const std::uint64_t before = SIMULATOR(simcuda_call_count)();
  try {
    stream->synchronize();
    return -2;
  } catch (const DeviceError& error) {
    if (!error.sticky()) return -3;
  }
  { const auto other = std::make_unique<Buffer>(); }
  return static_cast<int>(SIMULATOR(simcuda_call_count)() - before);
}

TEST(SimulatedDeviceDeathTest, MakesNoCallAfterAStickyError) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(calls_after_a_sticky_error() == 0 ? 0 : 1), testing::ExitedWithCode(0),
              "");
}

}  // namespace
}  // namespace engine::test
