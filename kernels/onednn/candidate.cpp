// A layout that oneDNN has nothing for is left out; the problem is refused where that is every one.
#include "kernels/onednn/candidate.h"

#include "kernels/dense.h"

namespace engine::onednn {

Support ChainCandidate::query(const Problem& problem, Device&) const {
  if (multiplies_bfloat16(problem) != bf16_)
    return Support::refuse(bf16_ ? "multiplies bf16" : "multiplies f32");
  if (std::string why = refuse(problem); !why.empty()) return Support::refuse(why);
  Support support;
  for (const std::string& layout : layouts()) {
    try {
      const Chain chain = build(problem, layout == kPlain);
      support.configurations.push_back({layout, chain.workspace(), true});
    } catch (const dnnl::error& error) {
      support.refusal = refusal_of(error);
    }
  }
  if (!support.configurations.empty()) support.refusal.clear();
  return support;
}

std::unique_ptr<Kernel> ChainCandidate::prepare(const Problem& problem,
                                                const Configuration& configuration, Device&) const {
  try {
    return make(problem, build(problem, configuration.name == kPlain));
  } catch (const dnnl::error& error) {
    rethrow(id_, error);
  }
}

}  // namespace engine::onednn
