// Grey opening by area, with an upper limit as well.
#pragma once

#include <cstdint>

#include "base/image.hpp"

namespace dustbust {

struct AreaLimits {
    Index smallest, largest;  // px
    int step;                 // between the levels at which values are compared
    int lowest, highest;      // values below the one level are left alone, and those from the other
};

// Lower the values of a plane, so that at each level from `lowest` to `highest` the pixels at or
// above it form no component (8 neighbours) that is smaller or larger than the limits: a value
// becomes the highest level at which its component fits, or the one below `lowest`. Values from
// `highest` on belong to components, but stay as they are.
//
// Pixels are added to a union-find forest from the highest level down (A. Meijster, M. Wilkinson,
// "A comparison of algorithms for connected set openings and closings", 2002,
// https://doi.org/10.1109/34.993556). What is connected at the lowest level is done by itself, so
// that its pixels lie side by side in the processor's cache.
void limit_areas(Image<std::uint16_t> plane, AreaLimits limits, int threads);

}  // namespace dustbust
