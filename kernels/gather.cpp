#include "kernels/gather.h"

namespace engine {

GatherAttributes GatherAttributes::from(const Attributes& attributes) {
  return {
      attributes.real("scale"), attributes.real("offset"),
      attributes.has("layout") ? layout_from_name(attributes.text("layout")) : Layout::row_major};
}

Attributes GatherAttributes::to_attributes() const {
  Attributes attributes;
  attributes.set("scale", scale).set("offset", offset);
  if (layout != Layout::row_major) attributes.set("layout", std::string(layout_name(layout)));
  return attributes;
}

}  // namespace engine
