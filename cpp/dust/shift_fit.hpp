// Finding how far the dust of a frame is shifted: sums over its pixels.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dust/observed_dust.hpp"

namespace dustbust {

// What the surroundings of the dust suggest, N pixels, and which of the pixels are looked at.
struct ShiftSample {
    const float *filled, *spread;
    const std::int64_t* pixels;
    std::ptrdiff_t count;
};

// The normal equations of a step of Gauss-Newton for a shift of dust of one colour from its density
// as it is shifted so far: (down, down), (down, right), (right, right), and the right side of both.
// Residuals beyond `huber` deviations count less. Clipped values do not count.
std::array<double, 5> shift_sums(const ObservedDust& dust, const ShiftSample& sample, float huber);

}  // namespace dustbust
