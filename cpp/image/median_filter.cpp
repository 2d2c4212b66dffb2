#include "image/median_filter.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "base/parallel.hpp"
#include "base/sorting_network.hpp"
#include "base/target_clones.hpp"

namespace dustbust {

namespace {

constexpr int WIDTH = 64;  // windows that go through the network side by side

TARGET_CLONES void run_network(const Exchanges& network, float* values) {
    exchange<WIDTH>(network, values);
}

}  // namespace

void window_median(Image<const float> in, Image<float> out, int radius, int threads) {
    if (radius < 0 || radius > 5) throw std::invalid_argument("radius must be 0 to 5");
    const int side = 2 * radius + 1, count = side * side;
    const Exchanges network = selecting_network(count, count / 2, count / 2);
    split_over_threads(in.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        // The rows around the current one, with the border repeated on both sides. Each row is made
        // once and used `side` times.
        const std::ptrdiff_t padded = in.columns + 2 * radius + WIDTH;
        std::vector<float> rows(side * padded), values(count * WIDTH);
        const auto row_of = [&](std::ptrdiff_t y) {
            return rows.data() + ((y % side + side) % side) * padded;
        };
        const auto prepare = [&](std::ptrdiff_t y) {
            const float* from = in.row(std::clamp<std::ptrdiff_t>(y, 0, in.rows - 1));
            float* to = row_of(y);
            std::fill_n(to, radius, from[0]);
            std::copy_n(from, in.columns, to + radius);
            std::fill_n(to + radius + in.columns, radius + WIDTH, from[in.columns - 1]);
        };
        for (std::ptrdiff_t y = begin - radius; y < begin + radius; ++y) prepare(y);
        for (std::ptrdiff_t y = begin; y < end; ++y) {
            prepare(y + radius);
            for (std::ptrdiff_t left = 0; left < in.columns; left += WIDTH) {
                float* to = values.data();
                for (int dy = -radius; dy <= radius; ++dy)
                    for (int dx = 0; dx < side; ++dx, to += WIDTH)
                        std::copy_n(row_of(y + dy) + left + dx, WIDTH, to);
                run_network(network, values.data());
                std::copy_n(values.data() + (count / 2) * WIDTH,
                            std::min<std::ptrdiff_t>(WIDTH, in.columns - left), out.row(y) + left);
            }
        }
    });
}

}  // namespace dustbust
