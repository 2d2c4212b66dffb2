// The luminance of pictures.
#pragma once

#include "base/image.hpp"

namespace dustbust {

// The luminance (0..1) of a picture, averaged over factor x factor pixels: (rows / factor, columns
// / factor, 2), the second channel is 1 where all of these pixels have data, else 0. `largest` is
// the number that stands for 1.
template <class T>
void reduce_luminance(Image<const T> in, bool alpha, std::ptrdiff_t factor, float largest,
                      Image<float> out, int threads);

}  // namespace dustbust
