// How two pictures of the same thing differ: what registration needs to know of each small part of them.
#pragma once

#include <cstddef>

#include "image.hpp"

namespace dustbust {

// The luminance (0..1) of a picture, averaged over factor x factor pixels: (rows / factor, columns / factor, 2),
// the second channel is 1 where all of these pixels have data, else 0. `largest` is what stands for 1.
template <class T>
void reduce_luminance(Image<const T> in, bool alpha, std::ptrdiff_t factor, float largest, Image<float> out, int threads);

// Normal equations of the displacement of each cell of height x width pixels (but not of the picture's outermost ones), in the order
// weight, gx, gy, r, gx gx, gx gy, gy gy, gx r, gy r, r r: weighted sums over the cell, where r = second - first and g is the
// gradient of the mean of both (the symmetric choice: S. Benhimane, E. Malis, "Real-time image-based tracking of planes
// using efficient second-order minimization", 2004). Weights are Tukey's biweight of r, 0 beyond `limit`.
// Pictures have two channels, value and 1 where there is data. out: (rows / height, columns / width, 10).
constexpr std::ptrdiff_t match_terms = 10;
void match_cells(Image<const float> first, Image<const float> second, std::ptrdiff_t height, std::ptrdiff_t width, float limit, Image<double> out, int threads);

}  // namespace dustbust
