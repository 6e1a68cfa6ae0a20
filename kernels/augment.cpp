#include "kernels/augment.h"

#include <cmath>

#include "kernels/dropout.h"

namespace engine {

AugmentAttributes AugmentAttributes::from(const Attributes& attributes) {
  return {attributes.real("shift"), attributes.flag("flip"), unpack_key(attributes.integer("key"))};
}

Attributes AugmentAttributes::to_attributes() const {
  Attributes attributes;
  attributes.set("shift", shift).set("flip", flip).set_untuned("key", pack_key(key));
  return attributes;
}

// The small addend makes 0.29 of 100 pixels 29 of them, although the product is below.
std::int32_t AugmentAttributes::most(std::int64_t extent) const {
  return static_cast<std::int32_t>(std::floor(shift * static_cast<double>(extent) + 1e-6));
}

Augmentation::Augmentation(const AugmentAttributes& attributes, const Shape& images)
    : key(attributes.key),
      flip(attributes.flip),
      height(static_cast<std::int32_t>(images[2])),
      width(static_cast<std::int32_t>(images[3])),
      most_down(attributes.most(images[2])),
      most_right(attributes.most(images[3])) {}

}  // namespace engine
