// What the picture around dust says of the picture under it.
#pragma once

#include <cstdint>
#include <vector>

#include "image.hpp"
#include "masked_pixels.hpp"
#include "particles.hpp"

namespace dustbust {

// For each masked pixel: `filled`, the membrane that the known pixels around the particle span (Laplace's equation; at the
// border of the picture the slope across it is 0), and `spread`, how far the picture is likely to differ from it: the standard
// deviation of luminance of the known pixels around. Both in the numbers of the image times `scale`.
// `unknown`: bytes, 1 where a pixel says nothing; the masked pixels are among them.
// A particle without any known pixel beside it is left as it is, with a spread of 1.
template <class T>
void surroundings(Image<const T> image, std::ptrdiff_t colours, float scale, Image<const std::uint8_t> unknown,
                  const MaskedPixels& masked, const Particles& particles, float* filled, float* spread, int threads);

}  // namespace dustbust
