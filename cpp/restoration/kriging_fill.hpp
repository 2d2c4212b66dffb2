// Filling holes so that edges and lines run on through them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"
#include "image/masked_pixels.hpp"

namespace dustbust {

// The result of the fill.
struct Filled {
    std::vector<float> values;  // `colours` per masked pixel, in the numbers of the image
    std::ptrdiff_t failures =
        0;  // pixels with data that were not filled: the picture has no known pixel
};

// Predict each masked pixel from known pixels around it. `colours`: the first channels of `image`,
// 1 or 3; a channel beyond them is alpha, and where it is 0 there is no data. A value times
// `scale` is in about 0..1.
template <class T>
Filled structured_fill(Image<const T> image, const MaskedPixels& masked, std::ptrdiff_t colours,
                       float scale, int threads);

}  // namespace dustbust
