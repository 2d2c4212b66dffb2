// Linear equations whose matrix has a narrow band.
#pragma once

#include "base/image.hpp"

namespace dustbust {

// Solve A x = b for each column of b, in its place; A is symmetric and positive definite: band(i,
// k) is A(i, i + k). The band is overwritten with its Cholesky factor.
void solve_band(Image<double> band, Image<double> b);

}  // namespace dustbust
