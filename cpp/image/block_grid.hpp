// A coarse grid over a picture: one number for each block of side x side pixels, in its middle,
// with straight lines between. A picture of H x W pixels has ceil(H / side) x ceil(W / side)
// blocks.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"

namespace dustbust {

// The places of the pixels of a line between the middles of the blocks.
struct GridPlaces {
    std::vector<std::int32_t> before, after;
    std::vector<float> fraction;

    GridPlaces(std::ptrdiff_t pixels, std::ptrdiff_t blocks, std::ptrdiff_t side);
};

// A row of pixels between two rows of blocks.
struct GridLine {
    const float *from, *change;
    float part;

    float operator()(std::ptrdiff_t x) const { return from[x] + change[x] * part; }
};

// The rows of a coarse grid, times `scale`, at full width, one after the other.
class GridRows {
public:
    GridRows(Image<const float> coarse, std::ptrdiff_t side, const GridPlaces& down,
             const GridPlaces& along, float scale = 1.0f);

    // Valid until the next call.
    GridLine line(std::ptrdiff_t y);

private:
    void expand(std::ptrdiff_t row, std::vector<float>& out);

    Image<const float> coarse_;
    std::ptrdiff_t side_;
    const GridPlaces& down_;
    const GridPlaces& along_;
    float scale_;
    std::ptrdiff_t before_ = -1, after_ = -1;  // rows of blocks that are in `upper_`, `lower_`
    std::vector<float> scaled_, upper_, lower_, change_;
};

// Mean of each block over the pixels where `known` is not 0 (all, if known.data is null; it has the
// size of `in`), in 0..1; `share`: the share of such pixels in the block, 0..1. The mean of a block
// without any is 0.
template <class T>
void block_means(Image<const T> in, Image<const std::uint8_t> known, std::ptrdiff_t side,
                 Image<float> mean, Image<float> share, int threads);

// Mean of each block of min(|in - background|, limit)^2, over the same pixels of every `every`-th
// of its rows. Background and limit are in 0..1.
template <class T>
void block_spread(Image<const T> in, Image<const std::uint8_t> known, Image<const float> background,
                  std::ptrdiff_t side, std::ptrdiff_t every, float limit, Image<float> spread,
                  int threads);

// A coarse grid at every pixel of `out`.
void interpolate(Image<const float> coarse, std::ptrdiff_t side, Image<float> out, int threads);

}  // namespace dustbust
