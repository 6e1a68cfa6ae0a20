// Reference of renumber_tokens.
#include "kernels/renumber_tokens.h"

#include <set>

#include "engine/tune/registry.h"

namespace engine {
namespace {

void renumber_tokens(const Problem& problem, std::span<const ReferenceTensor> inputs,
                     std::span<ReferenceTensor> outputs) {
  const auto vocabulary = static_cast<double>(RenumberExtents::of(problem).vocabulary);
  std::set<double> different;
  for (double token : inputs[0].values)
    if (token >= 0 && token < vocabulary) different.insert(token);
  for (ReferenceTensor& output : outputs) output.values.assign(output.values.size(), -1);
  std::size_t count = 0;
  for (double token : different) {
    outputs[0].values[count] = token;
    outputs[2].values[static_cast<std::size_t>(token)] = static_cast<double>(count++);
  }
  for (std::size_t i = 0; i < inputs[0].values.size(); ++i)
    if (const double token = inputs[0].values[i]; different.count(token) != 0)
      outputs[1].values[i] = outputs[2].values[static_cast<std::size_t>(token)];
}

}  // namespace

void register_renumber_tokens_reference(ReferenceRegistry& registry) {
  registry.add("renumber_tokens", renumber_tokens);
}

}  // namespace engine
