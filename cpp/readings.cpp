#include "readings.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "parallel.hpp"
#include "vector_clones.hpp"

namespace dustbust {

namespace {

// Where between the blocks the pixels of a line stand.
struct Places {
    std::vector<std::int32_t> before, after;
    std::vector<float> fraction;

    Places(std::ptrdiff_t pixels, std::ptrdiff_t blocks, std::ptrdiff_t side) : before(pixels), after(pixels), fraction(pixels) {
        for (std::ptrdiff_t i = 0; i < pixels; ++i) {
            const float at = (static_cast<float>(i) + 0.5f) / static_cast<float>(side) - 0.5f;
            const float low = std::floor(at);
            before[i] = static_cast<std::int32_t>(std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(low), 0, blocks - 1));
            after[i] = static_cast<std::int32_t>(std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(low) + 1, 0, blocks - 1));
            fraction[i] = at - low;
        }
    }
};

// From the middle of one block to that of the next the line is straight: no pixel looks up where it is.
VECTOR_CLONES
void expand_row(const float* upper, const float* lower, float down, const float* fraction, std::ptrdiff_t side, std::ptrdiff_t blocks,
                std::ptrdiff_t columns, float* between, float* out) {
    for (std::ptrdiff_t x = 0; x < blocks; ++x) between[x] = upper[x] + (lower[x] - upper[x]) * down;
    for (std::ptrdiff_t block = 0, x = 0; block <= blocks; ++block) {
        const float left = between[block > 0 ? block - 1 : 0], step = between[block < blocks ? block : blocks - 1] - left;
        for (const std::ptrdiff_t end = std::min(block * side + side / 2, columns); x < end; ++x) out[x] = left + step * fraction[x];
    }
}

// The rows of a coarse grid at full width, one after the other.
class Rows {
public:
    Rows(Image<const float> coarse, std::ptrdiff_t side, const Places& down, const Places& along)
        : coarse_(coarse), side_(side), down_(down), along_(along), between_(coarse.columns), row_(along.fraction.size()) {}

    const float* operator()(std::ptrdiff_t y) {
        expand_row(coarse_.row(down_.before[y]), coarse_.row(down_.after[y]), down_.fraction[y], along_.fraction.data(), side_,
                   coarse_.columns, static_cast<std::ptrdiff_t>(row_.size()), between_.data(), row_.data());
        return row_.data();
    }

private:
    Image<const float> coarse_;
    std::ptrdiff_t side_;
    const Places& down_;
    const Places& along_;
    std::vector<float> between_, row_;
};

inline float clipped(float reading, float lowest) {
    reading = reading < lowest ? lowest : reading;
    return reading > 1.0f ? 1.0f : reading;
}

VECTOR_CLONES
void add_row(const float* in, const float* background, const float* gain, const float* weight, float lowest, int times,
             std::ptrdiff_t columns, std::int64_t* sum) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        const float reading = clipped((in[x] - background[x]) * gain[x], lowest);
        // Rounded by the shift from and back to non-negative numbers: a cast alone would round towards zero.
        const auto steps = static_cast<std::int32_t>((reading + 1.0f) * READING_STEPS + 0.5f) - READING_STEPS;
        sum[x] += times * steps * static_cast<std::int32_t>(weight[x] + 0.5f);
    }
}

// Where there is no data the weight is added to `unseen`, and no reading.
void leave_out(const float* weight, const std::uint8_t* seen, int times, std::ptrdiff_t columns, float* kept, std::int64_t* unseen) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        kept[x] = seen[x] ? weight[x] : 0.0f;
        if (!seen[x]) unseen[x] += times * static_cast<std::int32_t>(weight[x] + 0.5f);
    }
}

VECTOR_CLONES
void square_row(const float* in, const float* background, float limit, std::ptrdiff_t columns, float* out) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        float off = std::fabs(in[x] - background[x]);
        off = off > limit ? limit : off;
        out[x] = off * off;
    }
}

// Add a row, block by block; `count` is left alone when all pixels count.
void gather_row(const float* in, const std::uint8_t* known, std::ptrdiff_t columns, std::ptrdiff_t side, float* sum, float* count) {
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
void each_block_row(Image<const float> in, Image<const std::uint8_t> known, std::ptrdiff_t side, std::ptrdiff_t every, int threads,
                    MakeRow make_row, Finish finish) {
    const std::ptrdiff_t block_rows = (in.rows + side - 1) / side, block_columns = (in.columns + side - 1) / side;
    split_over_threads(block_rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        auto row = make_row();
        std::vector<float> sum(block_columns), count(block_columns);
        for (std::ptrdiff_t block = begin; block < end; ++block) {
            const std::ptrdiff_t top = block * side, bottom = std::min(top + side, in.rows);
            std::fill(sum.begin(), sum.end(), 0.0f);
            std::fill(count.begin(), count.end(), 0.0f);
            for (std::ptrdiff_t y = top; y < bottom; y += every)
                gather_row(row(y), known.data ? known.row(y) : nullptr, in.columns, side, sum.data(), count.data());
            for (std::ptrdiff_t x = 0; x < block_columns; ++x) {
                const float pixels = static_cast<float>(((bottom - top + every - 1) / every) * (std::min((x + 1) * side, in.columns) - x * side));
                finish(block, x, sum[x], known.data ? count[x] : pixels, pixels);
            }
        }
    });
}

}  // namespace

void block_means(Image<const float> in, Image<const std::uint8_t> known, std::ptrdiff_t side,
                 Image<float> mean, Image<float> share, int threads) {
    each_block_row(in, known, side, 1, threads, [&] { return [&](std::ptrdiff_t y) { return in.row(y); }; },
                   [&](std::ptrdiff_t y, std::ptrdiff_t x, float sum, float count, float pixels) {
                       mean(y, x) = count > 0 ? sum / count : 0.0f;
                       share(y, x) = count / pixels;
                   });
}

void block_spread(Image<const float> in, Image<const std::uint8_t> known, Image<const float> background, std::ptrdiff_t side,
                  std::ptrdiff_t every, float limit, Image<float> spread, int threads) {
    const Places down(in.rows, background.rows, side), along(in.columns, background.columns, side);
    each_block_row(in, known, side, every, threads,
                   [&] {
                       return [&, rows = Rows(background, side, down, along), squares = std::vector<float>(in.columns)](std::ptrdiff_t y) mutable {
                           square_row(in.row(y), rows(y), limit, in.columns, squares.data());
                           return static_cast<const float*>(squares.data());
                       };
                   },
                   [&](std::ptrdiff_t y, std::ptrdiff_t x, float sum, float count, float) {
                       spread(y, x) = count > 0 ? sum / count : 0.0f;
                   });
}

void add_readings(Image<const float> in, Image<const std::uint8_t> seen, Image<const float> background, Image<const float> gain,
                  Image<const float> weight, std::ptrdiff_t side, float lowest, int times, Image<std::int64_t> sum, Image<std::int64_t> unseen,
                  int threads) {
    const Places down(in.rows, background.rows, side), along(in.columns, background.columns, side);
    split_over_threads(in.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        Rows backgrounds(background, side, down, along), gains(gain, side, down, along), weights(weight, side, down, along);
        std::vector<float> kept(seen.data ? in.columns : 0);
        for (std::ptrdiff_t y = begin; y < end; ++y) {
            const float* row = weights(y);
            if (seen.data) {
                leave_out(row, seen.row(y), times, in.columns, kept.data(), unseen.row(y));
                row = kept.data();
            }
            add_row(in.row(y), backgrounds(y), gains(y), row, lowest, times, in.columns, sum.row(y));
        }
    });
}

void particle_readings(Image<const float> in, Image<const float> background, Image<const float> gain, Image<const float> block_variance,
                       std::ptrdiff_t side, float lowest, const std::int64_t* positions, const std::int32_t* labels, const float* expected,
                       std::ptrdiff_t pixels, double* reading, double* variance) {
    const Places down(in.rows, background.rows, side), along(in.columns, background.columns, side);
    for (std::ptrdiff_t k = 0; k < pixels; ++k) {
        const std::ptrdiff_t y = positions[k] / in.columns, x = positions[k] % in.columns;
        const auto between = [&](Image<const float> coarse) {
            const float* upper = coarse.row(down.before[y]);
            const float* lower = coarse.row(down.after[y]);
            const float left = upper[along.before[x]] + (lower[along.before[x]] - upper[along.before[x]]) * down.fraction[y];
            const float right = upper[along.after[x]] + (lower[along.after[x]] - upper[along.after[x]]) * down.fraction[y];
            return left + (right - left) * along.fraction[x];
        };
        reading[labels[k]] += expected[k] * clipped((in.data[positions[k]] - between(background)) * between(gain), lowest);
        variance[labels[k]] += expected[k] * expected[k] * block_variance(y / side, x / side);
    }
}

void interpolate(Image<const float> coarse, std::ptrdiff_t side, Image<float> out, int threads) {
    const Places down(out.rows, coarse.rows, side), along(out.columns, coarse.columns, side);
    split_over_threads(out.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        Rows rows(coarse, side, down, along);
        for (std::ptrdiff_t y = begin; y < end; ++y) std::copy_n(rows(y), out.columns, out.row(y));
    });
}

}  // namespace dustbust
