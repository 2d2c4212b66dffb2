#include "dust/unmix.hpp"

#include <algorithm>
#include <cmath>

#include "base/parallel.hpp"

namespace dustbust {

void unmix(const ObservedDust& dust, const std::uint8_t* present, const float* filled,
           const float* spread, const float* error, float noise, float response_error,
           float* unmixed, float* weight, int threads) {
    split_over_threads(dust.pixels, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t i = begin; i < end; ++i)
            for (int c = 0; c < dust.colours; ++c) {
                const std::ptrdiff_t at = i * dust.colours + c;
                const float value = dust.observed[at];
                unmixed[at] = value, weight[at] = 1;
                if (!present[i]) continue;
                const Response response =
                    dust.responses[dust.dark[dust.labels[i]] * dust.colours + c];
                const DustEffect effect(response, dust.density[i]);
                const float restored = effect.restored(value),
                            inside = restored > 0 ? std::min(restored, 1.0f) : 0.0f;
                const float variance = square(response.speed(inside) * error[i]) +
                                       square((1 / effect.slope - 1) * noise) +
                                       square(response_error * (restored - value)) +
                                       square(restored - inside);
                const float share = square(spread[i]) / (square(spread[i]) + variance);
                // After noise and JPEG a clipped value is nearly white. It counts as clipped if the
                // value that the surroundings suggest would be clipped.
                const bool white =
                    value > 1 - 3 * noise && effect.offset + effect.slope * filled[at] > 1;
                const bool known = !white && !may_be_clipped(value) &&
                                   share > 0;  // not a number if the dust is opaque
                unmixed[at] = inside;
                weight[at] = known ? share : 0;
            }
    });
}

}  // namespace dustbust
