#include "dust/likelihood.hpp"

#include <algorithm>
#include <cmath>

#include "base/parallel.hpp"

namespace dustbust {
namespace {

// Differences of neighbouring pixels of a picture: noise makes even the smallest about this large.
constexpr float smallest_difference = 0.01f;

// A pixel of one colour, as it is seen and with its dust computed off.
struct Seen {
    float observed, restored, slope;
};

// The difference of two pixels without dust. What is clipped may have been anything beyond.
float step_between(const Seen& one, const Seen& other, bool one_clipped, bool other_clipped) {
    float step = one.restored - other.restored;
    if (one_clipped) step = one.observed > 0.5f ? std::max(step, 0.0f) : std::min(step, 0.0f);
    if (other_clipped) step = other.observed > 0.5f ? std::min(step, 0.0f) : std::max(step, 0.0f);
    return step;
}

}  // namespace

std::vector<float> roughness(const SeenDust& dust, float faintest, int threads) {
    const int colours = dust.colours;
    const auto dusty = [&](std::ptrdiff_t i) { return i >= 0 && dust.density[i] > faintest; };
    std::vector<Seen> seen(dust.pixels * colours);
    split_over_threads(dust.pixels, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t i = begin; i < end; ++i) {
            if (!dusty(i) &&
                std::none_of(dust.neighbours + 4 * i, dust.neighbours + 4 * i + 4, dusty))
                continue;
            for (int c = 0; c < colours; ++c) {
                const float value = dust.observed[i * colours + c];
                const Shown shown(dust.responses[dust.dark[dust.labels[i]] * colours + c],
                                  dust.density[i]);
                seen[i * colours + c] = {value, shown.restored(value), shown.slope};
            }
        }
    });
    std::vector<float> said(
        dust.pixels,
        0.0f);  // of the pairs of each pixel with the one right of it and the one below
    split_over_threads(dust.pixels, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t i = begin; i < end; ++i) {
            double ratio = 1;  // of all colours and both pairs: their logarithms are taken at once
            for (int side = 2; side < 4; ++side) {
                const std::int32_t j = dust.neighbours[4 * i + side];
                if (j < 0 || dust.labels[j] != dust.labels[i] || !(dusty(i) || dusty(j))) continue;
                for (int c = 0; c < colours; ++c) {
                    const Seen &one = seen[i * colours + c], &other = seen[j * colours + c];
                    const bool one_clipped = dust.limits.clip(one.observed),
                               other_clipped = dust.limits.clip(other.observed);
                    if (one_clipped && other_clipped) continue;
                    const float stretched =
                        one_clipped || other_clipped ? 1.0f : (one.slope + other.slope) / 2;
                    const float step = step_between(one, other, one_clipped, other_clipped);
                    ratio *= (std::abs(one.observed - other.observed) + smallest_difference) /
                             (double(std::abs(step) + smallest_difference) * stretched);
                }
            }
            if (ratio != 1) said[i] = static_cast<float>(std::log(ratio) / colours);
        }
    });
    return said;
}

}  // namespace dustbust
