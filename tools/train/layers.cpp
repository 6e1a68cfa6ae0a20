// engine-train layers: what a model file can be made of.
#include <fmt/format.h>

#include "models/layers/layer_type.h"
#include "tools/common/output.h"
#include "tools/common/record.h"
#include "tools/common/table.h"
#include "tools/train/commands.h"

namespace engine::tools {
namespace {

std::string fallback_text(const OptionSpec& option) {
  return option.required ? option_kind(option.fallback) : option_text(option.fallback);
}

void print_json_layers() {
  for (const LayerType& type : layer_types().all()) {
    std::vector<Record> options;
    for (const OptionSpec& option : type.options) {
      Record record;
      record.set("name", option.name).set("kind", option_kind(option.fallback));
      record.set("required", option.required);
      if (!option.required) record.set("default", option_text(option.fallback));
      options.push_back(record.set("meaning", option.meaning));
    }
    Record record;
    record.set("type", type.name).set("meaning", type.meaning);
    print_line(to_json(record.set("options", options)));
  }
}

void print_layers() {
  Table table({{"type"}, {"option"}, {"default"}, {"what"}});
  for (const LayerType& type : layer_types().all()) {
    table.add({type.name, "", "", type.meaning});
    for (const OptionSpec& option : type.options)
      table.add({"", option.name, fallback_text(option), option.meaning});
  }
  table.print();
}

}  // namespace

void add_layers(CommandLine& line) {
  static bool json = false;
  line.add("layers", "The types of layers for model files, and their options",
           [] {
             json ? print_json_layers() : print_layers();
             return 0;
           })
      .flag("--json", json, "one JSON object a line");
}

}  // namespace engine::tools
