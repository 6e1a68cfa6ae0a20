#include "kernels/onednn/chain.h"

#include <algorithm>

namespace engine::onednn {
namespace {

constexpr std::size_t kAlignment = 64;

Execution reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  const dnnl::reorder::primitive_desc description(cpu_engine(), from, cpu_engine(), to,
                                                  primitive_attributes());
  return {"reorder",
          dnnl::reorder(description),
          description.scratchpad_desc(),
          {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}};
}

}  // namespace

Chain::Slot Chain::allocate(const dnnl::memory::desc& type) {
  offsets_.push_back(copies_);
  copies_ += (type.get_size() + kAlignment - 1) / kAlignment * kAlignment;
  return operands_ + offsets_.size() - 1;
}

Chain::Slot Chain::converted(Slot from, const dnnl::memory::desc& given,
                             const dnnl::memory::desc& wanted) {
  if (given == wanted) return from;
  const Slot copy = allocate(wanted);
  if (Conversion conversion = make_conversion(given, wanted))
    links_.push_back({std::nullopt, std::move(conversion), {from, copy}});
  else
    append(reorder(given, wanted), {from, copy});
  return copy;
}

Chain::Slot Chain::target(Slot to, const dnnl::memory::desc& given,
                          const dnnl::memory::desc& wanted) {
  return given == wanted ? to : allocate(given);
}

void Chain::deliver(Slot from, const dnnl::memory::desc& given, Slot to,
                    const dnnl::memory::desc& wanted) {
  if (from != to) append(reorder(given, wanted), {from, to});
}

void Chain::append(Execution execution, std::vector<Slot> slots) {
  scratchpad_ = std::max(scratchpad_, execution.workspace());
  links_.push_back({std::move(execution), {}, std::move(slots)});
}

void Chain::run(std::span<void* const> operands, void* workspace) {
  auto* base = static_cast<std::byte*>(workspace);
  for (Link& link : links_) {
    pointers_.clear();
    for (Slot slot : link.slots)
      pointers_.push_back(slot < operands_ ? operands[slot] : base + offsets_[slot - operands_]);
    if (link.execution)
      link.execution->run(pointers_, base + copies_);
    else
      link.conversion(pointers_[0], pointers_[1]);
  }
}

}  // namespace engine::onednn
