// Maps of opacity from the sums of readings: their noise, the map without grain, and the pixels
// that stand out of the noise. A map is made a few rows at a time where that is enough.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"
#include "image/block_grid.hpp"

namespace dustbust {

// The sums of `add_readings` over a run. `missing`: weights of the frames without data at a pixel;
// missing.data may be null.
template <class Sum>
struct ReadingSums {
    Image<const Sum> readings;
    Image<const float> weights;
    std::ptrdiff_t side;
    Image<const Sum> missing;
};

// Median of the absolute values of each tile of `tile` x `tile` px, (rows / tile, columns / tile),
// from every `every`-th of its rows and columns.
void tile_medians(Image<const float> map, std::ptrdiff_t tile, std::ptrdiff_t every,
                  Image<float> medians, int threads);

// The same of the detail of a map: its difference from the mean of 3 x 3 pixels, weighted 1, 2, 1
// in each direction.
void detail_medians(Image<const float> map, std::ptrdiff_t tile, std::ptrdiff_t every,
                    Image<float> medians, int threads);
template <class Sum>
void detail_medians(const ReadingSums<Sum>& sums, std::ptrdiff_t tile, std::ptrdiff_t every,
                    Image<float> medians, int threads);

// The map less the part of its detail that does not stand out of `floor`, which is given for each
// tile: of a detail d the share d^2 / (d^2 + floor^2) is kept.
void denoise(Image<const float> map, Image<const float> floor, std::ptrdiff_t tile,
             Image<float> out, int threads);
template <class Sum>
void denoise(const ReadingSums<Sum>& sums, Image<const float> floor, std::ptrdiff_t tile,
             Image<float> out, int threads);

// The map itself: the mean reading of each pixel.
template <class Sum>
void mean_readings(const ReadingSums<Sum>& sums, Image<float> out, int threads);

// 1 where a map is larger than `floor`, which is given for each tile, and than `least`.
void stands_out(Image<const float> map, Image<const float> floor, std::ptrdiff_t tile, float least,
                Image<std::uint8_t> out, int threads);

}  // namespace dustbust
