#include "window_median.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "parallel.hpp"
#include "vector_clones.hpp"

namespace dustbust {

namespace {

using Exchanges = std::vector<std::pair<int, int>>;

// The exchanges of Batcher's merge-exchange sort (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M) of
// `count` numbers, without those that cannot reach the middle one. A sorting network has no branches: a whole row of
// windows goes through it side by side in vector registers.
Exchanges median_network(int count) {
    Exchanges all;
    int top = 1;
    while (top < count) top *= 2;
    for (int p = top / 2; p > 0; p /= 2) {
        int q = top / 2, r = 0, d = p;
        for (;;) {
            for (int i = 0; i < count - d; ++i)
                if ((i & p) == r) all.emplace_back(i, i + d);
            if (q == p) break;
            d = q - p;
            q /= 2;
            r = p;
        }
    }
    std::vector<bool> needed(count, false);
    needed[count / 2] = true;
    Exchanges kept;
    for (auto exchange = all.rbegin(); exchange != all.rend(); ++exchange) {
        if (!needed[exchange->first] && !needed[exchange->second]) continue;
        needed[exchange->first] = needed[exchange->second] = true;
        kept.push_back(*exchange);
    }
    std::reverse(kept.begin(), kept.end());
    return kept;
}

constexpr int WIDTH = 64;   // windows that go through the network side by side

VECTOR_CLONES
void run_network(const Exchanges& network, float* values) {
    for (const auto& [first, second] : network) {
        float* __restrict low = values + first * WIDTH;
        float* __restrict high = values + second * WIDTH;
        for (int i = 0; i < WIDTH; ++i) {
            const float a = low[i], b = high[i];
            low[i] = b < a ? b : a;
            high[i] = a < b ? b : a;
        }
    }
}

}  // namespace

void window_median(Image<const float> in, Image<float> out, int radius, int threads) {
    if (radius < 0 || radius > 5) throw std::invalid_argument("radius must be 0 to 5");
    const int side = 2 * radius + 1, count = side * side;
    const Exchanges network = median_network(count);
    split_over_threads(in.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        // The rows around the one that is worked on, with the border repeated on both sides; each is made once and used `side` times.
        const std::ptrdiff_t padded = in.columns + 2 * radius + WIDTH;
        std::vector<float> rows(side * padded), values(count * WIDTH);
        const auto row_of = [&](std::ptrdiff_t y) { return rows.data() + ((y % side + side) % side) * padded; };
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
                    for (int dx = 0; dx < side; ++dx, to += WIDTH) std::copy_n(row_of(y + dy) + left + dx, WIDTH, to);
                run_network(network, values.data());
                std::copy_n(values.data() + (count / 2) * WIDTH, std::min<std::ptrdiff_t>(WIDTH, in.columns - left), out.row(y) + left);
            }
        }
    });
}

}  // namespace dustbust
