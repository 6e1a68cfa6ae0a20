#include "kernels/gather.h"

namespace engine {

GatherAttributes GatherAttributes::from(const Attributes& attributes) {
  return {attributes.real("scale"), attributes.real("offset")};
}

Attributes GatherAttributes::to_attributes() const {
  Attributes attributes;
  attributes.set("scale", scale).set("offset", offset);
  return attributes;
}

}  // namespace engine
