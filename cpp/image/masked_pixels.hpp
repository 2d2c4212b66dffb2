// The set pixels of a mask as a list, and the place of a pixel in it: with it the cost of a repair
// follows the dust and not the picture.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/image.hpp"
#include "image/mask_runs.hpp"

namespace dustbust {

// How many bits of a word are set: H. S. Warren, Hacker's Delight, 2nd edition, 5-1.
inline int count_bits(std::uint64_t word) {
    word -= word >> 1 & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return static_cast<int>(word * 0x0101010101010101u >> 56);
}

class MaskedPixels {
public:
    // `mask`: bytes that are 0 or 1.
    explicit MaskedPixels(Image<const std::uint8_t> mask)
        : MaskedPixels(positions_in(mask), mask.rows, mask.columns) {}

    // The pixels at row * columns + column, ascending, of a picture of this size.
    MaskedPixels(std::vector<std::int64_t> positions, std::ptrdiff_t rows, std::ptrdiff_t columns)
        : rows_(rows),
          columns_(columns),
          words_(rows * columns / 64 + 1),
          positions_(std::move(positions)) {
        for (const std::int64_t at : positions_)
            words_[at / 64].bits |= std::uint64_t{1} << at % 64;
        std::int32_t before = 0;
        for (Word& word : words_) {
            word.before = before;
            before += count_bits(word.bits);
        }
    }

    // row * columns + column of each pixel, in that order.
    const std::vector<std::int64_t>& positions() const { return positions_; }
    std::ptrdiff_t rows() const { return rows_; }
    std::ptrdiff_t columns() const { return columns_; }
    std::ptrdiff_t size() const { return static_cast<std::ptrdiff_t>(positions_.size()); }

    bool contains(std::ptrdiff_t y, std::ptrdiff_t x) const {
        const std::ptrdiff_t at = y * columns_ + x;
        return words_[at / 64].bits >> at % 64 & 1;
    }

    // Place of a pixel in the list, or -1.
    std::ptrdiff_t operator()(std::ptrdiff_t y, std::ptrdiff_t x) const {
        const std::ptrdiff_t at = y * columns_ + x;
        const Word& word = words_[at / 64];
        const std::uint64_t bit = std::uint64_t{1} << at % 64;
        return word.bits & bit ? word.before + count_bits(word.bits & (bit - 1)) : -1;
    }

private:
    // 64 pixels, and how many of those before them are set.
    struct Word {
        std::uint64_t bits = 0;
        std::int64_t before = 0;
    };

    static std::vector<std::int64_t> positions_in(Image<const std::uint8_t> mask) {
        std::vector<std::int64_t> positions;
        each_run(mask.data, mask.rows * mask.columns,
                 [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                     for (std::ptrdiff_t at = begin; at < end; ++at) positions.push_back(at);
                 });
        return positions;
    }

    std::ptrdiff_t rows_, columns_;
    std::vector<Word> words_;
    std::vector<std::int64_t> positions_;
};

}  // namespace dustbust
