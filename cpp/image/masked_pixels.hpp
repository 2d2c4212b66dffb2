// The set pixels of a mask as a list, and the place of a pixel in it: with it the cost of a repair
// follows the dust and not the picture.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"
#include "base/lazy_zeros.hpp"
#include "image/mask_runs.hpp"

namespace dustbust {

class MaskedPixels {
public:
    // `mask`: bytes that are 0 or 1.
    explicit MaskedPixels(Image<const std::uint8_t> mask)
        : columns_(mask.columns), place_(mask.rows * mask.columns) {
        each_run(mask.data, mask.rows * mask.columns,
                 [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                     for (std::ptrdiff_t at = begin; at < end; ++at) {
                         positions_.push_back(at);
                         place_[at] = static_cast<std::int32_t>(positions_.size());
                     }
                 });
    }

    // row * columns + column of each pixel, in that order.
    const std::vector<std::int64_t>& positions() const { return positions_; }
    std::ptrdiff_t size() const { return static_cast<std::ptrdiff_t>(positions_.size()); }

    // Place of a pixel in the list, or -1.
    std::ptrdiff_t operator()(std::ptrdiff_t y, std::ptrdiff_t x) const {
        return place_[y * columns_ + x] - 1;
    }

private:
    std::ptrdiff_t columns_;
    LazyZeros<std::int32_t> place_;
    std::vector<std::int64_t> positions_;
};

}  // namespace dustbust
