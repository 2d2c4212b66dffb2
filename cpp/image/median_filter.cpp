#include "image/median_filter.hpp"

#include <algorithm>
#include <vector>

#include "base/parallel.hpp"
#include "base/sorting_network.hpp"
#include "base/target_clones.hpp"

namespace dustbust {

namespace {

constexpr std::ptrdiff_t side_by_side = 64;  // windows that go through the network side by side

TARGET_CLONES void run_network(const Exchanges& network, float* values) {
    exchange<side_by_side>(network, values);
}

}  // namespace

void window_median(Image<const float> in, Image<float> out, int radius, int threads) {
    const int side = 2 * radius + 1, count = side * side;
    const Exchanges network = selecting_network(count, count / 2, count / 2);
    split_over_threads(in.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        // The rows around the current one, with the border repeated on both sides. Each row is made
        // once and used `side` times.
        const std::ptrdiff_t padded = in.columns + 2 * radius + side_by_side;
        std::vector<float> rows(side * padded), values(count * side_by_side);
        const auto row_of = [&](std::ptrdiff_t y) {
            return rows.data() + ((y % side + side) % side) * padded;
        };
        const auto prepare = [&](std::ptrdiff_t y) {
            const float* from = in.row(std::clamp<std::ptrdiff_t>(y, 0, in.rows - 1));
            float* to = row_of(y);
            std::fill_n(to, radius, from[0]);
            std::copy_n(from, in.columns, to + radius);
            std::fill_n(to + radius + in.columns, radius + side_by_side, from[in.columns - 1]);
        };
        for (std::ptrdiff_t y = begin - radius; y < begin + radius; ++y) prepare(y);
        for (std::ptrdiff_t y = begin; y < end; ++y) {
            prepare(y + radius);
            for (std::ptrdiff_t left = 0; left < in.columns; left += side_by_side) {
                float* to = values.data();
                for (int dy = -radius; dy <= radius; ++dy)
                    for (int dx = 0; dx < side; ++dx, to += side_by_side)
                        std::copy_n(row_of(y + dy) + left + dx, side_by_side, to);
                run_network(network, values.data());
                std::copy_n(values.data() + (count / 2) * side_by_side,
                            std::min(side_by_side, in.columns - left), out.row(y) + left);
            }
        }
    });
}

}  // namespace dustbust
