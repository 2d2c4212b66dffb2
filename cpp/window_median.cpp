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
        float* low = values + first * WIDTH;
        float* high = values + second * WIDTH;
        for (int i = 0; i < WIDTH; ++i) {
            const float a = low[i], b = high[i];
            low[i] = a < b ? a : b;
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
        std::vector<float> values(count * WIDTH);
        for (std::ptrdiff_t y = begin; y < end; ++y)
            for (std::ptrdiff_t left = 0; left < in.columns; left += WIDTH) {
                const std::ptrdiff_t width = std::min<std::ptrdiff_t>(WIDTH, in.columns - left);
                float* to = values.data();
                for (int dy = -radius; dy <= radius; ++dy) {
                    const float* from = in.row(std::clamp<std::ptrdiff_t>(y + dy, 0, in.rows - 1));
                    for (int dx = -radius; dx <= radius; ++dx, to += WIDTH)
                        for (std::ptrdiff_t i = 0; i < width; ++i)
                            to[i] = from[std::clamp<std::ptrdiff_t>(left + i + dx, 0, in.columns - 1)];
                }
                run_network(network, values.data());
                std::copy_n(values.data() + (count / 2) * WIDTH, width, out.row(y) + left);
            }
    });
}

}  // namespace dustbust
