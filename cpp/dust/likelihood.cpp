#include "dust/likelihood.hpp"

#include <algorithm>
#include <cmath>

#include "base/parallel.hpp"

namespace dustbust {
namespace {

// Differences of neighbouring pixels of a picture: noise makes even the smallest about this large.
constexpr float smallest_difference = 0.01f;

// A pixel of one colour, as observed and with its dust computed off.
struct Sample {
    float observed, restored, slope;
};

// The difference of two pixels without dust. A clipped value may have been any value beyond the
// limit.
float step_between(const Sample& one, const Sample& other, bool one_clipped, bool other_clipped) {
    float step = one.restored - other.restored;
    if (one_clipped) step = one.observed > 0.5f ? std::max(step, 0.0f) : std::min(step, 0.0f);
    if (other_clipped) step = other.observed > 0.5f ? std::min(step, 0.0f) : std::max(step, 0.0f);
    return step;
}

void restore_pixel(const ObservedDust& dust, std::ptrdiff_t i, Sample* samples) {
    for (int c = 0; c < dust.colours; ++c) {
        const float value = dust.observed[i * dust.colours + c];
        const DustEffect effect(dust.responses[dust.dark[dust.labels[i]] * dust.colours + c],
                                dust.density[i]);
        samples[c] = {value, effect.restored(value), effect.slope};
    }
}

// Multiply by how much rougher a pair is with the dust than without it.
void multiply_ratio(const Sample& one, const Sample& other, double& ratio) {
    const bool one_clipped = may_be_clipped(one.observed),
               other_clipped = may_be_clipped(other.observed);
    if (one_clipped && other_clipped) return;
    const float stretched = one_clipped || other_clipped ? 1.0f : (one.slope + other.slope) / 2;
    const float step = step_between(one, other, one_clipped, other_clipped);
    ratio *= (std::abs(one.observed - other.observed) + smallest_difference) /
             (double(std::abs(step) + smallest_difference) * stretched);
}

}  // namespace

std::vector<float> roughness(const ObservedDust& dust, float faintest, int threads) {
    const auto dusty = [&](std::ptrdiff_t i) { return i >= 0 && dust.density[i] > faintest; };
    std::vector<Sample> samples(dust.pixels * dust.colours);
    split_over_threads(dust.pixels, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t i = begin; i < end; ++i)
            if (dusty(i) ||
                std::any_of(dust.neighbours + 4 * i, dust.neighbours + 4 * i + 4, dusty))
                restore_pixel(dust, i, samples.data() + i * dust.colours);
    });
    std::vector<float> ratios(dust.pixels, 0.0f);
    split_over_threads(dust.pixels, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t i = begin; i < end; ++i) {
            double ratio = 1;  // of all colours and both pairs: one logarithm is taken of all
            for (int side = 2; side < 4; ++side) {
                const std::int32_t j = dust.neighbours[4 * i + side];
                if (j < 0 || dust.labels[j] != dust.labels[i] || !(dusty(i) || dusty(j))) continue;
                for (int c = 0; c < dust.colours; ++c)
                    multiply_ratio(samples[i * dust.colours + c], samples[j * dust.colours + c],
                                   ratio);
            }
            if (ratio != 1) ratios[i] = static_cast<float>(std::log(ratio) / dust.colours);
        }
    });
    return ratios;
}

}  // namespace dustbust
