#include "presence.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace dustbust {

namespace {

// One colour of one pixel, with the dust computed off.
struct Clean {
    float value;
    float slope;        // change of the observed value with the clean one
};

// observed = offset + slope * clean, see response.py.
Clean without_dust(float observed, float density, Curve curve) {
    if (density <= 0) return {observed, 1};
    const float x = curve.fade * density, slope = std::exp(-x);
    const float offset = curve.lift * density * (std::abs(x) < 0.01f ? 1 - x / 2 + x * x / 6 : (1 - slope) / x);
    return {(observed - offset) / slope, slope};
}

}  // namespace

void presence(const Dust& dust, float faintest, float noise, float black, float white, double* odds) {
    const std::ptrdiff_t colours = dust.colours;
    std::vector<Clean> clean(dust.pixels * colours);
    for (std::ptrdiff_t i = 0; i < dust.pixels; ++i) {
        const Curve* const curves = dust.curves + (dust.dark[dust.labels[i]] ? colours : 0);
        for (std::ptrdiff_t c = 0; c < colours; ++c) clean[i * colours + c] = without_dust(dust.observed[i * colours + c], dust.density[i], curves[c]);
    }
    const auto clipped = [&](float value) { return value <= black || value >= white; };
    const auto rougher = [&](std::ptrdiff_t i, std::ptrdiff_t j) {
        const float one = dust.observed[i], other = dust.observed[j];
        const bool lost = clipped(one), other_lost = clipped(other);
        if (lost && other_lost) return 1.0f;
        float step = clean[i].value - clean[j].value;
        if (lost) step = one > 0.5f ? std::max(step, 0.0f) : std::min(step, 0.0f);
        if (other_lost) step = other > 0.5f ? std::min(step, 0.0f) : std::max(step, 0.0f);
        const float stretched = lost || other_lost ? 1.0f : (clean[i].slope + clean[j].slope) / 2;
        return (std::abs(one - other) + noise) / ((std::abs(step) + noise) * stretched);
    };
    for (std::ptrdiff_t i = 0; i < dust.pixels; ++i) {
        double ratio = 1;       // of both pairs and all colours: one logarithm for all
        for (const int side : {2, 3}) {
            const std::ptrdiff_t j = dust.neighbours[4 * i + side];
            if (j < 0 || dust.labels[j] != dust.labels[i] || std::max(dust.density[i], dust.density[j]) <= faintest) continue;
            for (std::ptrdiff_t c = 0; c < colours; ++c) ratio *= rougher(i * colours + c, j * colours + c);
        }
        if (ratio != 1) odds[dust.labels[i]] += std::log(ratio) / static_cast<double>(colours);
    }
}

}  // namespace dustbust
