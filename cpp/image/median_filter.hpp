// The median of a small square window, exactly.
#pragma once

#include "base/image.hpp"

namespace dustbust {

// Median over the (2 * radius + 1)^2 window around each pixel of one-channel `in`, radius 0 to 5;
// beyond the border the nearest pixel of the picture counts.
void window_median(Image<const float> in, Image<float> out, int radius, int threads);

}  // namespace dustbust
