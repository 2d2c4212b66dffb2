// The original fill: means over the known pixels of a box, pass after pass, from the rim of the
// dust inwards.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"
#include "image/masked_pixels.hpp"

namespace dustbust {

// New values of the masked pixels, pixel after pixel, `colours` values each (the first channels of
// `image`; a last channel beyond them is alpha, and where it is 0 the pixel has no data: not known,
// and not filled). Values that could not be filled stay as they were. Returns how many pixels those
// are.
template <class T>
std::ptrdiff_t box_fill(Image<const T> image, const MaskedPixels& masked, std::ptrdiff_t colours,
                        std::ptrdiff_t radius, int passes, int threads, std::vector<float>& values);

// Gaussian-weighted share of masked pixels around each masked pixel, standard deviation `sigma` px:
// 1 deep inside the dust, about 0.5 at a straight rim. At the border over what is inside the
// picture.
std::vector<float> softened(const MaskedPixels& masked, std::ptrdiff_t rows, std::ptrdiff_t columns,
                            double sigma, int threads);

}  // namespace dustbust
