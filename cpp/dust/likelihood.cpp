#include "dust/likelihood.hpp"

#include <algorithm>
#include <cmath>

#include "base/elementary.hpp"
#include "base/parallel.hpp"
#include "base/target_clones.hpp"

namespace dustbust {
namespace {

// Differences of neighbouring pixels of a picture: noise makes even the smallest about this large.
constexpr float smallest_difference = 0.01f;

// No pair counts for more than this factor, so that products stay in the range of float.
constexpr float largest_ratio = 1e6f;

// Pixels that are compared at a time, so that their values stay in the nearest cache.
constexpr std::ptrdiff_t together = 1024;

constexpr std::int32_t clipped = 1, dusty = 2;

// One colour of all pixels: as observed, with the dust computed off, the slope of the dust's
// effect, and the flags above.
struct Colour {
    explicit Colour(std::ptrdiff_t pixels)
        : observed(pixels), restored(pixels), slope(pixels), flags(pixels) {}

    std::vector<float> observed, restored, slope;
    std::vector<std::int32_t> flags;
};

TARGET_CLONES
void restore_row(const float* observed, const float* density, const float* lift, const float* fade,
                 float faintest, std::ptrdiff_t pixels, float* __restrict restored,
                 float* __restrict slope, std::int32_t* __restrict flags) {
    constexpr auto black = static_cast<float>(BLACK), white = static_cast<float>(WHITE);
    for (std::ptrdiff_t i = 0; i < pixels; ++i) {
        const DustEffect effect({lift[i], fade[i]}, density[i]);
        restored[i] = effect.restored(observed[i]);
        slope[i] = effect.slope;
        flags[i] = (observed[i] <= black || observed[i] >= white ? clipped : 0) |
                   (density[i] > faintest ? dusty : 0);
    }
}

// The other pixels of some pairs.
struct Others {
    float observed[together], restored[together], slope[together];
    std::int32_t flags[together], alike[together];  // whether both belong to one particle
};

inline float limited(float ratio) {
    ratio = ratio > 1 / largest_ratio ? ratio : 1 / largest_ratio;
    return ratio < largest_ratio ? ratio : largest_ratio;
}

// Multiply by the roughness of each pair with the dust over that without it. A clipped value may
// have been any value beyond the limit.
TARGET_CLONES
void multiply_ratios(const float* observed, const float* restored, const float* slope,
                     const std::int32_t* flags, const Others& other, std::ptrdiff_t pixels,
                     float* ratio) {
    for (std::ptrdiff_t i = 0; i < pixels; ++i) {
        const std::int32_t either = flags[i] | other.flags[i], both = flags[i] & other.flags[i];
        float step = restored[i] - other.restored[i];
        float up = step > 0 ? step : 0.0f, down = step < 0 ? step : 0.0f;
        const float own = observed[i] > 0.5f ? up : down;
        step = flags[i] & clipped ? own : step;
        up = step > 0 ? step : 0.0f, down = step < 0 ? step : 0.0f;
        const float its = other.observed[i] > 0.5f ? down : up;
        step = other.flags[i] & clipped ? its : step;
        const float stretched = either & clipped ? 1.0f : (slope[i] + other.slope[i]) * 0.5f;
        const float found = (std::fabs(observed[i] - other.observed[i]) + smallest_difference) /
                            ((std::fabs(step) + smallest_difference) * stretched);
        const bool counts = other.alike[i] && (either & dusty) && !(both & clipped);
        ratio[i] *= counts ? limited(found) : 1.0f;
    }
}

TARGET_CLONES
void take_logarithms(const float* ratio, float share, std::ptrdiff_t pixels, float* out) {
    for (std::ptrdiff_t i = 0; i < pixels; ++i) out[i] = logarithm(ratio[i]) * share;
}

void restore(const ObservedDust& dust, int c, float faintest, std::ptrdiff_t begin,
             std::ptrdiff_t end, Colour& colour) {
    float lift[together], fade[together];
    for (std::ptrdiff_t from = begin; from < end; from += together) {
        const std::ptrdiff_t pixels = std::min(together, end - from);
        for (std::ptrdiff_t i = 0; i < pixels; ++i) {
            const Response response =
                dust.responses[dust.dark[dust.labels[from + i]] * dust.colours + c];
            lift[i] = response.lift;
            fade[i] = response.fade;
            colour.observed[from + i] = dust.observed[(from + i) * dust.colours + c];
        }
        restore_row(&colour.observed[from], dust.density + from, lift, fade, faintest, pixels,
                    &colour.restored[from], &colour.slope[from], &colour.flags[from]);
    }
}

void look_at_others(const ObservedDust& dust, const Colour& colour, int side, std::ptrdiff_t from,
                    std::ptrdiff_t pixels, Others& others) {
    for (std::ptrdiff_t i = 0; i < pixels; ++i) {
        const std::int32_t at = dust.neighbours[4 * (from + i) + side];
        const std::ptrdiff_t j = at >= 0 ? at : from + i;
        others.observed[i] = colour.observed[j];
        others.restored[i] = colour.restored[j];
        others.slope[i] = colour.slope[j];
        others.flags[i] = colour.flags[j];
        others.alike[i] = at >= 0 && dust.labels[j] == dust.labels[from + i];
    }
}

}  // namespace

std::vector<float> roughness(const ObservedDust& dust, float faintest, int threads) {
    std::vector<Colour> colours(dust.colours, Colour(dust.pixels));
    split_over_threads(dust.pixels, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (int c = 0; c < dust.colours; ++c) restore(dust, c, faintest, begin, end, colours[c]);
    });
    std::vector<float> ratios(dust.pixels);
    split_over_threads(dust.pixels, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        Others others;
        float ratio[together];  // of all colours and both pairs: one logarithm is taken of all
        for (std::ptrdiff_t from = begin; from < end; from += together) {
            const std::ptrdiff_t pixels = std::min(together, end - from);
            std::fill_n(ratio, pixels, 1.0f);
            for (const Colour& colour : colours)
                for (int side = 2; side < 4; ++side) {
                    look_at_others(dust, colour, side, from, pixels, others);
                    multiply_ratios(&colour.observed[from], &colour.restored[from],
                                    &colour.slope[from], &colour.flags[from], others, pixels,
                                    ratio);
                }
            take_logarithms(ratio, 1.0f / static_cast<float>(dust.colours), pixels, &ratios[from]);
        }
    });
    return ratios;
}

}  // namespace dustbust
