// Filling holes so that edges and lines run on through them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"

namespace dustbust {

// The result of the fill: parallel lists over the masked pixels, in the order of the picture.
struct Filled {
    std::vector<std::int64_t> positions;  // row * columns + column
    std::vector<float> values;            // `colours` per pixel, in the numbers of the image
    std::ptrdiff_t failures =
        0;  // pixels with data left as they were: no known pixel in the whole picture
};

// Predict each masked pixel from known pixels around it. `colours`: the first channels of `image`,
// 1 or 3; a channel beyond them is alpha, and where it is 0 there is no data. A value times
// `scale` is in about 0..1.
template <class T>
Filled structured_fill(Image<const T> image, Image<const std::uint8_t> mask, std::ptrdiff_t colours,
                       float scale, int threads);

}  // namespace dustbust
