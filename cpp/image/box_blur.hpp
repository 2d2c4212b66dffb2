// Means over boxes, at a cost that does not depend on the size of the box.
#pragma once

#include "base/image.hpp"

namespace dustbust {

// Mean over a (2 * radius + 1)^2 box of one-channel `in`; at the border the mean covers the part of
// the box inside the picture.
void box_blur(Image<const float> in, Image<float> out, std::ptrdiff_t radius, int threads);

}  // namespace dustbust
