// The luminance of pictures.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/image.hpp"

namespace dustbust {

// The type in which the luminance of colours is kept: a mean of whole numbers needs finer steps.
template <class T>
using LuminanceOf = std::conditional_t<std::is_same_v<T, float>, float, std::uint16_t>;

// The luminance of a picture with 3 or 4 channels, (rows, columns), in the range of its type.
template <class T>
void luminance(Image<const T> in, Image<LuminanceOf<T>> out, int threads);

// The luminance (0..1) of a picture, averaged over factor x factor pixels: (rows / factor, columns
// / factor, 2), the second channel is 1 where all of these pixels have data, else 0. `largest` is
// the number that stands for 1.
template <class T>
void reduce_luminance(Image<const T> in, bool alpha, std::ptrdiff_t factor, float largest,
                      Image<float> out, int threads);

}  // namespace dustbust
