// The dust of one frame, pixel by pixel. Values are 0..1, densities 0 and more.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dust/response.hpp"

namespace dustbust {

// The dust of a frame: N pixels of P particles.
struct ObservedDust {
    std::ptrdiff_t pixels, particles;
    int colours;
    const float* observed;           // N x colours
    const float* density;            // N
    const std::int32_t* labels;      // N, 0..P-1
    const std::int32_t* neighbours;  // N x 4: above, left, right, below, or -1
    const std::uint8_t* dark;        // P
    const Response* responses;       // 2 x colours: to light dust, to dark dust
};

}  // namespace dustbust
