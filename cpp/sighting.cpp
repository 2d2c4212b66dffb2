#include "sighting.hpp"

#include "parallel.hpp"

namespace dustbust {
namespace {

// Differences of neighbouring pixels of a picture: noise makes even the smallest about this large.
constexpr float smallest_difference = 0.01f;

float square(float value) { return value * value; }

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

std::array<double, 5> response_sums(const float* observed, const float* filled, const float* density, const float* spread,
                                    std::ptrdiff_t pixels, Response response, Limits limits) {
    // The errors of a fill are those of its surroundings as the dust lets them show, and noise.
    constexpr float noise = 0.004f;
    std::array<double, 5> sums{};
    for (std::ptrdiff_t i = 0; i < pixels; ++i) {
        const float d = density[i], x = response.fade * d;
        const Shown shown(response, d);
        const float predicted = shown.offset + shown.slope * filled[i];
        if (limits.clip(observed[i]) || predicted <= limits.black / 2 || predicted >= (1 + limits.white) / 2) continue;
        const float by_lift = shown.offset / response.lift;
        const float by_fade = response.lift * (std::abs(x) < 0.01f ? d * d * (x / 3 - 0.5f) : (d * shown.slope - by_lift) / response.fade) -
                              d * shown.slope * filled[i];
        const float error = spread[i] * std::clamp(shown.slope, 0.15f, 2.0f) + noise, residual = observed[i] - predicted;
        // Huber: beyond 1.5 standard deviations a residual counts by its size, not by its square.
        const double weight = 1 / (square(error) * std::max(std::abs(residual) / error / 1.5f, 1.0f));
        sums[0] += weight * by_lift * by_lift;
        sums[1] += weight * by_lift * by_fade;
        sums[2] += weight * by_fade * by_fade;
        sums[3] += weight * by_lift * residual;
        sums[4] += weight * by_fade * residual;
    }
    return sums;
}

std::vector<float> roughness(const SeenDust& dust, float faintest, int threads) {
    const int colours = dust.colours;
    const auto dusty = [&](std::ptrdiff_t i) { return i >= 0 && dust.density[i] > faintest; };
    std::vector<Seen> seen(dust.pixels * colours);
    split_over_threads(dust.pixels, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t i = begin; i < end; ++i) {
            if (!dusty(i) && std::none_of(dust.neighbours + 4 * i, dust.neighbours + 4 * i + 4, dusty)) continue;
            for (int c = 0; c < colours; ++c) {
                const float value = dust.observed[i * colours + c];
                const Shown shown(dust.responses[dust.dark[dust.labels[i]] * colours + c], dust.density[i]);
                seen[i * colours + c] = {value, shown.restored(value), shown.slope};
            }
        }
    });
    std::vector<float> said(dust.pixels, 0.0f);         // of the pairs of each pixel with the one right of it and the one below
    split_over_threads(dust.pixels, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t i = begin; i < end; ++i) {
            double ratio = 1;       // of all colours and both pairs: their logarithms are taken at once
            for (int side = 2; side < 4; ++side) {
                const std::int32_t j = dust.neighbours[4 * i + side];
                if (j < 0 || dust.labels[j] != dust.labels[i] || !(dusty(i) || dusty(j))) continue;
                for (int c = 0; c < colours; ++c) {
                    const Seen &one = seen[i * colours + c], &other = seen[j * colours + c];
                    const bool one_clipped = dust.limits.clip(one.observed), other_clipped = dust.limits.clip(other.observed);
                    if (one_clipped && other_clipped) continue;
                    const float stretched = one_clipped || other_clipped ? 1.0f : (one.slope + other.slope) / 2;
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

void unmix(const SeenDust& dust, const std::uint8_t* here, const float* filled, const float* spread, const float* error, float noise,
           float response_error, float* unmixed, float* weight, int threads) {
    split_over_threads(dust.pixels, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t i = begin; i < end; ++i)
            for (int c = 0; c < dust.colours; ++c) {
                const std::ptrdiff_t at = i * dust.colours + c;
                const float value = dust.observed[at];
                unmixed[at] = value, weight[at] = 1;
                if (!here[i]) continue;
                const Response response = dust.responses[dust.dark[dust.labels[i]] * dust.colours + c];
                const Shown shown(response, dust.density[i]);
                const float restored = shown.restored(value), inside = restored > 0 ? std::min(restored, 1.0f) : 0.0f;
                const float variance = square(response.speed(inside) * error[i]) + square((1 / shown.slope - 1) * noise) +
                                       square(response_error * (restored - value)) + square(restored - inside);
                const float share = square(spread[i]) / (square(spread[i]) + variance);
                // Noise and JPEG let what was clipped come back as nearly white; so it was if what the surroundings suggest would be.
                const bool white = value > 1 - 3 * noise && shown.offset + shown.slope * filled[at] > 1;
                const bool known = !white && !dust.limits.clip(value) && share > 0;    // share is no number if the dust lets nothing pass
                unmixed[at] = inside;
                weight[at] = known ? share : 0;
            }
    });
}

}  // namespace dustbust
