// Shared by all parts of the JPEG codec. Section and figure numbers, here and in its other files,
// are those of ITU-T T.81.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace dustbust {

using JpegBlock =
    std::array<std::int16_t, 64>;  // quantised coefficients, in rows (not in zigzag order)

struct JpegComponent {
    int identifier = 0;
    int horizontal = 1, vertical = 1;              // sampling factors
    std::array<std::uint16_t, 64> quantisation{};  // in rows
    // Blocks in the file, multiples of the sampling factors; the picture's own may be fewer.
    std::ptrdiff_t rows = 0, columns = 0;
    std::vector<JpegBlock> blocks;
};

// Figure 5: place in the block of each coefficient of the file.
inline constexpr std::uint8_t ZIGZAG[64] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

// The place of the last coefficient that is not 0, in the order of the file.
inline int last_coefficient(const JpegBlock& block) {
    int k = 63;
    while (k > 0 && block[ZIGZAG[k]] == 0) --k;
    return k;
}

enum Marker : std::uint8_t {
    TEM = 0x01,
    SOF0 = 0xC0,
    SOF1 = 0xC1,
    SOF2 = 0xC2,
    DHT = 0xC4,
    RST0 = 0xD0,
    RST7 = 0xD7,
    SOI = 0xD8,
    EOI = 0xD9,
    SOS = 0xDA,
    DQT = 0xDB,
    DRI = 0xDD
};

// A file with more scans is refused: each is a walk over the whole picture.
constexpr int MOST_SCANS = 500;

[[noreturn]] inline void damaged(const char* what) { throw std::runtime_error(what); }

}  // namespace dustbust
