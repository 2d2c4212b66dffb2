// Readings of the density of the dust in a frame.
#pragma once

#include "dust/observed_dust.hpp"

namespace dustbust {

// Of each of N pixels: the density that turns `filled` into what is observed, and one over the
// variance of that reading, from `spread`, the standard deviation of the clean picture from
// `filled`. A value that may be clipped, or that dust of the expected density would clip, has the
// weight times `weight_of_clipped`. `dust` has one colour; its `density` is the expected density,
// or null if none is expected.
void density_readings(const ObservedDust& dust, const float* filled, const float* spread,
                      float weight_of_clipped, float* density, float* weight, int threads);

}  // namespace dustbust
