// References of convolution and its two gradients, element by element, straight from the sum that
// defines them.
#include "kernels/convolution.h"

#include <cmath>

#include "engine/tune/registry.h"
#include "kernels/reference/epilogue.h"

namespace engine {
namespace {

// A product: row-major element numbers in the three tensors.
struct Term {
  std::size_t x, w, y;
};

struct Range {
  std::int64_t begin, end;
};

// The terms to visit: of which observations n, channels k of y and c of k's group, positions p of y
// and r of the filter.
struct Terms {
  Range n, k, c;
  std::array<Range, 3> p, r;

  static Terms all(const ConvolutionGeometry& g) {
    Terms terms{{0, g.batch}, {0, g.outputs}, {0, g.group_inputs()}, {}, {}};
    for (std::size_t d = 0; d < 3; ++d) {
      terms.p[d] = {0, g.output[d]};
      terms.r[d] = {0, g.filter[d]};
    }
    return terms;
  }
};

template <class Body>
void for_each_position(const std::array<Range, 3>& ranges, Body body) {
  for (std::int64_t i = ranges[0].begin; i < ranges[0].end; ++i)
    for (std::int64_t j = ranges[1].begin; j < ranges[1].end; ++j)
      for (std::int64_t k = ranges[2].begin; k < ranges[2].end; ++k) body(Extents3{i, j, k});
}

std::size_t place(std::int64_t outer, std::int64_t channels, std::int64_t channel,
                  const Extents3& extents, const Extents3& at) {
  const std::int64_t row = (outer * channels + channel) * extents[0] + at[0];
  return static_cast<std::size_t>((row * extents[1] + at[1]) * extents[2] + at[2]);
}

// Calls visit(term) for each of `terms` that does not lie in the padding.
template <class Visit>
void for_each_term(const ConvolutionGeometry& g, const Terms& terms, Visit visit) {
  const WindowAttributes& window = g.window;
  const auto visit_channel = [&](std::int64_t n, std::int64_t k, const Extents3& p,
                                 std::int64_t c) {
    for_each_position(terms.r, [&](const Extents3& r) {
      Extents3 s{};
      for (std::size_t d = 0; d < 3; ++d) {
        s[d] = p[d] * window.stride[d] + r[d] * window.dilation[d] - window.padding_before[d];
        if (s[d] < 0 || s[d] >= g.input[d]) return;
      }
      const std::int64_t channel = k / g.group_outputs() * g.group_inputs() + c;
      visit(Term{place(n, g.inputs, channel, g.input, s),
                 place(k, g.group_inputs(), c, g.filter, r), place(n, g.outputs, k, g.output, p)});
    });
  };
  for (std::int64_t n = terms.n.begin; n < terms.n.end; ++n)
    for (std::int64_t k = terms.k.begin; k < terms.k.end; ++k)
      for_each_position(terms.p, [&](const Extents3& p) {
        for (std::int64_t c = terms.c.begin; c < terms.c.end; ++c) visit_channel(n, k, p, c);
      });
}

Range only(std::int64_t index) {
  return {index, index + 1};
}

// Row-major coordinates of an element of [outer, channels, spatial].
struct Place {
  std::int64_t outer, channel;
  Extents3 at;

  Place(std::size_t element, std::int64_t channels, const Extents3& extents) {
    auto rest = static_cast<std::int64_t>(element);
    for (std::size_t d = 3; d-- > 0; rest /= extents[d]) at[d] = rest % extents[d];
    channel = rest % channels;
    outer = rest / channels;
  }
};

// Adds the products that `value` gives for each of `terms`.
template <class Value>
void add_terms(const ConvolutionGeometry& g, const Terms& terms, ReferenceElement& sum,
               Value value) {
  for_each_term(g, terms, [&](const Term& t) {
    const double term = value(t);
    sum.value += term;
    sum.magnitude += std::abs(term);
  });
}

ReferenceElement convolution(const Problem& problem, std::span<const ReferenceTensor> inputs,
                             std::size_t, std::size_t element) {
  const auto g = ConvolutionGeometry::of(problem);
  const Place y(element, g.outputs, g.output);
  Terms terms = Terms::all(g);
  terms.n = only(y.outer);
  terms.k = only(y.channel);
  for (std::size_t d = 0; d < 3; ++d) terms.p[d] = only(y.at[d]);
  ReferenceElement sum;
  add_terms(g, terms, sum, [&](const Term& t) {
    return inputs[0].values[t.x] * multiplied_weight(problem, inputs[1].values[t.w]);
  });
  apply_epilogue(DenseAttributes::from(problem.attributes), static_cast<std::size_t>(y.channel),
                 inputs, element, sum);
  return sum;
}

// For each place in the filter there is one output position, or none, that it reads `x` for.
ReferenceElement input_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                                std::size_t, std::size_t element) {
  const auto g = ConvolutionGeometry::of(problem);
  const Place x(element, g.inputs, g.input);
  Terms terms = Terms::all(g);
  terms.n = only(x.outer);
  terms.c = only(x.channel % g.group_inputs());
  const std::int64_t group = x.channel / g.group_inputs();
  terms.k = {group * g.group_outputs(), (group + 1) * g.group_outputs()};
  const std::array<Range, 3> filter = terms.r;
  ReferenceElement sum;
  for_each_position(filter, [&](const Extents3& r) {
    for (std::size_t d = 0; d < 3; ++d) {
      const std::int64_t offset =
          x.at[d] + g.window.padding_before[d] - r[d] * g.window.dilation[d];
      const std::int64_t p = offset / g.window.stride[d];
      if (offset < 0 || offset % g.window.stride[d] != 0 || p >= g.output[d]) return;
      terms.p[d] = only(p);
      terms.r[d] = only(r[d]);
    }
    add_terms(g, terms, sum, [&](const Term& t) {
      return inputs[0].values[t.y] * multiplied_weight(problem, inputs[1].values[t.w]);
    });
  });
  return sum;
}

ReferenceElement weight_gradient(const Problem& problem, std::span<const ReferenceTensor> inputs,
                                 std::size_t output, std::size_t element) {
  const auto g = ConvolutionGeometry::of(problem);
  const std::vector<double>&x = inputs[0].values, &dz = inputs[1].values;
  ReferenceElement sum;
  if (output == 0) {
    const Place w(element, g.group_inputs(), g.filter);
    Terms terms = Terms::all(g);
    terms.k = only(w.outer);
    terms.c = only(w.channel);
    for (std::size_t d = 0; d < 3; ++d) terms.r[d] = only(w.at[d]);
    add_terms(g, terms, sum, [&](const Term& t) { return x[t.x] * dz[t.y]; });
    return sum;
  }
  const auto positions = static_cast<std::size_t>(g.output_positions());
  const auto image = positions * static_cast<std::size_t>(g.outputs);
  for (std::size_t first = element * positions; first < dz.size(); first += image)
    for (std::size_t p = 0; p < positions; ++p) {
      sum.value += dz[first + p];
      sum.magnitude += std::abs(dz[first + p]);
    }
  return sum;
}

}  // namespace

void register_convolution_reference(ReferenceRegistry& registry) {
  registry.add("convolution", convolution);
  registry.add("convolution_input_gradient", input_gradient);
  registry.add("convolution_weight_gradient", weight_gradient);
}

}  // namespace engine
