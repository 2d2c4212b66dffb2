// The picture under dust that lets some of the light pass.
#pragma once

#include "dust/observed_dust.hpp"

namespace dustbust {

// The picture without the dust, 0..1, and its weight against `filled`, 0..1: N x colours each.
//
// present: N, whether the dust of each pixel is in the frame; where it is not, the pixel stays as
// observed, with a weight of 1. filled: N x colours, the picture interpolated from its
// surroundings. spread, error: N, standard deviations of `filled` and of the density. noise:
// standard deviation of the observed values. response_error: that of a response, as a share of what
// it takes away.
void unmix(const ObservedDust& dust, const std::uint8_t* present, const float* filled,
           const float* spread, const float* error, float noise, float response_error,
           float* unmixed, float* weight, int threads);

}  // namespace dustbust
