#include "tools/common/errors.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <new>

#include "engine/core/error.h"
#include "tools/common/interrupt.h"
#include "tools/common/output.h"

namespace engine::tools {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kBadData = 3;

int report(const std::string& tool, const std::string& message, int status) {
  print_error(tool, message);
  return status;
}

}  // namespace

void print_error(const std::string& tool, const std::string& message) {
  fmt::print(stderr, "{}: error: {}\n", tool, one_line(message));
}

int run_guarded(const std::string& tool, const std::function<int()>& body) {
  try {
    return body();
  } catch (const UsageError& error) {
    return report(tool, error.what(), kUsage);
  } catch (const DataError& error) {
    return report(tool, error.what(), kBadData);
  } catch (const DeviceError& error) {
    print_error(tool, error.what());
    if (error.sticky()) _exit(kFailed);
    return kFailed;
  } catch (const Interrupted&) {
    return report(tool, "interrupted before there was anything to save", kInterruptedStatus);
  } catch (const std::bad_alloc&) {
    return report(tool, "the machine is out of memory", kFailed);
  } catch (const std::exception& error) {
    return report(tool, error.what(), kFailed);
  } catch (...) {
    return report(tool, "an exception of unknown type", kFailed);
  }
}

}  // namespace engine::tools
