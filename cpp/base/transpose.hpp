// Four short rows turned into columns, in vector registers.
#pragma once

#include <cstring>

namespace dustbust {

#ifdef __clang__
#define DUSTBUST_SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define DUSTBUST_SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, Four<int>::Lanes{i, j, k, l})
#endif

template <class T>
struct Four {
    typedef T Lanes __attribute__((vector_size(4 * sizeof(T))));
};

// Read four floats each from a, b, c and d. Write those at index i side by side to out + i *
// stride, for i below `count` (1 to 4).
template <int count>
inline __attribute__((always_inline)) void transpose(const float* a, const float* b, const float* c,
                                                     const float* d, float* out,
                                                     std::ptrdiff_t stride) {
    using Lanes = Four<float>::Lanes;
    Lanes rows[4];
    std::memcpy(&rows[0], a, sizeof(Lanes));
    std::memcpy(&rows[1], b, sizeof(Lanes));
    std::memcpy(&rows[2], c, sizeof(Lanes));
    std::memcpy(&rows[3], d, sizeof(Lanes));
    const Lanes low_ab = DUSTBUST_SHUFFLE(rows[0], rows[1], 0, 4, 1, 5),
                low_cd = DUSTBUST_SHUFFLE(rows[2], rows[3], 0, 4, 1, 5),
                high_ab = DUSTBUST_SHUFFLE(rows[0], rows[1], 2, 6, 3, 7),
                high_cd = DUSTBUST_SHUFFLE(rows[2], rows[3], 2, 6, 3, 7);
    const Lanes columns[4] = {DUSTBUST_SHUFFLE(low_ab, low_cd, 0, 1, 4, 5),
                              DUSTBUST_SHUFFLE(low_ab, low_cd, 2, 3, 6, 7),
                              DUSTBUST_SHUFFLE(high_ab, high_cd, 0, 1, 4, 5),
                              DUSTBUST_SHUFFLE(high_ab, high_cd, 2, 3, 6, 7)};
    for (int i = 0; i < count; ++i) std::memcpy(out + i * stride, &columns[i], sizeof(Lanes));
}

#undef DUSTBUST_SHUFFLE

}  // namespace dustbust
