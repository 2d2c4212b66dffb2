// The sum of the frames of a run.
#pragma once

#include <cstdint>

#include "base/image.hpp"

namespace dustbust {

// Sums are in steps of 1 / SUM_STEPS, so that they do not depend on their order. 8 and 16 bit are
// whole numbers of such steps.
constexpr int SUM_STEPS = 65535;

// A sum of 32 bits holds at most this number of frames of whole numbers. Values of float frames may
// be of any size: their sums have 64 bits, and a value counts up to this much on both sides of 0.
constexpr int FRAMES_IN_SUM = 32767;
constexpr float LARGEST_IN_SUM = 32767;

// Add the pixels of a frame to `sum`, and 1 to `frames`, where `has_data` is not
// 0. Without has_data (its data is null) all count, and `frames` is left alone.
template <class T, class Sum>
void add_frame(Image<const T> in, Image<const std::uint8_t> has_data, Image<Sum> sum,
               Image<std::int32_t> frames, int threads);

}  // namespace dustbust
