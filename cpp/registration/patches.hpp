// Sums over small patches of two pictures of one thing, from which registration finds how they lie
// to each other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/image.hpp"
#include "registration/warp.hpp"

namespace dustbust {

// Patches are squares of patch_cells x patch_cells cells of cell_side pixels.
constexpr std::ptrdiff_t cell_side = 8, patch_cells = 2, match_terms = 16;

// The normal equations of the displacement of each cell of each patch, in the order
// weight, gx, gy, r, gx gx, gx gy, gy gy, gx r, gy r, r r: weighted sums, where r = gain * warped
// second - first, and g is the gradient of the mean of both (the symmetric choice: S. Benhimane, E.
// Malis, "Real-time image-based tracking of planes using efficient second-order minimization",
// 2004). Weights are Tukey's biweight of r, 0 beyond `limit`. After these come, unweighted and of
// the pixels known in both, the number of pixels, and the sums of a, b, a a, b b and a b. corners:
// (patches, 2), x and y of the first pixel of each in `first`. out: (patches, patch_cells^2,
// match_terms), cells row by row.
void match_patches(Image<const float> first, Image<const float> second, const Warp& warp,
                   Image<const std::int32_t> corners, float gain, float limit, Image<double> out,
                   int threads);

// The sums, over square patches at one place in both, of pixels known in both: their number, a, b,
// a a, b b and a b. corners: (patches, 2), x and y of the first pixel of each. out: (patches, 6)
void compare_patches(Image<const float> first, Image<const float> second,
                     Image<const std::int32_t> corners, std::ptrdiff_t side, Image<double> out,
                     int threads);

// The values of `second` at points of `first`, (points, 2), x and y; not a number where unknown.
void warp_points(Image<const float> second, const Warp& warp, Image<const std::int32_t> points,
                 float* out, int threads);

}  // namespace dustbust
