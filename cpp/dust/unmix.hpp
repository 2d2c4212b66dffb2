// The picture under dust that lets some of the light pass.
#pragma once

#include "dust/observed_dust.hpp"

namespace dustbust {

// The picture without the dust, and by how much to prefer it to what the surroundings suggest, N x
// colours each.
//
// here: N, whether the dust of each pixel is in the frame; else the pixel stays as observed, with a
// weight of 1. filled: N x colours, what the surroundings suggest. spread, error: N, how far they,
// and the density, can be trusted. noise: of the values. response_error: of a response, as a share
// of what it takes away.
void unmix(const SeenDust& dust, const std::uint8_t* here, const float* filled, const float* spread,
           const float* error, float noise, float response_error, float* unmixed, float* weight,
           int threads);

}  // namespace dustbust
