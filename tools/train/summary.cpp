// engine-train summary: what a model consists of, and what a training step of it costs. Operations
// and memory are read off the compiled programs, so they are those of the real thing.
#include <fmt/format.h>

#include <map>

#include "models/data/synthetic.h"
#include "models/train/evaluator.h"
#include "models/train/settings.h"
#include "tools/common/format.h"
#include "tools/common/output.h"
#include "tools/common/record.h"
#include "tools/common/table.h"
#include "tools/train/commands.h"

namespace engine::tools {
namespace {

struct SummaryOptions {
  std::string model;
  std::optional<std::int64_t> batch;
  std::optional<std::string> device;
  bool json = false;
};

struct Costs {
  std::string device;
  double forward_flops = 0, training_flops = 0;  // an observation
  MemoryBudget memory;
  std::int64_t train_count = 0, test_count = 0;
};

double flops(const graph::Program& program) {
  double total = 0;
  for (const graph::Step& step : program.steps) total += step.flops;
  return total;
}

Costs find_costs(const ModelDefinition& model, const TrainSettings& settings) {
  Costs costs;
  const DatasetExpectation expected = data_expectation(model, settings);
  const auto data = make_synthetic(default_synthetic_count(expected), expected);
  costs.train_count = data->count(Part::train);
  costs.test_count = data->count(Part::test);
  Runtime runtime(runtime_options(settings));
  const Feed feed = make_feed(*data, Part::train, model.batch, true, model.partial_batches);
  const BatchPrograms training(runtime, feed,
                               [&](const Feed& sized) { return training_graph(model, sized, {}); });
  const Evaluator evaluator(runtime, model, *data, Part::test, {});
  costs.device = runtime.device().name();
  costs.memory = runtime.budget();
  costs.training_flops = flops(runtime.program(training.first())) / static_cast<double>(feed.batch);
  return costs;
}

Record layer_record(const LayerSummary& layer) {
  Record record;
  record.set("name", layer.name).set("description", layer.description);
  record.set("output", layer.output.to_string()).set("parameters", layer.parameters);
  return record.set("forward_flops", layer.forward_flops);
}

void set_memory(Record& record, const MemoryBudget& memory) {
  const auto bytes = [](std::size_t count) { return static_cast<std::int64_t>(count); };
  record.set("state_bytes", bytes(memory.state)).set("data_bytes", bytes(memory.data));
  record.set("arena_bytes", bytes(memory.arena)).set("code_bytes", bytes(memory.code));
  record.set("peak_bytes", bytes(memory.total()));
}

void print_json(const ModelDefinition& model, const std::vector<LayerSummary>& layers,
                std::int64_t parameters, const Costs& costs) {
  Record record;
  record.set("model", model.name).set("description", model.description);
  record.set("input", model.network.input().to_string()).set("batch", model.batch);
  if (model.text) record.set("vocabulary", model.text->vocabulary);
  record.set("parameters", parameters).set("forward_flops", costs.forward_flops);
  record.set("training_flops", costs.training_flops).set("device", costs.device);
  set_memory(record, costs.memory);
  std::vector<Record> lines;
  for (const LayerSummary& layer : layers) lines.push_back(layer_record(layer));
  print_line(to_json(record.set("layers", lines)));
}

constexpr std::size_t kDescriptionColumns = 34;  // a line of the whole table has about 100

// A block of several layers takes several lines, unless an earlier one (`said`, by description) is
// the same.
std::vector<std::string> description_lines(const LayerSummary& layer,
                                           std::map<std::string, std::string>& said) {
  std::vector<std::string> lines = wrap(layer.description, kDescriptionColumns);
  if (lines.size() <= 2) return lines;
  const auto [first, is_new] = said.emplace(layer.description, layer.name);
  if (!is_new) lines = {"like " + first->second};
  return lines;
}

void print_layers(const ModelDefinition& model, const std::vector<LayerSummary>& layers) {
  Table table({{"layer"},
               {"what"},
               {"output"},
               {"parameters", Table::Align::right},
               {"MFLOP forward", Table::Align::right}});
  const std::string tokens =
      model.text ? fmt::format("tokens below {}", with_separators(model.text->vocabulary)) : "";
  table.add({"input", tokens, model.network.input().to_string(), "", ""});
  std::map<std::string, std::string> said;
  for (const LayerSummary& layer : layers) {
    const std::vector<std::string> what = description_lines(layer, said);
    table.add({layer.name, what.front(), layer.output.to_string(),
               with_separators(layer.parameters),
               fmt::format("{:.3f}", layer.forward_flops / 1e6)});
    for (std::size_t i = 1; i < what.size(); ++i) table.add({"", what[i], "", "", ""});
  }
  table.print();
}

void print_text(const ModelDefinition& model, const std::vector<LayerSummary>& layers,
                std::int64_t parameters, const Costs& costs) {
  print_line(fmt::format("{}: {}\n", model.name, model.description));
  print_layers(model, layers);
  print_line(fmt::format("\nparameters   {}", with_separators(parameters)));
  print_line(fmt::format("operations   {:.2f} MFLOP forward, {:.2f} MFLOP training, an observation",
                         costs.forward_flops / 1e6, costs.training_flops / 1e6));
  const auto size = [](std::size_t bytes) { return human_bytes(static_cast<double>(bytes)); };
  print_line(fmt::format("memory       {} in training on {}, batch {}:", size(costs.memory.total()),
                         costs.device, model.batch));
  print_line(fmt::format("             state {}, arena {}, code {},", size(costs.memory.state),
                         size(costs.memory.arena), size(costs.memory.code)));
  print_line(fmt::format("             data {} (for {} training and {} test observations)",
                         size(costs.memory.data), with_separators(costs.train_count),
                         with_separators(costs.test_count)));
}

int run(const SummaryOptions& options) {
  TrainSettings settings = default_settings(options.model);
  if (options.batch) settings.batch = *options.batch;
  if (options.device) settings.device = *options.device;
  // Which kernel is fastest does not matter here, so nothing is timed.
  settings.autotune = "off";
  validate(settings);
  const ModelDefinition model = resolve_model(settings);
  const std::vector<LayerSummary> layers = summarize(model.network);
  Costs costs = find_costs(model, settings);
  std::int64_t parameters = 0;
  for (const LayerSummary& layer : layers) {
    parameters += layer.parameters;
    costs.forward_flops += layer.forward_flops;
  }
  options.json ? print_json(model, layers, parameters, costs)
               : print_text(model, layers, parameters, costs);
  return 0;
}

}  // namespace

void add_summary(CommandLine& line) {
  static SummaryOptions options;
  line.add("summary", "Layers, shapes, parameters, operations and memory of a model",
           [] { return run(options); })
      .argument("MODEL", options.model, "a name from list, or a model file (*.toml)")
      .option("--batch", options.batch, "N", "observations a step")
      .option("--device", options.device, "auto|cpu|cuda[:N]", "whose memory to predict")
      .flag("--json", options.json, "one JSON object");
}

}  // namespace engine::tools
