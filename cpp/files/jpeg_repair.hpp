// A JPEG file with other pixels at some places; all else stays as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/image.hpp"
#include "files/jpeg.hpp"

namespace dustbust {

// How the components of a file come from the colours of a pixel: component k is the sum of
// of_colours[k * channels + c] * colour c, less level[k].
struct JpegColours {
    const float *of_colours, *level;
};

// Units of a scan that were coded anew, one behind the other, and those behind them whose means had
// to be: the first one, their number, the bits that they take in the data of the scan without
// stuffed bytes, before and after, and `hash_of` the new blocks of all units with changed pixels.
// The last one of a scan stands for its end and has no units.
struct JpegEdit {
    std::int64_t scan, first, units, begin, end, new_begin, new_end, hash;
};

// A repaired file, and in which units it differs, if all others were copied bit by bit. There is no
// list for files with restart markers.
struct RepairedJpeg {
    std::string file;
    std::optional<std::vector<JpegEdit>> edits;
};

// The hash of some blocks, from that of those before (FNV-1a of the numbers, first 0). The mean of
// a block is that less `start`, the mean before the edit.
inline std::int64_t hash_of(const JpegBlock& block, int start, std::int64_t before) {
    auto hash = static_cast<std::uint64_t>(before);
    for (std::size_t i = 0; i < block.size(); ++i) {
        const int value = i ? block[i] : block[i] - start;
        hash = (hash ^ static_cast<std::uint16_t>(value)) * 0x100000001b3u;
    }
    return static_cast<std::int64_t>(hash);
}

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
RepairedJpeg repair_jpeg(const std::uint8_t* data, std::size_t size,
                         Image<const std::uint8_t> after, Image<const std::uint8_t> changed,
                         const JpegColours& colours);

// Whether `repaired` is the file `data` with no other difference than the edits, and these are as
// they were meant. Outside of them the bits must be the same. In them, blocks are read by the
// decoder: those without changed pixels must be the same, the others those that were meant, and the
// next block must begin with the same mean. Throws std::runtime_error as `read_jpeg`,
// and std::invalid_argument if `changed` does not fit the file.
bool is_repaired_copy(const std::uint8_t* data, std::size_t size, const std::uint8_t* repaired,
                      std::size_t repaired_size, Image<const std::uint8_t> changed,
                      const std::vector<JpegEdit>& edits);

}  // namespace dustbust
