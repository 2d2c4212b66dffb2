#include "image/luminance.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"
#include "image/rec601.hpp"

namespace dustbust {
namespace {

// sum += luminance
template <class T, int channels>
inline __attribute__((always_inline)) void add_luminance(const T* row, Index columns,
                                                         float* __restrict sum) {
    for (Index x = 0; x < columns; ++x) {
        const T* pixel = row + x * channels;
        if constexpr (channels >= 3) sum[x] += rec601(pixel[0], pixel[1], pixel[2]);
        else sum[x] += pixel[0];
    }
}

// Vector clones cannot be templates.
#define ADD(T, channels)                                                                  \
    TARGET_CLONES void add_luminance##channels(const T* row, Index columns, float* sum) { \
        add_luminance<T, channels>(row, columns, sum);                                    \
    }
#define ADDS(T) ADD(T, 1) ADD(T, 2) ADD(T, 3) ADD(T, 4)
ADDS(std::uint8_t)
ADDS(std::uint16_t)
ADDS(float)
#undef ADDS
#undef ADD

}  // namespace

template <class T>
void reduce_luminance(Image<const T> in, bool alpha, Index factor, float largest, Image<float> out,
                      int threads) {
    const Index channels = in.channels, used = out.columns * factor;
    void (*const adders[])(const T*, Index, float*) = {add_luminance1, add_luminance2,
                                                       add_luminance3, add_luminance4};
    const auto add = adders[channels - 1];
    split_over_threads(out.rows, threads, [&](Index begin, Index end) {
        std::vector<float> sum(used);
        std::vector<std::uint8_t> data(out.columns);
        for (Index y = begin; y < end; ++y) {
            std::fill(sum.begin(), sum.end(), 0.0f);
            std::fill(data.begin(), data.end(), std::uint8_t(1));
            for (Index j = 0; j < factor; ++j) {
                const T* row = in.row(y * factor + j);
                add(row, used, sum.data());
                for (Index x = 0; alpha && x < used; ++x)
                    if (!(row[x * channels + channels - 1] > 0)) data[x / factor] = 0;
            }
            const float scale = 1.0f / (largest * factor * factor);
            for (Index x = 0; x < out.columns; ++x) {
                float total = 0;
                for (Index i = 0; i < factor; ++i) total += sum[x * factor + i];
                out(y, x, 0) = total * scale;
                out(y, x, 1) = data[x];
            }
        }
    });
}

template void reduce_luminance(Image<const std::uint8_t>, bool, Index, float, Image<float>, int);
template void reduce_luminance(Image<const std::uint16_t>, bool, Index, float, Image<float>, int);
template void reduce_luminance(Image<const float>, bool, Index, float, Image<float>, int);

}  // namespace dustbust
