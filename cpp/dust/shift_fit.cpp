#include "dust/shift_fit.hpp"

#include <algorithm>
#include <cmath>

namespace dustbust {

std::array<double, 5> shift_sums(const ObservedDust& dust, const ShiftSample& sample, float huber) {
    constexpr auto noise = static_cast<float>(VALUE_NOISE);
    std::array<double, 5> sums{};
    for (std::ptrdiff_t k = 0; k < sample.count; ++k) {
        const std::ptrdiff_t i = sample.pixels[k];
        if (may_be_clipped(dust.observed[i])) continue;
        const auto beside = [&](int side) {
            const std::int32_t at = dust.neighbours[4 * i + side];
            return at >= 0 ? dust.density[at] : 0.0f;
        };
        const Response response = dust.responses[dust.dark[dust.labels[i]]];
        const DustEffect effect(response, dust.density[i]);
        const float predicted = effect.offset + effect.slope * sample.filled[i],
                    half_speed = response.speed(predicted) * 0.5f,
                    error = sample.spread[i] * effect.slope + noise,
                    residual = dust.observed[i] - predicted;
        const double down = half_speed * (beside(0) - beside(3)),
                     right = half_speed * (beside(1) - beside(2)),
                     weight =
                         1 / (square(error) * std::max(std::abs(residual) / error / huber, 1.0f));
        sums[0] += weight * down * down;
        sums[1] += weight * down * right;
        sums[2] += weight * right * right;
        sums[3] += weight * down * residual;
        sums[4] += weight * right * residual;
    }
    return sums;
}

}  // namespace dustbust
