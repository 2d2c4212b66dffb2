#include "dust/response_fit.hpp"

#include <algorithm>
#include <cmath>

namespace dustbust {

std::array<double, 5> response_sums(const float* observed, const float* filled,
                                    const float* density, const float* spread,
                                    std::ptrdiff_t pixels, Response response) {
    // The errors of a fill: those of its surroundings, as far as the dust lets them pass, and
    // noise.
    constexpr auto noise = static_cast<float>(VALUE_NOISE);
    constexpr auto black = static_cast<float>(BLACK), white = static_cast<float>(WHITE);
    std::array<double, 5> sums{};
    for (std::ptrdiff_t i = 0; i < pixels; ++i) {
        const float d = density[i], x = response.fade * d;
        const DustEffect effect(response, d);
        const float predicted = effect.offset + effect.slope * filled[i];
        if (may_be_clipped(observed[i]) || predicted <= black / 2 || predicted >= (1 + white) / 2)
            continue;
        const float by_lift = effect.offset / response.lift;
        const float by_fade =
            response.lift * (std::abs(x) < 0.01f ? d * d * (x / 3 - 0.5f)
                                                 : (d * effect.slope - by_lift) / response.fade) -
            d * effect.slope * filled[i];
        const float error = spread[i] * std::clamp(effect.slope, 0.15f, 2.0f) + noise,
                    residual = observed[i] - predicted;
        // Huber: beyond 1.5 standard deviations a residual counts by its size, not by its square.
        const double weight =
            1 / (square(error) * std::max(std::abs(residual) / error / 1.5f, 1.0f));
        sums[0] += weight * by_lift * by_lift;
        sums[1] += weight * by_lift * by_fade;
        sums[2] += weight * by_fade * by_fade;
        sums[3] += weight * by_lift * residual;
        sums[4] += weight * by_fade * residual;
    }
    return sums;
}

}  // namespace dustbust
