// A signal in the middle of a product must not run a handler on the product's own stack, which may
// be a block of the heap: see engine/device/cpu/held_signals.h.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "engine/device/cpu/parallel.h"
#include "kernels/onednn/engine.h"

namespace engine::test {
namespace {

using dnnl::memory;

struct Stack {
  std::uintptr_t low = 0, high = 0;
  pid_t thread = 0;
};
Stack main_stack;
std::atomic<int> calls, strays;

extern "C" void count_call(int) {
  const char here = 0;
  const auto address = reinterpret_cast<std::uintptr_t>(&here);
  const bool is_ours =
      ::gettid() == main_stack.thread && address >= main_stack.low && address < main_stack.high;
  ++(is_ours ? calls : strays);
}

Stack stack_of_this_thread() {
  pthread_attr_t attributes;
  pthread_getattr_np(pthread_self(), &attributes);
  void* low = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  const auto address = reinterpret_cast<std::uintptr_t>(low);
  return {address, address + size, ::gettid()};
}

// Raises SIGALRM many times a second while it lives.
class Alarm {
 public:
  Alarm() {
    struct sigaction action {};
    action.sa_handler = count_call;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, &before_);
    set(100);
  }
  ~Alarm() {
    set(0);
    sigaction(SIGALRM, &before_, nullptr);
  }

 private:
  static void set(int microseconds) {
    const itimerval timer{{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &timer, nullptr);
  }
  struct sigaction before_ {};
};

onednn::Execution product(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  const auto matrix = [](std::int64_t height, std::int64_t width) {
    return memory::desc({height, width}, memory::data_type::f32, memory::format_tag::ab);
  };
  const memory::desc a = matrix(rows, depth), b = matrix(depth, columns), c = matrix(rows, columns);
  const dnnl::matmul::primitive_desc description(
      dnnl::matmul::desc(a, b, c), onednn::primitive_attributes(), onednn::cpu_engine());
  return {"matmul",
          dnnl::matmul(description),
          description.scratchpad_desc(),
          {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}}};
}

TEST(Signals, HandlersRunOnStacksOfThreads) {
  main_stack = stack_of_this_thread();
  for (int threads : {1, 2}) {
    cpu::set_threads(threads);
    calls = strays = 0;
    std::vector<float> a(64 * 512, 1), b(512 * 256, 1), c(64 * 256);
    onednn::Execution execution = product(64, 512, 256);
    std::vector<std::byte> workspace(execution.workspace() + 64);
    void* operands[] = {a.data(), b.data(), c.data()};
    const Alarm alarm;
    while (calls + strays < 300) {
      // Threads of the pool start in loops of ours, too.
      cpu::parallel_for(2, 1, [](std::int64_t, std::int64_t) {});
      execution.run(operands, workspace.data());
    }
    EXPECT_EQ(strays, 0) << threads << " threads";
    for (float element : c) ASSERT_EQ(element, 512);
  }
}

}  // namespace
}  // namespace engine::test
