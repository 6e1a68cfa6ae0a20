#include "environment.h"

#include <cstdio>
#include <cstdlib>

namespace simcuda {
namespace {

std::uint64_t number(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr) return otherwise;
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0') {
    std::fprintf(stderr, "simcuda: %s=%s is not a number\n", name, text);
    std::abort();
  }
  return value;
}

}  // namespace

std::size_t environment_memory() {
  return number("SIMCUDA_MEMORY", std::size_t{1} << 30);
}

int environment_devices() {
  return static_cast<int>(number("SIMCUDA_DEVICES", 1));
}

std::uint64_t environment_seed() {
  return number("SIMCUDA_SEED", 1);
}

EnvironmentFault environment_fault() {
  const char* text = std::getenv("SIMCUDA_FAIL");
  if (text == nullptr) return {};
  unsigned long long call = 0;
  int error = 0;
  if (std::sscanf(text, "%llu:%d", &call, &error) != 2) {
    std::fprintf(stderr, "simcuda: SIMCUDA_FAIL=%s is not CALL:CODE\n", text);
    std::abort();
  }
  return {call, error};
}

}  // namespace simcuda
