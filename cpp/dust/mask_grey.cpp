#include "dust/mask_grey.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"

namespace dustbust {
namespace {

inline std::int32_t to_steps(float value) {
    value = value > 0.0f ? value : 0.0f;  // also where it is not a number
    value = value < 1.0f ? value : 1.0f;
    return static_cast<std::int32_t>(value * MASK_STEPS + 0.5f);
}
inline std::int32_t to_steps(std::uint16_t value) { return value; }

TARGET_CLONES
void lower_row(float* opacity, const std::uint8_t* dust, float threshold, float below,
               std::ptrdiff_t columns) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        const float value = opacity[x] > 0.0f ? opacity[x] : 0.0f;
        const float lowered = value / (value + threshold) * below;
        opacity[x] = dust[x] ? value : lowered;
    }
}

TARGET_CLONES
void grey_row(const float* opacity, float scale, float rest, std::ptrdiff_t columns,
              std::uint16_t* out) {
    constexpr std::int32_t half = (MASK_STEPS + 1) / 2;
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        const float dust = opacity[x] * rest;
        const std::int32_t steps = to_steps(dust / (dust + (1.0f - opacity[x]) * scale)),
                           above = steps > half ? steps : half,
                           below = steps < half - 1 ? steps : half - 1;
        out[x] = static_cast<std::uint16_t>(opacity[x] >= scale ? above : below);
    }
}

// Vector clones cannot be templates.
#define ROUND(T)                                                                         \
    TARGET_CLONES void round_row(const T* grey, std::int32_t limit, std::int32_t coarse, \
                                 std::ptrdiff_t columns, float* out) {                   \
        const float share = 1.0f / static_cast<float>(coarse);                           \
        const std::int32_t half = coarse / 2;                                            \
        for (std::ptrdiff_t x = 0; x < columns; ++x) {                                   \
            const std::int32_t steps = to_steps(grey[x]);                                \
            const auto levels =                                                          \
                static_cast<std::int32_t>(static_cast<float>(steps + half) * share);     \
            const std::int32_t rounded = levels * coarse,                                \
                               below = rounded < limit ? rounded : limit - 1;            \
            out[x] = static_cast<float>(steps < limit ? below : steps) / MASK_STEPS;     \
        }                                                                                \
    }
ROUND(std::uint16_t)
ROUND(float)
#undef ROUND

}  // namespace

void lower_beside(Image<float> opacity, Image<const std::uint8_t> dust, float threshold,
                  float below, int threads) {
    split_over_threads(opacity.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t y = begin; y < end; ++y)
            lower_row(opacity.row(y), dust.row(y), threshold, below * threshold, opacity.columns);
    });
}

void grey_steps(Image<const float> opacity, float scale, Image<std::uint16_t> out, int threads) {
    const float rest = 1.0f - scale;
    split_over_threads(out.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t y = begin; y < end; ++y)
            grey_row(opacity.row(y), scale, rest, out.columns, out.row(y));
    });
}

template <class T>
void round_grey(Image<const T> grey, int limit, int coarse, Image<float> out, int threads) {
    split_over_threads(out.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t y = begin; y < end; ++y)
            round_row(grey.row(y), limit, coarse, out.columns, out.row(y));
    });
}

template void round_grey(Image<const std::uint16_t>, int, int, Image<float>, int);
template void round_grey(Image<const float>, int, int, Image<float>, int);

}  // namespace dustbust
