// Whether a frame shows the dust of a mask.
#pragma once

#include <vector>

#include "dust/observed_dust.hpp"

namespace dustbust {

// How much a frame speaks for the dust of each pixel: sum over the pairs of the pixel with its
// neighbours to the right and below of the logarithm of how much rougher they are with the dust
// than without it, mean over the colours. Pairs with no more dust than `faintest` are not asked.
std::vector<float> roughness(const SeenDust& dust, float faintest, int threads);

}  // namespace dustbust
