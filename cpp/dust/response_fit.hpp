// Fitting a response to a frame: sums over its pixels.
#pragma once

#include <array>
#include <cstddef>

#include "dust/response.hpp"

namespace dustbust {

// The normal equations of a step of Gauss-Newton that fits a response: (lift, lift), (lift, fade),
// (fade, fade), and the right side of both.
std::array<double, 5> response_sums(const float* observed, const float* filled,
                                    const float* density, const float* spread,
                                    std::ptrdiff_t pixels, Response response);

}  // namespace dustbust
