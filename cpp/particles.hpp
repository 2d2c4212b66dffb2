// The pixels of a mask as a graph: who is beside whom, and which particle each belongs to.
#pragma once

#include <cstdint>
#include <vector>

#include "masked_pixels.hpp"

namespace dustbust {

struct Particles {
    std::vector<std::int32_t> neighbours;   // 4 per pixel: place in the list of the pixel above, left, right, below; -1 if not in it
    std::vector<std::int32_t> labels;       // number of the particle (8-connected), in the order of their first pixels
    std::int32_t count = 0;
};

Particles particles(const MaskedPixels& masked, std::ptrdiff_t rows, std::ptrdiff_t columns);

}  // namespace dustbust
