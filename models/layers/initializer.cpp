#include "models/layers/initializer.h"

#include <cmath>

namespace engine {

std::vector<float> draw(const Initializer& initializer, std::int64_t count, std::int64_t fan_in,
                        std::int64_t fan_out, RandomKey key) {
  std::vector<float> values(static_cast<std::size_t>(count), 0.0f);
  if (initializer.kind == Initializer::Kind::zeros) return values;
  const double limit = std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((2.0 * uniform_from_word(random_word(key, 0, i)) - 1.0) * limit);
  return values;
}

}  // namespace engine
