// The pixels of a mask as a graph: the neighbours of each, and the particle it belongs to.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"
#include "image/masked_pixels.hpp"

namespace dustbust {

struct Components {
    std::vector<std::int32_t> neighbours;  // 4 per pixel: place in the list of the pixel above,
                                           // left, right, below; -1 if not in it
    std::vector<std::int32_t> labels;  // number of the particle, in the order of their first pixels
    std::int32_t count = 0;
};

// A particle is the pixels that are connected (8 ways). `columns`: width of the picture.
Components connected_components(const MaskedPixels& masked, std::ptrdiff_t columns);

// The same without the neighbours, and with the place of each pixel: row * columns + column.
struct Particles {
    std::vector<std::int64_t> positions;
    std::vector<std::int32_t> labels;
    std::int32_t count = 0;
};

Particles particles_of(Image<const std::uint8_t> mask);

// Number the pixels of a larger mask, `neighbours` of which are given, by the particle of a smaller
// one that is the fewest steps away
// (-1: not connected to any). `cores`: place of each pixel of the smaller mask in the larger;
// `labels`: its particle.
std::vector<std::int32_t> nearest_particle(const std::vector<std::int32_t>& neighbours,
                                           const std::vector<std::int32_t>& cores,
                                           const std::vector<std::int32_t>& labels);

}  // namespace dustbust
