#include "estimation/opacity_readings.hpp"

#include "base/parallel.hpp"
#include "base/target_clones.hpp"
#include "image/block_grid.hpp"

namespace dustbust {
namespace {

inline float clipped(float reading, float lowest, float highest) {
    reading = reading > lowest ? reading : lowest;  // also where it is not a number
    return reading > highest ? highest : reading;
}

// A reading, given in steps, times its weight. It is rounded by the shift to positive numbers and
// back: a cast alone would round towards zero.
inline std::int32_t weighted(float steps, float weight) {
    const auto whole =
        static_cast<std::int32_t>(steps + (READING_STEPS + 0.5f)) - std::int32_t{READING_STEPS};
    return whole * static_cast<std::int32_t>(weight + 0.5f);
}

// Vector clones cannot be templates, so each is made for each type of pixel and of sum.
#define FOR_EACH_PAIR                 \
    ROWS(std::uint8_t, std::int32_t)  \
    ROWS(std::uint16_t, std::int32_t) \
    ROWS(float, std::int32_t)         \
    ROWS(std::uint8_t, std::int64_t)  \
    ROWS(std::uint16_t, std::int64_t) \
    ROWS(float, std::int64_t)

// `gain` is in steps, for values of the type of `in`.
#define ROWS(T, Sum)                                                                             \
    TARGET_CLONES void add_row(const T* in, GridLine background, GridLine gain, GridLine weight, \
                               float lowest, int sign, std::ptrdiff_t columns, Sum* sum) {       \
        for (std::ptrdiff_t x = 0; x < columns; ++x) {                                           \
            const float reading = clipped((static_cast<float>(in[x]) - background(x)) * gain(x), \
                                          lowest, static_cast<float>(READING_STEPS));            \
            sum[x] += sign * weighted(reading, weight(x));                                       \
        }                                                                                        \
    }
FOR_EACH_PAIR
#undef ROWS

// Where there is no data the weight is added to `missing`, and no reading.
template <class T, class Sum>
void add_row_with_gaps(const T* in, const std::uint8_t* has_data, GridLine background,
                       GridLine gain, GridLine weight, float lowest, int sign,
                       std::ptrdiff_t columns, Sum* sum, Sum* missing) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        if (has_data[x]) {
            const float reading = clipped((static_cast<float>(in[x]) - background(x)) * gain(x),
                                          lowest, static_cast<float>(READING_STEPS));
            sum[x] += sign * weighted(reading, weight(x));
        } else {
            missing[x] += sign * static_cast<std::int32_t>(weight(x) + 0.5f);
        }
    }
}

}  // namespace

namespace {

// The coarse quantities of a frame, row by row.
struct CoarseRows {
    template <class T>
    CoarseRows(const FrameToRead<T>& frame, std::ptrdiff_t side, const GridPlaces& down,
               const GridPlaces& along)
        : background(frame.background, side, down, along, largest_value<T>),
          gain(frame.gain, side, down, along, READING_STEPS / largest_value<T>),
          weight(frame.weight, side, down, along) {}

    GridRows background, gain, weight;
};

}  // namespace

template <class T, class Sum>
void add_readings(const std::vector<FrameToRead<T>>& frames, std::ptrdiff_t side, float lowest,
                  Image<Sum> sum, Image<Sum> missing, int threads) {
    const Image<const float> coarse = frames[0].background;
    const GridPlaces down(sum.rows, coarse.rows, side), along(sum.columns, coarse.columns, side);
    const float limit = lowest * READING_STEPS;
    split_over_threads(sum.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        std::vector<CoarseRows> rows;
        rows.reserve(frames.size());
        for (const auto& frame : frames) rows.emplace_back(frame, side, down, along);
        for (std::ptrdiff_t y = begin; y < end; ++y)
            for (std::size_t k = 0; k < frames.size(); ++k) {
                const FrameToRead<T>& frame = frames[k];
                const auto b = rows[k].background.line(y), g = rows[k].gain.line(y),
                           w = rows[k].weight.line(y);
                if (frame.has_data.data)
                    add_row_with_gaps(frame.in.row(y), frame.has_data.row(y), b, g, w, limit,
                                      frame.sign, sum.columns, sum.row(y), missing.row(y));
                else add_row(frame.in.row(y), b, g, w, limit, frame.sign, sum.columns, sum.row(y));
            }
    });
}

#define ROWS(T, Sum)                                                                      \
    template void add_readings(const std::vector<FrameToRead<T>>&, std::ptrdiff_t, float, \
                               Image<Sum>, Image<Sum>, int);
FOR_EACH_PAIR
#undef ROWS

template <class T>
void particle_readings(Image<const T> in, Image<const float> background, Image<const float> gain,
                       Image<const float> block_variance, std::ptrdiff_t side, float lowest,
                       const std::int64_t* positions, const std::int32_t* labels,
                       const float* expected, std::ptrdiff_t pixels, double* reading,
                       double* variance) {
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
        const float value = static_cast<float>(in.data[positions[k]]) / largest_value<T>;
        reading[labels[k]] +=
            expected[k] * clipped((value - between(background)) * between(gain), lowest, 1.0f);
        variance[labels[k]] += expected[k] * expected[k] * block_variance(y / side, x / side);
    }
}

#define READINGS(T)                                                                         \
    template void particle_readings(Image<const T>, Image<const float>, Image<const float>, \
                                    Image<const float>, std::ptrdiff_t, float,              \
                                    const std::int64_t*, const std::int32_t*, const float*, \
                                    std::ptrdiff_t, double*, double*);
READINGS(std::uint8_t)
READINGS(std::uint16_t)
READINGS(float)
#undef READINGS

}  // namespace dustbust
