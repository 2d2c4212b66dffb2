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

// From the range of `T` to that of its luminance; white is white.
template <class T>
constexpr float luminance_scale = largest_value<LuminanceOf<T>> / largest_value<T>;

template <class T, int channels>
inline __attribute__((always_inline)) void convert_luminance(const T* row, Index columns,
                                                             LuminanceOf<T>* __restrict out) {
    for (Index x = 0; x < columns; ++x) {
        const T* pixel = row + x * channels;
        const float value = rec601(pixel[0], pixel[1], pixel[2]) * luminance_scale<T>;
        if constexpr (std::is_same_v<T, float>) out[x] = value;
        else out[x] = static_cast<std::uint16_t>(static_cast<std::int32_t>(value + 0.5f));
    }
}

#define CONVERT(T, channels)                                                    \
    TARGET_CLONES void convert_luminance##channels(const T* row, Index columns, \
                                                   LuminanceOf<T>* out) {       \
        convert_luminance<T, channels>(row, columns, out);                      \
    }
#define CONVERTS(T) CONVERT(T, 3) CONVERT(T, 4)
CONVERTS(std::uint8_t)
CONVERTS(std::uint16_t)
CONVERTS(float)
#undef CONVERTS
#undef CONVERT

}  // namespace

template <class T>
void luminance(Image<const T> in, Image<LuminanceOf<T>> out, int threads) {
    split_over_threads(in.rows, threads, [&](Index begin, Index end) {
        for (Index y = begin; y < end; ++y)
            if (in.channels == 3) convert_luminance3(in.row(y), in.columns, out.row(y));
            else convert_luminance4(in.row(y), in.columns, out.row(y));
    });
}

template void luminance(Image<const std::uint8_t>, Image<std::uint16_t>, int);
template void luminance(Image<const std::uint16_t>, Image<std::uint16_t>, int);
template void luminance(Image<const float>, Image<float>, int);

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
