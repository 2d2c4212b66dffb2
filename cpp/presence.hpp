// Which particles are in a frame? What speaks is how smooth the picture is with the dust, and with the dust computed off.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dustbust {

// How a frame shows dust: the speed of a value with the density of the dust is lift - fade * value.
struct Curve {
    float lift, fade;
};

// The dust in a frame. `neighbours`: 4 per pixel, places of those above, left, right and below, or -1. `dark`: 1 for each particle that is dark.
// `curves`: of each colour for light dust, then for dark dust.
struct Dust {
    const float* observed;      // pixels x colours, in 0..1, mirrored where the dust is dark
    const float* density;       // of each pixel
    const std::int32_t* labels;
    const std::int32_t* neighbours;
    std::ptrdiff_t pixels, colours;
    const std::uint8_t* dark;
    const Curve* curves;
};

// Add to `odds` of each particle, for each pair of neighbouring pixels of it, the logarithm of how much rougher the pair is as it is observed
// than with the dust computed off; the mean over the colours. A difference counts as if it were larger by `noise`.
// Pairs of less than the density `faintest` say nothing, nor do pairs of two values that are clipped: not between `black` and `white`.
// What is clipped may have been anything beyond.
void presence(const Dust& dust, float faintest, float noise, float black, float white, double* odds);

}  // namespace dustbust
