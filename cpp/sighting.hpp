// Dust in one frame: sums over pixels for core/dustbust/response.py and core/dustbust/sighting.py.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "response.hpp"

namespace dustbust {

// The normal equations of a step of Gauss-Newton that fits a response: (lift, lift), (lift, fade), (fade, fade), and the right side of both.
std::array<double, 5> response_sums(const float* observed, const float* filled, const float* density, const float* spread,
                                    std::ptrdiff_t pixels, Response response, Limits limits);

// The dust of a frame: N pixels of P particles.
struct SeenDust {
    std::ptrdiff_t pixels, particles;
    int colours;
    const float* observed;              // N x colours
    const float* density;               // N
    const std::int32_t* labels;         // N, 0..P-1
    const std::int32_t* neighbours;     // N x 4: above, left, right, below, or -1
    const std::uint8_t* dark;           // P
    const Response* responses;          // 2 x colours: to light dust, to dark dust
    Limits limits;
};

// How much a frame speaks for the dust of each pixel: sum over the pairs of the pixel with its neighbours to the right and below of the logarithm
// of how much rougher they are with the dust than without it, mean over the colours. Pairs with no more dust than `faintest` are not asked.
std::vector<float> roughness(const SeenDust& dust, float faintest, int threads);

// The picture without the dust, and by how much to prefer it to what the surroundings suggest, N x colours each.
//
// here: N, whether the dust of each pixel is in the frame; else the pixel stays as observed, with a weight of 1.
// filled: N x colours, what the surroundings suggest. spread, error: N, how far they, and the density, can be trusted.
// noise: of the values. response_error: of a response, as a share of what it takes away.
void unmix(const SeenDust& dust, const std::uint8_t* here, const float* filled, const float* spread, const float* error, float noise,
           float response_error, float* unmixed, float* weight, int threads);

}  // namespace dustbust
