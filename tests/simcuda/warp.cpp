#include "warp.h"

#include <bit>

namespace simcuda {
namespace {

// What hardware leaves undefined: all bits set is NaN for every floating type.
constexpr std::uint64_t undefined_value = ~std::uint64_t{0};

}  // namespace

Warp::Open& Warp::find_or_open(unsigned mask, WarpOperation operation,
                               const std::source_location& site) {
  for (unsigned i = 0; i < open_count_; ++i)
    if (open_[i].mask == mask) return open_[i];
  open_[open_count_] = {mask, 0, operation, site};
  return open_[open_count_++];
}

Warp::Outcome Warp::arrive(Fiber& fiber, WarpOperation operation, unsigned& mask,
                           std::uint64_t value, unsigned source, const std::source_location& site) {
  const unsigned lane = fiber.thread.linear % 32;
  mask &= existing_;
  if ((mask >> lane & 1) == 0) return Outcome::not_in_mask;
  Open& open = find_or_open(mask, operation, site);
  if (open.operation != operation || !same_site(open.site, site))
    return Outcome::different_operation;
  fibers_[lane] = &fiber;
  values_[lane] = value;
  sources_[lane] = static_cast<std::uint8_t>(source);
  open.arrived |= 1u << lane;
  if (open.arrived != mask) return Outcome::waits;
  answer(open);
  open = open_[--open_count_];
  return Outcome::complete;
}

void Warp::answer(const Open& open) {
  if (open.operation == WarpOperation::synchronize) return;
  std::uint64_t ballot = 0;
  if (open.operation == WarpOperation::ballot)
    for (unsigned rest = open.mask; rest != 0; rest &= rest - 1) {
      const auto lane = static_cast<unsigned>(std::countr_zero(rest));
      ballot |= std::uint64_t{values_[lane] != 0} << lane;
    }
  for (unsigned rest = open.mask; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<unsigned>(std::countr_zero(rest));
    const unsigned source = sources_[lane] % 32u;
    if (open.operation == WarpOperation::ballot)
      fibers_[lane]->result = ballot;
    else
      fibers_[lane]->result = (open.mask >> source & 1) != 0 ? values_[source] : undefined_value;
  }
}

}  // namespace simcuda
