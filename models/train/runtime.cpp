#include "models/train/runtime.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <map>

#include "engine/core/log.h"
#include "engine/core/process_memory.h"
#include "engine/device/backend.h"
#include "ops/registry.h"

namespace engine {
namespace {

std::unique_ptr<Device> open(const RuntimeOptions& options) {
  initialize();
  return open_device(options.device, options.threads);
}

// A cache that was made elsewhere, or before a driver or library changed, helps nothing here.
void warn_of_other_devices(const AlgorithmCache& cache, const std::string& fingerprint) {
  const std::vector<TuningRecord> records = cache.records();
  const auto is_of_this = [&](const auto& record) { return record.fingerprint == fingerprint; };
  if (!records.empty() && std::none_of(records.begin(), records.end(), is_of_this))
    log::warning(fmt::format("{}: made on '{}', and nothing is known of '{}': all is tuned anew",
                             cache.path(), records.front().fingerprint, fingerprint));
}

}  // namespace

Runtime::Runtime(const RuntimeOptions& options)
    : options_(options),
      resident_before_(ProcessMemory::now().resident),
      device_(open(options)),
      stream_(device_->make_stream()),
      cache_(options.algorithm_cache.empty() ? AlgorithmCache::default_path()
                                             : options.algorithm_cache),
      tuner_(std::make_unique<Tuner>(*device_, cache_, options.tuner)),
      store_(*device_) {
  if (options.tuner.mode == Autotune::find) warn_of_other_devices(cache_, device_->fingerprint());
}

std::size_t Runtime::add(graph::Graph graph) {
  programs_.push_back(std::make_unique<graph::Program>(
      graph::compile(std::move(graph), *device_, *tuner_, options_.compile)));
  return programs_.size() - 1;
}

void Runtime::discard_programs() {
  ENGINE_CHECK(!allocated_, "programs in use");
  programs_.clear();
}

std::size_t Runtime::memory_limit() const {
  const std::size_t available = device_->available_memory();
  return options_.memory_limit == 0 ? available
                                    : std::min<std::size_t>(available, options_.memory_limit);
}

MemoryBudget Runtime::budget() const {
  if (allocated_) return *allocated_;
  MemoryBudget budget;
  if (device_->backend() == "cpu") {
    // Tuning may be over: what it borrowed goes back first, and generated code is what remains.
    malloc_trim(0);
    const std::size_t resident = ProcessMemory::now().resident;
    budget.code = resident - std::min(resident, resident_before_);
  }
  std::map<std::string, graph::State> states;
  for (const auto& program : programs_) {
    for (const graph::State& state : program->graph.states()) states.emplace(state.name, state);
    budget.arena = std::max(budget.arena, program->plan.arena_bytes);
  }
  for (const auto& [name, state] : states)
    (state.role == graph::StateRole::data ? budget.data : budget.state) += state.type.bytes();
  return budget;
}

void Runtime::allocate() {
  const MemoryBudget need = budget();
  const std::size_t limit = memory_limit();
  if (need.total() > limit)
    throw OutOfMemoryError(fmt::format(
        "{}: the run needs {} bytes ({} state, {} data, {} arena, {} code), {} are {}",
        device_->name(), need.total(), need.state, need.data, need.arena, need.code, limit,
        limit == options_.memory_limit ? "allowed by the memory limit" : "available"));
  for (const auto& program : programs_)
    for (const graph::State& state : program->graph.states()) store_.add(state, *stream_);
  arena_ = Buffer(*device_, need.arena);
  allocated_ = need;
  for (const auto& program : programs_)
    executors_.push_back(std::make_unique<graph::Executor>(*program, store_, arena_.data()));
}

std::int64_t Runtime::read_counter(const std::string& state) {
  std::int64_t value = 0;
  store_.download(state, &value, *stream_);
  return value;
}

double Runtime::read_total(const std::string& state) {
  double value = 0;
  store_.download(state, &value, *stream_);
  return value;
}

void Runtime::clear(const std::string& state) {
  const TensorView view = store_.view(state);
  stream_->fill(view.data, 0, view.type.bytes());
}

}  // namespace engine
