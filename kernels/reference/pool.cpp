// References of pooling, from the definition: every window, element by element.
#include "kernels/pool.h"

#include <cmath>
#include <limits>

#include "engine/tune/registry.h"

namespace engine {
namespace {

using Inputs = std::span<const ReferenceTensor>;
using Outputs = std::span<ReferenceTensor>;

template <class Body>
void for_each_coordinate(const Extents3& extents, const Body& body) {
  for (std::int64_t i = 0; i < extents[0]; ++i)
    for (std::int64_t j = 0; j < extents[1]; ++j)
      for (std::int64_t k = 0; k < extents[2]; ++k) body(Extents3{i, j, k});
}

struct Element {
  std::size_t number;  ///< of x
  int place;           ///< in the window
};

// Calls body(number of y, the window's elements of x) for each element of y.
template <class Body>
void for_each_window(const PoolGeometry& g, const Body& body) {
  std::size_t y = 0;
  std::vector<Element> elements;
  for (std::int64_t image = 0; image < g.batch * g.channels; ++image)
    for_each_coordinate(g.output, [&](const Extents3& p) {
      elements.clear();
      int place = 0;
      for_each_coordinate(g.extents, [&](const Extents3& r) {
        std::int64_t number = image;
        bool inside = true;
        for (std::size_t d = 0; d < 3; ++d) {
          const std::int64_t s =
              p[d] * g.window.stride[d] + r[d] * g.window.dilation[d] - g.window.padding_before[d];
          inside = inside && s >= 0 && s < g.input[d];
          number = number * g.input[d] + s;
        }
        if (inside) elements.push_back({static_cast<std::size_t>(number), place});
        ++place;
      });
      body(y++, elements);
    });
}

void max_pool(const Problem& problem, Inputs inputs, Outputs outputs) {
  const DenseAttributes epilogue = PoolAttributes::from(problem.attributes).epilogue;
  for_each_window(PoolGeometry::of(problem), [&](std::size_t e, const auto& elements) {
    double y = -std::numeric_limits<double>::infinity();
    int index = kNoIndex;
    for (const Element& element : elements) {
      const double x = inputs[0].values[element.number];
      if (index != kNoIndex && (std::isnan(y) || !(x > y || std::isnan(x)))) continue;
      y = x;
      index = element.place;
    }
    if (epilogue.activation == Activation::relu) {
      if (!(y > 0)) index = kNoIndex;
      if (y <= 0) y = 0;
    }
    if (const DropoutAttributes& dropout = epilogue.dropout; dropout.rate > 0) {
      const auto step = static_cast<std::uint64_t>(inputs[1].values[0]);
      const bool kept = random_word(dropout.key, step, e) >= dropout.threshold();
      if (!kept) index = kNoIndex;
      y = kept ? y * dropout.scale() : 0;
    }
    outputs[0].values[e] = y;
    outputs[1].values[e] = index;
  });
}

void add(ReferenceTensor& to, std::size_t at, double term) {
  to.magnitudes.resize(to.values.size());
  to.values[at] += term;
  to.magnitudes[at] += std::abs(term);
}

void max_pool_gradient(const Problem& problem, Inputs inputs, Outputs outputs) {
  const double scale = static_cast<float>(problem.attributes.real("scale"));
  for_each_window(PoolGeometry::of(problem), [&](std::size_t e, const auto& elements) {
    for (const Element& element : elements)
      if (inputs[1].values[e] == element.place)
        add(outputs[0], element.number, inputs[0].values[e] * scale);
  });
}

void average_pool(const Problem& problem, Inputs inputs, Outputs outputs) {
  for_each_window(PoolGeometry::of(problem), [&](std::size_t e, const auto& elements) {
    for (const Element& element : elements)
      add(outputs[0], e, inputs[0].values[element.number] / static_cast<double>(elements.size()));
  });
}

void average_pool_gradient(const Problem& problem, Inputs inputs, Outputs outputs) {
  for_each_window(PoolGeometry::of(problem), [&](std::size_t e, const auto& elements) {
    for (const Element& element : elements)
      add(outputs[0], element.number, inputs[0].values[e] / static_cast<double>(elements.size()));
  });
}

}  // namespace

void register_pool_reference(ReferenceRegistry& registry) {
  registry.add("max_pool", max_pool);
  registry.add("max_pool_gradient", max_pool_gradient);
  registry.add("average_pool", average_pool);
  registry.add("average_pool_gradient", average_pool_gradient);
}

}  // namespace engine
