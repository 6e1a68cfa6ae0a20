// engine-train: trains, evaluates and applies the models of the zoo.
#include "tools/common/errors.h"
#include "tools/common/output.h"
#include "tools/common/process.h"
#include "tools/train/commands.h"

int main(int argc, char** argv) {
  using namespace engine::tools;
  constexpr const char* kTool = "engine-train";
  limit_spinning(argv);
  prepare_standard_streams();
  return run_guarded(kTool, [&] {
    CommandLine line(kTool, "Trains neural networks");
    add_list(line);
    add_layers(line);
    add_summary(line);
    add_fit(line);
    add_evaluate(line);
    add_predict(line);
    return line.run(argc, argv);
  });
}
