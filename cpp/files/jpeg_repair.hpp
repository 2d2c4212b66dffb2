// A JPEG file with other pixels at some places; all else stays as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/image.hpp"

namespace dustbust {

// How the components of a file come from the colours of a pixel: component k is the sum of
// of_colours[k * channels + c] * colour c, less level[k].
struct JpegColours {
    const float *of_colours, *level;
};

// The file `data` with the pixels of `after` where `changed` (bytes 0 or 1) is 1: the transform of
// the change is added to the coefficients of these blocks. Away from them the bits of a sequential
// file are copied; a progressive one is coded anew, from the same coefficients. What follows the
// picture (after EOI) is left out.
//
// The difference is that between the wanted and the stored values of the pixels that changed. The
// stored values are computed from the coefficients and not read from the pixels, since those are
// clipped to 0..255, often just where there is dust.
//
// Throws std::runtime_error as `read_jpeg`, and std::invalid_argument if the pictures do not fit
// the file.
std::string repair_jpeg(const std::uint8_t* data, std::size_t size, Image<const std::uint8_t> after,
                        Image<const std::uint8_t> changed, const JpegColours& colours);

}  // namespace dustbust
