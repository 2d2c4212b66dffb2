// Sorting many short lists at once. A sorting network has no branches: lists side by side go
// through it in vector registers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace dustbust {

using Exchanges = std::vector<std::pair<int, int>>;

// Batcher's merge exchange sort for any count: Knuth, The Art of Computer Programming 3, 5.2.2,
// algorithm M.
inline Exchanges sorting_network(int count) {
    Exchanges network;
    int top = 1;
    while (top < count) top *= 2;
    for (int p = top / 2; p > 0; p /= 2) {
        for (int q = top / 2, r = 0, d = p;; d = q - p, q /= 2, r = p) {
            for (int i = 0; i + d < count; ++i)
                if ((i & p) == r) network.push_back({i, i + d});
            if (q == p) break;
        }
    }
    return network;
}

// The exchanges that the values at first..last of the sorted list depend on.
inline Exchanges selecting_network(int count, int first, int last) {
    Exchanges needed;
    std::vector<bool> wanted(count, false);
    for (int i = first; i <= last; ++i) wanted[i] = true;
    const auto network = sorting_network(count);
    for (auto it = network.rbegin(); it != network.rend(); ++it) {
        if (!wanted[it->first] && !wanted[it->second]) continue;
        wanted[it->first] = wanted[it->second] = true;
        needed.push_back(*it);
    }
    std::reverse(needed.begin(), needed.end());
    return needed;
}

// Run a network on the columns of `rows`, a table with this number of columns.
template <std::ptrdiff_t columns, class T>
inline __attribute__((always_inline)) void exchange(const Exchanges& network, T* rows) {
    for (const auto& [low, high] : network) {
        T* __restrict a = rows + low * columns;
        T* __restrict b = rows + high * columns;
        for (std::ptrdiff_t i = 0; i < columns; ++i) {
            const T x = a[i], y = b[i];
            a[i] = y < x ? y : x;
            b[i] = y < x ? x : y;
        }
    }
}

}  // namespace dustbust
