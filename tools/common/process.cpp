#include "tools/common/process.h"

#include <unistd.h>

#include <cstdlib>

namespace engine::tools {

void limit_spinning(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (::setenv("GOMP_SPINCOUNT", "2000", 1) != 0) return;
  ::execv("/proc/self/exe", argv);  // returns where there is no such file: nothing is lost
}

}  // namespace engine::tools
