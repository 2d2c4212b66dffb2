#include "image/block_grid.hpp"

#include <algorithm>
#include <cmath>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"

namespace dustbust {

namespace {

// From the middle of one block to that of the next the line is straight: no pixel looks up where it
// is.
TARGET_CLONES
void expand_row(const float* upper, const float* lower, float down, const float* fraction,
                std::ptrdiff_t side, std::ptrdiff_t blocks, std::ptrdiff_t columns, float* between,
                float* out) {
    for (std::ptrdiff_t x = 0; x < blocks; ++x)
        between[x] = upper[x] + (lower[x] - upper[x]) * down;
    for (std::ptrdiff_t block = 0, x = 0; block <= blocks; ++block) {
        const float left = between[block > 0 ? block - 1 : 0],
                    step = between[block < blocks ? block : blocks - 1] - left;
        for (const std::ptrdiff_t end = std::min(block * side + side / 2, columns); x < end; ++x)
            out[x] = left + step * fraction[x];
    }
}

TARGET_CLONES
void square_row(const float* in, const float* background, float limit, std::ptrdiff_t columns,
                float* out) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        float off = std::fabs(in[x] - background[x]);
        off = off > limit ? limit : off;
        out[x] = off * off;
    }
}

// Add a row, block by block; `count` is left alone when all pixels count.
void gather_row(const float* in, const std::uint8_t* known, std::ptrdiff_t columns,
                std::ptrdiff_t side, float* sum, float* count) {
    for (std::ptrdiff_t x = 0, block = 0; x < columns; ++block) {
        const std::ptrdiff_t end = std::min(x + side, columns);
        float total = 0, found = 0;
        if (known) {
            for (; x < end; ++x) {
                total += known[x] ? in[x] : 0.0f;
                found += known[x] ? 1.0f : 0.0f;
            }
            count[block] += found;
        } else {
            for (; x < end; ++x) total += in[x];
        }
        sum[block] += total;
    }
}

// `row(y)` gives the values of a row; calls finish(block row, sums, counts).
template <class MakeRow, class Finish>
void each_block_row(Image<const float> in, Image<const std::uint8_t> known, std::ptrdiff_t side,
                    std::ptrdiff_t every, int threads, MakeRow make_row, Finish finish) {
    const std::ptrdiff_t block_rows = (in.rows + side - 1) / side,
                         block_columns = (in.columns + side - 1) / side;
    split_over_threads(block_rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        auto row = make_row();
        std::vector<float> sum(block_columns), count(block_columns);
        for (std::ptrdiff_t block = begin; block < end; ++block) {
            const std::ptrdiff_t top = block * side, bottom = std::min(top + side, in.rows);
            std::fill(sum.begin(), sum.end(), 0.0f);
            std::fill(count.begin(), count.end(), 0.0f);
            for (std::ptrdiff_t y = top; y < bottom; y += every)
                gather_row(row(y), known.data ? known.row(y) : nullptr, in.columns, side,
                           sum.data(), count.data());
            for (std::ptrdiff_t x = 0; x < block_columns; ++x) {
                const std::ptrdiff_t used_rows = (bottom - top + every - 1) / every;
                const float pixels = static_cast<float>(
                    used_rows * (std::min((x + 1) * side, in.columns) - x * side));
                finish(block, x, sum[x], known.data ? count[x] : pixels, pixels);
            }
        }
    });
}

}  // namespace

GridPlaces::GridPlaces(std::ptrdiff_t pixels, std::ptrdiff_t blocks, std::ptrdiff_t side)
    : before(pixels), after(pixels), fraction(pixels) {
    for (std::ptrdiff_t i = 0; i < pixels; ++i) {
        const float at = (static_cast<float>(i) + 0.5f) / static_cast<float>(side) - 0.5f;
        const float low = std::floor(at);
        before[i] = static_cast<std::int32_t>(
            std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(low), 0, blocks - 1));
        after[i] = static_cast<std::int32_t>(
            std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(low) + 1, 0, blocks - 1));
        fraction[i] = at - low;
    }
}

GridRows::GridRows(Image<const float> coarse, std::ptrdiff_t side, const GridPlaces& down,
                   const GridPlaces& along)
    : coarse_(coarse),
      side_(side),
      down_(down),
      along_(along),
      between_(coarse.columns),
      row_(along.fraction.size()) {}

const float* GridRows::operator()(std::ptrdiff_t y) {
    expand_row(coarse_.row(down_.before[y]), coarse_.row(down_.after[y]), down_.fraction[y],
               along_.fraction.data(), side_, coarse_.columns,
               static_cast<std::ptrdiff_t>(row_.size()), between_.data(), row_.data());
    return row_.data();
}

void block_means(Image<const float> in, Image<const std::uint8_t> known, std::ptrdiff_t side,
                 Image<float> mean, Image<float> share, int threads) {
    each_block_row(
        in, known, side, 1, threads, [&] { return [&](std::ptrdiff_t y) { return in.row(y); }; },
        [&](std::ptrdiff_t y, std::ptrdiff_t x, float sum, float count, float pixels) {
            mean(y, x) = count > 0 ? sum / count : 0.0f;
            share(y, x) = count / pixels;
        });
}

void block_spread(Image<const float> in, Image<const std::uint8_t> known,
                  Image<const float> background, std::ptrdiff_t side, std::ptrdiff_t every,
                  float limit, Image<float> spread, int threads) {
    const GridPlaces down(in.rows, background.rows, side),
        along(in.columns, background.columns, side);
    each_block_row(
        in, known, side, every, threads,
        [&] {
            return [&, rows = GridRows(background, side, down, along),
                    squares = std::vector<float>(in.columns)](std::ptrdiff_t y) mutable {
                square_row(in.row(y), rows(y), limit, in.columns, squares.data());
                return static_cast<const float*>(squares.data());
            };
        },
        [&](std::ptrdiff_t y, std::ptrdiff_t x, float sum, float count, float) {
            spread(y, x) = count > 0 ? sum / count : 0.0f;
        });
}

void interpolate(Image<const float> coarse, std::ptrdiff_t side, Image<float> out, int threads) {
    const GridPlaces down(out.rows, coarse.rows, side), along(out.columns, coarse.columns, side);
    split_over_threads(out.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        GridRows rows(coarse, side, down, along);
        for (std::ptrdiff_t y = begin; y < end; ++y) std::copy_n(rows(y), out.columns, out.row(y));
    });
}

}  // namespace dustbust
