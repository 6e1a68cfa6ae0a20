// engine-profile graph: the training step as text, DOT or a drawing, before and after the rewrites.
#include <fmt/format.h>

#include <memory>

#include "engine/core/error.h"
#include "graph/differentiate.h"
#include "graph/op.h"
#include "ops/registry.h"
#include "tools/common/output.h"
#include "tools/profile/commands.h"
#include "tools/profile/dot.h"
#include "tools/profile/node_kind.h"
#include "tools/profile/workload.h"

namespace engine::tools {
namespace {

struct GraphOptions {
  WorkloadOptions workload;
  std::optional<std::string> stage, detail, dot, svg;
};

enum class StageShown { built, trained, compiled };

StageShown stage_of(const GraphOptions& options) {
  const std::string name = options.stage.value_or("compiled");
  if (name == "built") return StageShown::built;
  if (name == "trained") return StageShown::trained;
  if (name == "compiled") return StageShown::compiled;
  throw UsageError(fmt::format("--stage {}: expected built, trained or compiled", name));
}

Detail detail_of(const GraphOptions& options) {
  const std::string name = options.detail.value_or("auto");
  if (name == "auto") return Detail::automatic;
  if (name == "layers") return Detail::layers;
  if (name == "ops") return Detail::ops;
  throw UsageError(fmt::format("--detail {}: expected auto, layers or ops", name));
}

// The step as the network's layers wrote it: no pass has run, and what came after the loss (the
// gradient's seed is the first of that) is taken away again, last node first.
graph::Graph built_graph(WorkloadOptions options) {
  initialize();
  for (const graph::Pass& pass : graph::PassRegistry::global().passes())
    options.run.passes_off.push_back(pass.name);
  graph::Graph graph = training_step(options).graph;
  const auto is_seed = [](const graph::Node& node) {
    return graph::is_state_read(node) && graph::state_name(node) == graph::kGradientSeed;
  };
  for (bool found = false; !found && !graph.nodes().empty();) {
    graph::Node& last = *graph.nodes().back();
    found = is_seed(last);
    graph.erase(last);
  }
  return graph;
}

// What is shown: a graph, of which there may be a program.
struct Subject {
  std::unique_ptr<graph::Graph> own;
  std::unique_ptr<Workload> workload;

  const graph::Program* program() const { return workload ? &workload->program() : nullptr; }
  const graph::Graph& graph() const { return workload ? workload->program().graph : *own; }
  std::string text() const { return workload ? program()->to_string() : own->to_string(); }
  std::string dot(Detail detail) const {
    return workload ? to_dot(*program(), detail) : to_dot(*own, detail);
  }
};

Subject make_subject(const GraphOptions& options) {
  switch (stage_of(options)) {
    case StageShown::built:
      return {std::make_unique<graph::Graph>(built_graph(options.workload)), nullptr};
    case StageShown::trained:
      return {std::make_unique<graph::Graph>(training_step(options.workload).graph), nullptr};
    case StageShown::compiled:
      return {nullptr, std::make_unique<Workload>(options.workload)};
  }
  throw InternalError("a stage outside its enumeration");
}

std::string join(std::string list, const std::string& item) {
  return list.empty() ? item : list + ", " + item;
}

Record to_record(const graph::Node& node, NodeKind kind, const graph::Step* step) {
  std::string inputs, outputs, types, in_place;
  for (const graph::Value* input : node.inputs()) inputs = join(inputs, input->name());
  for (std::size_t i = 0; i < node.output_count(); ++i) {
    outputs = join(outputs, node.output(i)->name());
    types = join(types, node.output(i)->type().to_string());
    if (const int source = node.in_place()[i]; source != graph::kNotInPlace)
      in_place = join(in_place, node.output(i)->name() + " in " +
                                    node.input(static_cast<std::size_t>(source))->name());
  }
  Record record;
  record.set("node", std::int64_t{node.id()}).set("label", node.label());
  record.set("kind", kind_name(kind)).set("op", node.op().name());
  record.set("attributes", node.op().attributes().to_string()).set("inputs", inputs);
  record.set("outputs", outputs).set("types", types).set("in_place", in_place);
  record.set("candidate", step != nullptr ? Field(step->candidate) : Field(nullptr));
  return record.set("config", step != nullptr ? Field(step->configuration) : Field(nullptr));
}

void print_nodes(const Subject& subject, Format format) {
  const NodeKinds kinds(subject.graph());
  std::vector<Record> rows;
  std::size_t next = 0;
  for (const auto& node : subject.graph().nodes()) {
    const graph::Step* step = nullptr;
    if (const graph::Program* program = subject.program(); program != nullptr &&
                                                           next < program->steps.size() &&
                                                           program->steps[next].node == node.get())
      step = &program->steps[next++];
    rows.push_back(to_record(*node, kinds.of(*node), step));
  }
  print_rows(format, rows);
}

int run(const GraphOptions& options) {
  const Format format = options.workload.output.format();
  for (const auto& path : {options.dot, options.svg})
    if (path) expect_savable(*path);
  const Detail detail = detail_of(options);
  const Subject subject = make_subject(options);
  if (options.dot) save_text(*options.dot, subject.dot(detail));
  if (options.svg) save_text(*options.svg, render_dot(subject.dot(detail)));
  if (format != Format::table) {
    print_nodes(subject, format);
  } else if (!options.dot && !options.svg) {
    std::string text = subject.text();
    text.pop_back();
    print_line(text);
  }
  return 0;
}

}  // namespace

void add_graph(CommandLine& line) {
  static GraphOptions options;
  options.workload
      .declare(line.add("graph", "The training step as text or drawing, before and after rewrites",
                        [] { return run(options); }))
      .option("--stage", options.stage, "built|trained|compiled",
              "the layers alone; with gradients and update; or after all passes, with kernels "
              "(default)")
      .option("--detail", options.detail, "auto|layers|ops",
              "of --dot and --svg: a box a layer or an op (default: ops where they are few)")
      .option("--dot", options.dot, "FILE", "save the graph for Graphviz")
      .option("--svg", options.svg, "FILE", "save a drawing of it (needs Graphviz)");
}

}  // namespace engine::tools
