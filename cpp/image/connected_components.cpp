#include "image/connected_components.hpp"

#include <algorithm>

namespace dustbust {

namespace {

// The root of a pixel's tree; the path to it is halved on the way.
std::int32_t root(std::vector<std::int32_t>& parent, std::int32_t at) {
    while (parent[at] != at) at = parent[at] = parent[parent[at]];
    return at;
}

}  // namespace

Components connected_components(const MaskedPixels& masked, std::ptrdiff_t rows,
                                std::ptrdiff_t columns) {
    const auto& positions = masked.positions();
    const std::ptrdiff_t count = masked.size();
    const auto place = [&](std::ptrdiff_t y, std::ptrdiff_t x) {
        return y < 0 || x < 0 || y >= rows || x >= columns
                   ? std::int32_t{-1}
                   : static_cast<std::int32_t>(masked(y, x));
    };
    Components result;
    result.neighbours.resize(4 * count);
    std::vector<std::int32_t> parent(count);
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const std::ptrdiff_t y = positions[i] / columns, x = positions[i] % columns;
        std::int32_t* beside = result.neighbours.data() + 4 * i;
        beside[0] = place(y - 1, x);
        beside[1] = place(y, x - 1);
        beside[2] = place(y, x + 1);
        beside[3] = place(y + 1, x);
        parent[i] = static_cast<std::int32_t>(i);
        for (const std::int32_t other :
             {beside[0], beside[1], place(y - 1, x - 1), place(y - 1, x + 1)}) {
            if (other < 0) continue;
            // The smaller root wins, so that the root of a particle is its first pixel.
            const std::int32_t a = root(parent, other),
                               b = root(parent, static_cast<std::int32_t>(i));
            parent[std::max(a, b)] = std::min(a, b);
        }
    }
    result.labels.resize(count);
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const std::int32_t first = root(parent, static_cast<std::int32_t>(i));
        result.labels[i] = first == i ? result.count++ : result.labels[first];
    }
    return result;
}

std::vector<std::int32_t> nearest_particle(const std::vector<std::int32_t>& neighbours,
                                           const std::vector<std::int32_t>& cores,
                                           const std::vector<std::int32_t>& labels) {
    std::vector<std::int32_t> nearest(neighbours.size() / 4, -1), order = cores;
    for (std::size_t k = 0; k < cores.size(); ++k) nearest[cores[k]] = labels[k];
    for (std::size_t at = 0; at < order.size(); ++at)
        for (int side = 0; side < 4; ++side) {
            const std::int32_t other = neighbours[4 * static_cast<std::size_t>(order[at]) + side];
            if (other < 0 || nearest[other] >= 0) continue;
            nearest[other] = nearest[order[at]];
            order.push_back(other);
        }
    return nearest;
}

}  // namespace dustbust
