#include "kernels/cpu/recurrent_blocks.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <memory>
#include <string>

#include "kernels/cpu/recurrent_frame.h"

namespace engine::cpu {
namespace {

class FusedRecurrent final : public KernelCandidate {
 public:
  FusedRecurrent(const RecurrentColumns& columns, bool gradient)
      : columns_(columns),
        gradient_(gradient),
        op_(std::string(columns.cell.op) + (gradient ? "_gradient" : "")) {}
  const std::string& op() const override { return op_; }
  const std::string& backend() const override { return backend_; }
  const std::string& id() const override { return id_; }
  int version() const override { return 4; }
  double error_factor(const Problem& problem) const override {
    return recurrent_error_factor(RecurrentExtents::of(problem, columns_.cell));
  }

  // Blocks of so many sequences: the fewer, the more threads; the more, the better the products.
  Support query(const Problem& problem, Device&) const override {
    const std::int64_t sequences = RecurrentExtents::of(problem, columns_.cell).sequences;
    Support support;
    for (std::int64_t block : kBlocks) {
      support.configurations.push_back(
          {fmt::format("sequences={}", block), make(problem, block)->workspace(), true});
      if (block >= sequences) break;
    }
    return support;
  }
  std::unique_ptr<Kernel> prepare(const Problem& problem, const Configuration& configuration,
                                  Device&) const override {
    const std::string& name = configuration.name;
    std::int64_t block = kBlocks[0];
    std::from_chars(name.data() + name.find('=') + 1, name.data() + name.size(), block);
    return make(problem, block);
  }

 private:
  static constexpr std::array<std::int64_t, 6> kBlocks{8, 12, 16, 24, 32, 48};

  std::unique_ptr<RecurrentKernel> make(const Problem& problem, std::int64_t block) const {
    return (gradient_ ? make_recurrent_backward : make_recurrent_forward)(problem, columns_, block);
  }

  const RecurrentColumns& columns_;
  bool gradient_;
  std::string op_, backend_ = "cpu", id_ = "cpu.fused";
};

}  // namespace

void add_recurrent(CandidateRegistry& registry, const RecurrentColumns& columns) {
  for (bool gradient : {false, true})
    registry.add(std::make_unique<FusedRecurrent>(columns, gradient));
}

}  // namespace engine::cpu
