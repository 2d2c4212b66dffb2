#include "estimation/opacity_readings.hpp"

#include <vector>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"
#include "image/block_grid.hpp"

namespace dustbust {
namespace {

inline float clipped(float reading, float lowest) {
    reading = reading > lowest ? reading : lowest;  // also where it is not a number
    return reading > 1.0f ? 1.0f : reading;
}

TARGET_CLONES
void add_row(const float* in, const float* background, const float* gain, const float* weight,
             float lowest, int sign, std::ptrdiff_t columns, std::int64_t* sum) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        const float reading = clipped((in[x] - background[x]) * gain[x], lowest);
        // Rounded by the shift from and back to non-negative numbers: a cast alone would round
        // towards zero.
        const auto steps =
            static_cast<std::int32_t>((reading + 1.0f) * READING_STEPS + 0.5f) - READING_STEPS;
        sum[x] += sign * steps * static_cast<std::int32_t>(weight[x] + 0.5f);
    }
}

// Where there is no data the weight is added to `missing`, and no reading.
void leave_out(const float* weight, const std::uint8_t* has_data, int sign, std::ptrdiff_t columns,
               float* kept, std::int64_t* missing) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        kept[x] = has_data[x] ? weight[x] : 0.0f;
        if (!has_data[x]) missing[x] += sign * static_cast<std::int32_t>(weight[x] + 0.5f);
    }
}

}  // namespace

void add_readings(Image<const float> in, Image<const std::uint8_t> has_data,
                  Image<const float> background, Image<const float> gain, Image<const float> weight,
                  std::ptrdiff_t side, float lowest, int sign, Image<std::int64_t> sum,
                  Image<std::int64_t> missing, int threads) {
    const GridPlaces down(in.rows, background.rows, side),
        along(in.columns, background.columns, side);
    split_over_threads(in.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        GridRows backgrounds(background, side, down, along), gains(gain, side, down, along),
            weights(weight, side, down, along);
        std::vector<float> kept(has_data.data ? in.columns : 0);
        for (std::ptrdiff_t y = begin; y < end; ++y) {
            const float* row = weights(y);
            if (has_data.data) {
                leave_out(row, has_data.row(y), sign, in.columns, kept.data(), missing.row(y));
                row = kept.data();
            }
            add_row(in.row(y), backgrounds(y), gains(y), row, lowest, sign, in.columns, sum.row(y));
        }
    });
}

void particle_readings(Image<const float> in, Image<const float> background,
                       Image<const float> gain, Image<const float> block_variance,
                       std::ptrdiff_t side, float lowest, const std::int64_t* positions,
                       const std::int32_t* labels, const float* expected, std::ptrdiff_t pixels,
                       double* reading, double* variance) {
    const GridPlaces down(in.rows, background.rows, side),
        along(in.columns, background.columns, side);
    for (std::ptrdiff_t k = 0; k < pixels; ++k) {
        const std::ptrdiff_t y = positions[k] / in.columns, x = positions[k] % in.columns;
        const auto between = [&](Image<const float> coarse) {
            const float* upper = coarse.row(down.before[y]);
            const float* lower = coarse.row(down.after[y]);
            const float left = upper[along.before[x]] +
                               (lower[along.before[x]] - upper[along.before[x]]) * down.fraction[y];
            const float right = upper[along.after[x]] +
                                (lower[along.after[x]] - upper[along.after[x]]) * down.fraction[y];
            return left + (right - left) * along.fraction[x];
        };
        reading[labels[k]] +=
            expected[k] *
            clipped((in.data[positions[k]] - between(background)) * between(gain), lowest);
        variance[labels[k]] += expected[k] * expected[k] * block_variance(y / side, x / side);
    }
}

}  // namespace dustbust
