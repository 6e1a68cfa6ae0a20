// engine-profile: what the engine finds on this machine, chooses, and how fast that is.
#include "tools/common/errors.h"
#include "tools/common/interrupt.h"
#include "tools/common/output.h"
#include "tools/common/process.h"
#include "tools/profile/commands.h"

int main(int argc, char** argv) {
  using namespace engine::tools;
  constexpr const char* kTool = "engine-profile";
  limit_spinning(argv);
  prepare_standard_streams();
  exit_on_interrupt();
  return run_guarded(kTool, [&] {
    CommandLine line(kTool, "Shows what runs, why, and how fast");
    add_doctor(line);
    add_algorithms(line);
    add_steps(line);
    add_memory(line);
    add_passes(line);
    add_graph(line);
    add_report(line);
    add_cache(line);
    add_diff(line);
    return line.run(argc, argv);
  });
}
