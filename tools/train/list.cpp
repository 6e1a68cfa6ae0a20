// engine-train list: the models that exist.
#include <fmt/format.h>

#include "models/zoo/zoo.h"
#include "tools/common/output.h"
#include "tools/common/record.h"
#include "tools/common/table.h"
#include "tools/train/commands.h"

namespace engine::tools {
namespace {

std::int64_t count_parameters(const ModelDefinition& model) {
  std::int64_t parameters = 0;
  for (const LayerSummary& layer : summarize(model.network)) parameters += layer.parameters;
  return parameters;
}

void print_json_models() {
  for (const ModelDefinition& model : zoo()) {
    Record record;
    record.set("name", model.name).set("description", model.description);
    record.set("parameters", count_parameters(model)).set("batch", model.batch);
    record.set("epochs", std::int64_t{model.epochs}).set("optimizer", model.optimizer.name);
    record.set("learning_rate", model.optimizer.learning_rate);
    print_line(to_json(record));
  }
}

void print_models() {
  Table table({{"model", Table::Align::left},
               {"batch", Table::Align::right},
               {"epochs", Table::Align::right},
               {"optimizer", Table::Align::left},
               {"description", Table::Align::left}});
  for (const ModelDefinition& model : zoo())
    table.add({model.name, fmt::format("{}", model.batch), fmt::format("{}", model.epochs),
               model.optimizer.name, model.description});
  table.print();
}

}  // namespace

void add_list(CommandLine& line) {
  static bool json = false;
  line.add("list", "The models that exist",
           [] {
             json ? print_json_models() : print_models();
             return 0;
           })
      .flag("--json", json, "one JSON object a line");
}

}  // namespace engine::tools
