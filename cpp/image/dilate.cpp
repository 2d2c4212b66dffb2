#include "image/dilate.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/parallel.hpp"
#include "image/mask_runs.hpp"

namespace dustbust {

void dilate(Image<const std::uint8_t> mask, Image<std::uint8_t> out, int radius, int threads) {
    std::vector<std::ptrdiff_t> reach(2 * radius +
                                      1);  // half the width of the disc in each of its rows
    for (int dy = -radius; dy <= radius; ++dy)
        reach[dy + radius] = std::lround(std::sqrt(double(radius) * radius - double(dy) * dy));

    split_over_threads(mask.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        std::memset(out.row(begin), 0, (end - begin) * out.columns);
        const std::ptrdiff_t last = std::min(end + radius, mask.rows);
        for (std::ptrdiff_t y = std::max<std::ptrdiff_t>(begin - radius, 0); y < last; ++y)
            each_run(mask.row(y), mask.columns, [&](std::ptrdiff_t left, std::ptrdiff_t right) {
                for (std::ptrdiff_t to = std::max(y - radius, begin);
                     to < std::min(y + radius + 1, end); ++to) {
                    const std::ptrdiff_t wider = reach[to - y + radius];
                    const std::ptrdiff_t from = std::max<std::ptrdiff_t>(left - wider, 0);
                    std::memset(out.row(to) + from, 1, std::min(right + wider, out.columns) - from);
                }
            });
    });
}

}  // namespace dustbust
