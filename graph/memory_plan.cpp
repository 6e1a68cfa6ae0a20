// Offsets are assigned greedily, the largest interval first, each at the lowest offset where no
// interval that lives at the same time already is (the "greedy by size" strategy of Pisarchyk and
// Lee, "Efficient memory management for deep neural net inference", 2020).
#include "graph/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "engine/core/error.h"
#include "graph/op.h"

namespace engine::graph {
namespace {

std::size_t round_up(std::size_t bytes, std::size_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

bool overlap_in_time(const Lifetime& a, const Lifetime& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

// Which values share storage, and where that storage is.
class Storage {
 public:
  explicit Storage(const Graph& graph) : graph_(graph), order_(graph.schedule()) {
    for (const auto& node : graph.nodes()) {
      if (is_state_read(*node)) {
        states_[node->output()] = &state_name(*node);
        continue;
      }
      for (std::size_t i = 0; i < node->output_count(); ++i) place(*node, i);
    }
  }

  // The value whose storage `value` shares: itself unless it was computed in place.
  const Value* root(const Value* value) const {
    auto entry = roots_.find(value);
    return entry == roots_.end() ? value : entry->second;
  }
  // The state in whose buffer a root lives, nullptr for the arena.
  const std::string* state(const Value* root) const {
    auto entry = states_.find(root);
    return entry == states_.end() ? nullptr : entry->second;
  }

 private:
  void place(const Node& node, std::size_t i) {
    const Value* output = node.output(i);
    if (const int source = node.in_place()[i]; source != kNotInPlace) {
      roots_[output] = root(node.input(static_cast<std::size_t>(source)));
      return;
    }
    // A state's next value is computed right where it belongs, if nothing still reads the old one.
    for (const Node* user : output->uses())
      if (is_state_assign(*user) && !states_.count(output) && !read_later(state_name(*user), node))
        states_[output] = &state_name(*user);
  }

  bool read_later(const std::string& state, const Node& node) const {
    for (const auto& read : graph_.nodes())
      if (is_state_read(*read) && state_name(*read) == state)
        for (const Node* user : read->output()->uses())
          if (order_.at(user) >= order_.at(&node)) return true;
    return false;
  }

  const Graph& graph_;
  std::unordered_map<const Node*, int> order_;
  std::unordered_map<const Value*, const Value*> roots_;
  std::unordered_map<const Value*, const std::string*> states_;
};

// An interval of the arena before it has an offset.
struct Request {
  Lifetime lifetime;
  const Value* value = nullptr;  ///< or
  const Node* node = nullptr;    ///< whose workspace it is
};

std::vector<Request> collect(const Graph& graph, const Storage& storage,
                             const std::unordered_map<const Node*, std::size_t>& workspace) {
  std::vector<Request> requests;
  std::unordered_map<const Value*, std::size_t> index;
  int step = 0;
  for (const auto& node : graph.nodes()) {
    for (const Value* input : node->inputs())
      if (auto entry = index.find(storage.root(input)); entry != index.end())
        requests[entry->second].lifetime.last_step = step;
    for (std::size_t i = 0; i < node->output_count(); ++i) {
      const Value* output = node->output(i);
      if (storage.root(output) != output || storage.state(output) != nullptr) continue;
      index[output] = requests.size();
      requests.push_back(
          {{output->name(), 0, output->type().bytes(), step, step}, output, nullptr});
    }
    if (auto entry = workspace.find(node.get()); entry != workspace.end() && entry->second > 0)
      requests.push_back(
          {{"workspace of " + node->label(), 0, entry->second, step, step}, nullptr, node.get()});
    ++step;
  }
  return requests;
}

// The lowest offset at which `request` fits beside those already placed.
std::size_t first_fit(const Lifetime& request, const std::vector<Lifetime>& placed,
                      std::size_t alignment) {
  std::vector<std::pair<std::size_t, std::size_t>> taken;  // [begin, end)
  for (const Lifetime& other : placed)
    if (overlap_in_time(request, other))
      taken.push_back({other.offset, other.offset + other.bytes});
  std::sort(taken.begin(), taken.end());
  std::size_t offset = 0;
  for (const auto& [begin, end] : taken) {
    if (offset + request.bytes <= begin) break;
    offset = std::max(offset, round_up(end, alignment));
  }
  return offset;
}

}  // namespace

MemoryPlan plan_memory(const Graph& graph,
                       const std::unordered_map<const Node*, std::size_t>& workspace,
                       std::size_t alignment) {
  const Storage storage(graph);
  std::vector<Request> requests = collect(graph, storage, workspace);
  std::stable_sort(requests.begin(), requests.end(), [](const Request& a, const Request& b) {
    return a.lifetime.bytes > b.lifetime.bytes;
  });

  MemoryPlan plan;
  for (Request& request : requests) {
    request.lifetime.offset = first_fit(request.lifetime, plan.lifetimes, alignment);
    plan.arena_bytes = std::max(plan.arena_bytes, request.lifetime.offset + request.lifetime.bytes);
    if (request.value != nullptr)
      plan.placements[request.value] = {nullptr, request.lifetime.offset};
    else
      plan.workspaces[request.node] = request.lifetime.offset;
    plan.lifetimes.push_back(request.lifetime);
  }
  for (const auto& node : graph.nodes())
    for (std::size_t i = 0; i < node->output_count(); ++i) {
      const Value* root = storage.root(node->output(i));
      if (const std::string* state = storage.state(root); state != nullptr)
        plan.placements[node->output(i)] = {state, 0};
      else
        plan.placements[node->output(i)] = plan.placements.at(root);
    }
  plan.verify();
  return plan;
}

void MemoryPlan::verify() const {
  for (std::size_t i = 0; i < lifetimes.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const Lifetime& a = lifetimes[i];
      const Lifetime& b = lifetimes[j];
      const bool shares = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
      ENGINE_CHECK(!overlap_in_time(a, b) || !shares,
                   fmt::format("the memory plan puts {} over {}", a.what, b.what));
    }
}

}  // namespace engine::graph
