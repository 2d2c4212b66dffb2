// The details of a page, by which its scans are registered.
#pragma once

#include "base/image.hpp"

namespace dustbust {

// Details: the luminance blurred over 5 x 5 pixels by binomial weights, minus its mean over a
// square of 2 * radius + 1; not a number where an unknown pixel is needed for these or for
// interpolation. The finest details are left out, because interpolation moves them towards whole
// pixels. in: as from `reduce_luminance`.
void find_details(Image<const float> in, std::ptrdiff_t radius, Image<float> out, int threads);

}  // namespace dustbust
