#include "kernels/onednn/engine.h"

#include <fmt/format.h>

#include "engine/core/error.h"
#include "engine/device/cpu/held_signals.h"

namespace engine::onednn {
namespace {

// oneDNN writes the kernels behind its gemm-based primitives (some 3 MB of code) when the first
// product runs. A product of 1 x 1 does it now: the first step is no slower than the others, and
// the code is there when memory is planned.
void generate_gemm_kernels() {
  const float one = 1;
  float product = 0;
  dnnl::error::wrap_c_api(dnnl_sgemm('N', 'N', 1, 1, 1, 1.0f, &one, 1, &one, 1, 0.0f, &product, 1),
                          "could not multiply");
}

// Levels are sets of bits that grow with what they add.
bool has_instructions(dnnl::cpu_isa isa) {
  const auto level = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  return (level & static_cast<unsigned>(isa)) == static_cast<unsigned>(isa);
}

}  // namespace

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine = [] {
    generate_gemm_kernels();
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return engine;
}

bool multiplies_bfloat16_natively() {
  return has_instructions(dnnl::cpu_isa::avx512_core_bf16);
}

bool multiplies_bfloat16_in_tiles() {
  return has_instructions(dnnl::cpu_isa::avx512_core_amx);
}

dnnl::primitive_attr primitive_attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

// What oneDNN says of a lacking implementation names the internal step that found out.
std::string refusal_of(const dnnl::error& error) {
  return error.status == dnnl_unimplemented
             ? "oneDNN has no implementation for such a problem on this CPU"
             : std::string("oneDNN: ") + error.what();
}

void rethrow(const std::string& primitive, const dnnl::error& error) {
  throw DeviceError(fmt::format("oneDNN {}: {} (status {})", primitive, error.what(),
                                static_cast<int>(error.status)));
}

Execution::Execution(std::string name, const dnnl::primitive& primitive,
                     const dnnl::memory::desc& scratchpad, const std::vector<Argument>& arguments)
    : name_(std::move(name)),
      primitive_(primitive),
      stream_(cpu_engine()),
      workspace_(scratchpad.get_size()) {
  const auto bind = [this](int index, const dnnl::memory::desc& type) {
    memories_.emplace_back(type, cpu_engine(), static_cast<void*>(DNNL_MEMORY_NONE));
    raw_arguments_.push_back({index, memories_.back().get()});
  };
  for (const auto& [index, type] : arguments) bind(index, type);
  if (workspace_ > 0) bind(DNNL_ARG_SCRATCHPAD, scratchpad);
}

void Execution::run(std::span<void* const> pointers, void* workspace) {
  ENGINE_CHECK(pointers.size() + (workspace_ > 0) == memories_.size(),
               "oneDNN " + name_ + ": wrong number of operands");
  try {
    for (std::size_t i = 0; i < pointers.size(); ++i) memories_[i].set_data_handle(pointers[i]);
    if (workspace_ > 0) memories_.back().set_data_handle(workspace);
    const cpu::HeldSignals held;
    dnnl::error::wrap_c_api(
        dnnl_primitive_execute(primitive_.get(), stream_.get(),
                               static_cast<int>(raw_arguments_.size()), raw_arguments_.data()),
        "could not execute");
    stream_.wait();
  } catch (const dnnl::error& error) {
    rethrow(name_, error);
  }
}

}  // namespace engine::onednn
