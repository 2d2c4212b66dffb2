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
// values: the filled value of each masked pixel. share: the share of that value in the result,
// 0..1.
template <class T>
std::vector<float> grain(Image<const T> image, const MaskedPixels& masked, std::ptrdiff_t colours,
                         const float* values, const float* share, int threads);

}  // namespace dustbust
