// Log-likelihood ratio of the dust of a mask being present in a frame.
#pragma once

#include <vector>

#include "dust/observed_dust.hpp"

namespace dustbust {

// The ratio of each pixel, N: the mean over the colours of the logarithm of how much rougher its
// pairs with the neighbours to the right and below are with the dust than without it. Positive
// values are evidence for the dust. Pairs whose density is at most `faintest` are left out: 0.
std::vector<float> roughness(const ObservedDust& dust, float faintest, int threads);

}  // namespace dustbust
