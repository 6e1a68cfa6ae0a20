#include "tools/profile/trace.h"

#include <fmt/format.h>

#include "graph/op.h"
#include "tools/profile/node_kind.h"

namespace engine::tools {
namespace {

constexpr std::int64_t kProcess = 1;
constexpr std::int64_t kWholeSteps = 0;  // track; those of kernels follow, by kind

// An event of phase `phase`, with its arguments: the one object within an object there is.
std::string event(const char* phase, const std::string& name, std::int64_t track,
                  const Record& times, const Record& arguments) {
  Record head;
  head.set("name", name).set("ph", phase).set("pid", kProcess).set("tid", track);
  for (const auto& [field, value] : times.fields()) head.set(field, value);
  std::string text = to_json(head);
  text.pop_back();
  return text + ",\"args\":" + to_json(arguments) + "}";
}

std::string metadata(const char* what, std::int64_t track, const std::string& name) {
  Record arguments;
  return event("M", what, track, {}, arguments.set("name", name));
}

Record interval(double start, double microseconds) {
  Record times;
  return times.set("ts", start).set("dur", microseconds);
}

std::string whole_step(const TraceEvent& first, const TraceEvent& last) {
  return event("X", fmt::format("training step {}", first.iteration + 1), kWholeSteps,
               interval(first.start, last.start + last.microseconds - first.start), {});
}

std::string kernel(const graph::Step& step, const TraceEvent& traced, NodeKind kind,
                   const Peaks& peaks) {
  Record arguments;
  arguments.set("op", step.node->op().name()).set("candidate", step.candidate);
  arguments.set("config", step.configuration).set("problem", step.problem);
  arguments.set("flops", step.flops).set("bytes", static_cast<std::int64_t>(step.bytes));
  arguments.set("gigaflops_per_second", step.flops / traced.microseconds / 1e3);
  arguments.set("gigabytes_per_second",
                static_cast<double>(step.bytes) / traced.microseconds / 1e3);
  arguments.set("attainable_share", peaks.attainable(step) / traced.microseconds);
  return event("X", step.node->label(), kWholeSteps + 1 + static_cast<std::int64_t>(kind),
               interval(traced.start, traced.microseconds), arguments);
}

}  // namespace

std::string to_trace(Workload& workload, const std::vector<TraceEvent>& events,
                     const Peaks& peaks) {
  const std::vector<graph::Step>& steps = workload.program().steps;
  const NodeKinds kinds(workload.program().graph);
  std::vector<std::string> lines = {metadata("process_name", kWholeSteps, workload.title()),
                                    metadata("thread_name", kWholeSteps, "training steps")};
  for (NodeKind kind : {NodeKind::forward, NodeKind::gradient, NodeKind::update})
    lines.push_back(metadata("thread_name", kWholeSteps + 1 + static_cast<std::int64_t>(kind),
                             fmt::format("stream 0: {}", kind_name(kind))));
  for (std::size_t i = 0; i + steps.size() <= events.size(); i += steps.size())
    lines.push_back(whole_step(events[i], events[i + steps.size() - 1]));
  for (const TraceEvent& traced : events) {
    const graph::Step& step = steps.at(traced.step);
    lines.push_back(kernel(step, traced, kinds.of(*step.node), peaks));
  }
  std::string text = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
  for (std::size_t i = 0; i < lines.size(); ++i)
    text += lines[i] + (i + 1 < lines.size() ? ",\n" : "\n");
  return text + "]}\n";
}

}  // namespace engine::tools
