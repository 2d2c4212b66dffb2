// Readings of the dust: how far each pixel of a frame stands out from a coarse background.
//
// What is smooth (background, gain, weight) lives on a coarse grid: one number for each block of side x side pixels,
// in its middle, with straight lines between. A picture of H x W pixels has ceil(H / side) x ceil(W / side) blocks.
#pragma once

#include <cstdint>

#include "image.hpp"

namespace dustbust {

// Mean of each block over the pixels where `known` is not 0 (all, if known.data is null); `share`: how many of the
// block's pixels those are, 0..1. The mean of a block without any is 0.
void block_means(Image<const float> in, Image<const std::uint8_t> known, std::ptrdiff_t side,
                 Image<float> mean, Image<float> share, int threads);

// Mean of each block of min(|in - background|, limit)^2, over the same pixels of every `every`-th of its rows.
void block_spread(Image<const float> in, Image<const std::uint8_t> known, Image<const float> background, std::ptrdiff_t side,
                  std::ptrdiff_t every, float limit, Image<float> spread, int threads);

// Readings are in steps of 1 / READING_STEPS, so that sums of readings are whole numbers and do not depend on their order.
constexpr int READING_STEPS = 4096;

// Add weight * reading to `sum`, reading = clip((in - background) * gain, lowest, 1).
// `weight` holds whole numbers, 0 to 65535: its sum over the frames, between the blocks interpolated like the weight itself,
// is what `sum` is to be divided by. sum / (READING_STEPS * weight) is the mean reading. `times` 1 adds a frame, -1 takes it out again.
// Pixels where `seen` is 0 (none, if seen.data is null) add their weight to `unseen` instead, which is to be taken off.
void add_readings(Image<const float> in, Image<const std::uint8_t> seen, Image<const float> background, Image<const float> gain,
                  Image<const float> weight, std::ptrdiff_t side, float lowest, int times, Image<std::int64_t> sum, Image<std::int64_t> unseen,
                  int threads);

// Readings of whole particles. Their pixels are at `positions` (row * columns + column), belong to particle `labels` and are expected
// to have the opacity `expected`: adds to `reading` of each particle the sum of expected * reading of its pixels, and to `variance`
// that of expected^2 * the variance of a reading, which is given for each block.
void particle_readings(Image<const float> in, Image<const float> background, Image<const float> gain, Image<const float> block_variance,
                       std::ptrdiff_t side, float lowest, const std::int64_t* positions, const std::int32_t* labels, const float* expected,
                       std::ptrdiff_t pixels, double* reading, double* variance);

// A coarse grid at every pixel of `out`.
void interpolate(Image<const float> coarse, std::ptrdiff_t side, Image<float> out, int threads);

}  // namespace dustbust
