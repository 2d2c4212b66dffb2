// A mask grown by a disc, at a cost that follows the mask and not the picture.
#pragma once

#include <cstdint>

#include "base/image.hpp"

namespace dustbust {

// Set in `out` each pixel that lies within a disc of `radius` px around a set pixel of `mask`; 0
// copies the mask. The rows of the disc are rounded to whole pixels, as by OpenCV: radius 2 covers
// 17 of the 25 pixels of its square.
void dilate(Image<const std::uint8_t> mask, Image<std::uint8_t> out, int radius, int threads);

}  // namespace dustbust
