// New coefficients of a JPEG after some of its pixels changed; other blocks keep theirs.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"
#include "files/jpeg_coefficients.hpp"

namespace dustbust {

// A component of the file: blocks in rows, and how its values come from the colours of a pixel.
struct RepairedComponent {
    int horizontal, vertical;           // sampling factors
    const std::uint16_t* quantisation;  // 64, in rows
    JpegBlock* blocks;
    std::ptrdiff_t rows, columns;  // of blocks
    const float* of_colours;       // a value is the sum of of_colours[c] * colour c, less `level`
    float level;
};

// Add the transform of what changed from `before` to `after` to the coefficients. The sampling
// factors of each component divide the largest.
//
// The difference is that between the wanted and the stored values of the pixels that changed. The
// stored values are computed from the coefficients and not read from the pixels, since those are
// clipped to 0..255, often just where there is dust.
void repair_jpeg(Image<const std::uint8_t> before, Image<const std::uint8_t> after,
                 const std::vector<RepairedComponent>& components);

}  // namespace dustbust
