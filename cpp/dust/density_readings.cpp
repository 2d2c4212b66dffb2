#include "dust/density_readings.hpp"

#include <algorithm>
#include <cmath>

#include "base/elementary.hpp"
#include "base/parallel.hpp"
#include "base/target_clones.hpp"

namespace dustbust {
namespace {

constexpr std::ptrdiff_t together = 1024;

TARGET_CLONES
void read_row(const float* observed, const float* filled, const float* spread, const float* lift,
              const float* fade, std::ptrdiff_t pixels, float* __restrict density,
              float* __restrict weight) {
    constexpr auto slowest = static_cast<float>(SLOWEST),
                   smallest_fade = static_cast<float>(SMALLEST_FADE),
                   least_passing = static_cast<float>(LEAST_PASSING);
    for (std::ptrdiff_t i = 0; i < pixels; ++i) {
        const float least = slowest * lift[i], fall = lift[i] - fade[i] * filled[i],
                    speed = fall > least ? fall : least,
                    used = std::fabs(fade[i]) < smallest_fade ? smallest_fade : fade[i];
        float passing = 1.0f - used * (observed[i] - filled[i]) / speed;
        passing = passing > least_passing ? passing : least_passing;
        density[i] = -logarithm(passing) / used;
        const float certainty = speed / spread[i];
        weight[i] = certainty * certainty;
    }
}

TARGET_CLONES
void weigh_clipped(const float* observed, float share, std::ptrdiff_t pixels, float* weight) {
    constexpr auto black = static_cast<float>(BLACK), white = static_cast<float>(WHITE);
    for (std::ptrdiff_t i = 0; i < pixels; ++i) {
        const bool usable = observed[i] > black && observed[i] < white;
        weight[i] *= usable ? 1.0f : share;
    }
}

// A value that should be clipped but is not would make the dust too faint.
TARGET_CLONES
void weigh_predicted(const float* observed, const float* filled, const float* expected,
                     const float* lift, const float* fade, float share, std::ptrdiff_t pixels,
                     float* weight) {
    constexpr auto black = static_cast<float>(BLACK), white = static_cast<float>(WHITE);
    for (std::ptrdiff_t i = 0; i < pixels; ++i) {
        const DustEffect effect({lift[i], fade[i]}, expected[i]);
        const float predicted = effect.offset + effect.slope * filled[i];
        const bool usable = observed[i] > black && observed[i] < white && predicted > black / 2 &&
                            predicted < (1 + white) / 2;
        weight[i] *= usable ? 1.0f : share;
    }
}

}  // namespace

void density_readings(const ObservedDust& dust, const float* filled, const float* spread,
                      float weight_of_clipped, float* density, float* weight, int threads) {
    split_over_threads(dust.pixels, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        float lift[together], fade[together];
        for (std::ptrdiff_t from = begin; from < end; from += together) {
            const std::ptrdiff_t pixels = std::min(together, end - from);
            for (std::ptrdiff_t i = 0; i < pixels; ++i) {
                const Response response = dust.responses[dust.dark[dust.labels[from + i]]];
                lift[i] = response.lift;
                fade[i] = response.fade;
            }
            const float* const observed = dust.observed + from;
            read_row(observed, filled + from, spread + from, lift, fade, pixels, density + from,
                     weight + from);
            if (dust.density)
                weigh_predicted(observed, filled + from, dust.density + from, lift, fade,
                                weight_of_clipped, pixels, weight + from);
            else weigh_clipped(observed, weight_of_clipped, pixels, weight + from);
        }
    });
}

}  // namespace dustbust
