// The coefficients of a JPEG file, and the file again with other coefficients: nothing is decoded to pixels, so that
// blocks that keep their coefficients keep their pixels. Section and figure numbers are those of ITU-T T.81.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dustbust {

using Block = std::array<std::int16_t, 64>;         // quantised coefficients, in rows (not in zigzag order)

struct JpegComponent {
    int identifier = 0;
    int horizontal = 1, vertical = 1;               // sampling factors
    std::array<std::uint16_t, 64> quantisation{};   // in rows
    // Blocks in the file, multiples of the sampling factors; the picture's own may be fewer.
    std::ptrdiff_t rows = 0, columns = 0;
    std::vector<Block> blocks;
};

struct JpegCoefficients {
    int width = 0, height = 0;
    std::vector<JpegComponent> components;
};

// Throws std::runtime_error when the file is damaged, cut short, or neither sequential nor progressive Huffman code with 8 bits.
JpegCoefficients read_jpeg(const std::uint8_t* data, std::size_t size);

// The file `data` with these coefficients instead of its own. All else stays as it is: tables, scans, restarts, metadata.
// Huffman tables are replaced where they lack a code. What follows the picture (after EOI) is left out.
// `blocks` are as many as `read_jpeg` gives, for each component.
struct BlocksView {
    const Block* data;
    std::size_t count;
};
std::string write_jpeg(const std::uint8_t* data, std::size_t size, const std::vector<BlocksView>& blocks);

}  // namespace dustbust
