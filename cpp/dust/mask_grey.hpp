// The grey of a mask: from the opacity of the dust, in the steps in which a mask is kept.
#pragma once

#include <cstdint>

#include "base/image.hpp"

namespace dustbust {

// A mask is kept in steps of 1 / MASK_STEPS.
constexpr int MASK_STEPS = 65535;

// Opacity becomes 0 or more where `dust` is not 0, and elsewhere below * threshold * opacity /
// (opacity + threshold), which stays below the threshold.
void lower_beside(Image<float> opacity, Image<const std::uint8_t> dust, float threshold,
                  float below, int threads);

// Opacity, 0..1, in steps, on another scale: the odds are multiplied by one factor, so that `scale`
// becomes one half. Rounding moves no pixel to the other side of one half.
void grey_steps(Image<const float> opacity, float scale, Image<std::uint16_t> out, int threads);

// Grey, 0..1 or in steps, as values in whole steps; below `limit` steps in multiples of `coarse`. A
// value stays on its side of the limit.
template <class T>
void round_grey(Image<const T> grey, int limit, int coarse, Image<float> out, int threads);

}  // namespace dustbust
