// Readings of the dust: how far each pixel of a frame stands out from a coarse background. The
// smooth quantities (background, gain, weight) are on a coarse grid (image/block_grid.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"

namespace dustbust {

// Readings are in steps of 1 / READING_STEPS, so that sums of readings are whole numbers and do not
// depend on their order. The steps are finer than those of 8 bit.
constexpr int READING_STEPS = 1024;

// The largest weight of a reading, and how many frames a sum of 32 bits takes.
constexpr int WHOLE_WEIGHT = 16383;
constexpr int FRAMES_IN_32_BIT = 127;

// A frame; in and background are in 0..1. `weight` holds whole numbers, 0 to WHOLE_WEIGHT. `sign` 1
// adds the frame, -1 takes it out again. `has_data` is 0 where there is no data; has_data.data is
// null if there is data everywhere.
template <class T>
struct FrameToRead {
    Image<const T> in;
    Image<const std::uint8_t> has_data;
    Image<const float> background, gain, weight;
    int sign;
};

// Add weight * reading of each frame to `sum`, reading = clip((in - background) * gain, lowest, 1).
// `sum` is to be divided by the sum of the weights over the frames, interpolated between the blocks
// like a weight. sum / (READING_STEPS * weight) is the mean reading. Pixels without data add their
// weight to `missing` instead, which is to be subtracted from the sum of the weights. Several
// frames at a time take less: the sums go through memory once.
template <class T, class Sum>
void add_readings(const std::vector<FrameToRead<T>>& frames, std::ptrdiff_t side, float lowest,
                  Image<Sum> sum, Image<Sum> missing, int threads);

// Readings of whole particles. Their pixels are at `positions` (row * columns + column), belong to
// particle `labels` and are expected to have the opacity `expected`: adds to `reading` of each
// particle the sum of expected * reading of its pixels, and to `variance` that of expected^2 * the
// variance of a reading, which is given for each block.
template <class T>
void particle_readings(Image<const T> in, Image<const float> background, Image<const float> gain,
                       Image<const float> block_variance, std::ptrdiff_t side, float lowest,
                       const std::int64_t* positions, const std::int32_t* labels,
                       const float* expected, std::ptrdiff_t pixels, double* reading,
                       double* variance);

}  // namespace dustbust
