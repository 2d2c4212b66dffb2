// The coefficients of a JPEG file, and the file again with other coefficients: nothing is decoded
// to pixels, so that blocks that keep their coefficients keep their pixels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "files/jpeg.hpp"

namespace dustbust {

struct JpegCoefficients {
    int width = 0, height = 0;
    std::vector<JpegComponent> components;
};

// Throws std::runtime_error when the file is damaged, cut short, or neither sequential nor
// progressive Huffman code with 8 bits.
JpegCoefficients read_jpeg(const std::uint8_t* data, std::size_t size);

// The file `data` with these coefficients instead of its own. All else stays as it is: tables,
// scans, restarts, metadata. Huffman tables are replaced where they lack a code. What follows the
// picture (after EOI) is left out. `blocks` are as many as `read_jpeg` gives, for each component.
struct BlocksView {
    const JpegBlock* data;
    std::size_t count;
};
std::string write_jpeg(const std::uint8_t* data, std::size_t size,
                       const std::vector<BlocksView>& blocks);

}  // namespace dustbust
