// The grain of filled pixels: the finest detail of clean picture nearby, borrowed.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"
#include "image/masked_pixels.hpp"

namespace dustbust {

// The grain to add to each masked pixel, `colours` numbers each in the unit of the image, so that
// it has as much fine detail as its surroundings.
//
// values, share: of each masked pixel, its filled value, and the share of that value in the result
// (0..1; null: 1). unclean: where the 7 x 7 pixels around a pixel hold a masked one.
template <class T>
std::vector<float> grain(Image<const T> image, const MaskedPixels& masked,
                         Image<const std::uint8_t> unclean, std::ptrdiff_t colours,
                         const float* values, const float* share, int threads);

}  // namespace dustbust
