// How two pictures of the same thing differ: what registration needs to know of each small part of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "image.hpp"
#include "warp.hpp"

namespace dustbust {

// The luminance (0..1) of a picture, averaged over factor x factor pixels: (rows / factor, columns / factor, 2),
// the second channel is 1 where all of these pixels have data, else 0. `largest` is what stands for 1.
template <class T>
void reduce_luminance(Image<const T> in, bool alpha, std::ptrdiff_t factor, float largest, Image<float> out, int threads);

// Details: the luminance blurred over 5 x 5 pixels by binomial weights, minus its mean over a square of 2 * radius + 1; not a number where
// one of the pixels is not known that these, or interpolation, need. The finest details are left out, because interpolation moves them
// towards whole pixels. in: as from `reduce_luminance`.
void find_details(Image<const float> in, std::ptrdiff_t radius, Image<float> out, int threads);

// Patches are squares of patch_cells x patch_cells cells of cell_side pixels.
constexpr std::ptrdiff_t cell_side = 8, patch_cells = 2, match_terms = 16;

// The normal equations of the displacement of each cell of each patch, in the order
// weight, gx, gy, r, gx gx, gx gy, gy gy, gx r, gy r, r r: weighted sums, where r = gain * warped second - first, and g is the gradient of
// the mean of both (the symmetric choice: S. Benhimane, E. Malis, "Real-time image-based tracking of planes using efficient second-order
// minimization", 2004). Weights are Tukey's biweight of r, 0 beyond `limit`.
// After these come, unweighted and of what is known in both, the number of pixels, and the sums of a, b, a a, b b and a b.
// corners: (patches, 2), x and y of the first pixel of each in `first`. out: (patches, patch_cells^2, match_terms), cells row by row.
void match_patches(Image<const float> first, Image<const float> second, const Warp& warp, Image<const std::int32_t> corners,
                   float gain, float limit, Image<double> out, int threads);

// The sums, over square patches at one place in both, of pixels known in both: their number, a, b, a a, b b and a b.
// corners: (patches, 2), x and y of the first pixel of each. out: (patches, 6)
void compare_patches(Image<const float> first, Image<const float> second, Image<const std::int32_t> corners, std::ptrdiff_t side,
                     Image<double> out, int threads);

// What `second` has at points of `first`, (points, 2), x and y; where that is not known, not a number.
void warp_points(Image<const float> second, const Warp& warp, Image<const std::int32_t> points, float* out, int threads);

// Solve A x = b for each column of b, in its place; A is symmetric and positive definite: band(i, k) is A(i, i + k).
// The band is overwritten with its Cholesky factor.
void solve_band(Image<double> band, Image<double> b);

}  // namespace dustbust
