#include "registration/resample.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"

namespace dustbust {
namespace {

// Taps in each direction, and steps between two pixels at which their weights are tabulated.
constexpr int taps = 6, before = 2, phases = 1024;

// Lanczos weights with three lobes, each set adding up to 1: K. Turkowski, "Filters for common
// resampling tasks", Graphics Gems I, 1990. On scanned text they lose about a third of what cubic
// convolution loses. At whole pixels they are 0 and 1.
const float* lanczos_weights(double fraction) {
    static const std::vector<float> table = [] {
        std::vector<float> weights((phases + 1) * taps, 0.0f);
        for (int phase = 0; phase <= phases; ++phase) {
            double sum = 0, row[taps];
            for (int i = 0; i < taps; ++i) {
                const double pi = 3.14159265358979323846,
                             t = pi * (i - before - phase / double(phases));
                const bool whole = phase % phases == 0;
                row[i] = whole ? (i == before + phase / phases)
                               : 3 * std::sin(t) * std::sin(t / 3) / (t * t);
                sum += row[i];
            }
            for (int i = 0; i < taps; ++i) weights[phase * taps + i] = float(row[i] / sum);
        }
        return weights;
    }();
    return table.data() + std::lround(fraction * phases) * taps;
}

template <class T>
T to_pixel(float value, float largest) {
    if (largest > 0) value = std::clamp(value, 0.0f, largest);
    if constexpr (std::is_same_v<T, float>) return value;
    else return static_cast<T>(value + 0.5f);
}

// Whole vector registers are read: up to this many pixels beyond the taps.
constexpr Index read_ahead = 2;

// The weighted sums over taps x taps pixels from `corner` on, all of them inside the picture. ->
// whether all have data
template <class T, int channels>
inline __attribute__((always_inline)) bool inner_sums(const T* corner, Index stride,
                                                      const float* wx, const float* wy, int alpha,
                                                      float* sums) {
    // First down the columns, then across: the first loop runs over neighbours in memory.
    constexpr int lanes = (taps * channels + 7) / 8 * 8;
    float columns[lanes] = {};
    bool data = true;
    for (int j = 0; j < taps; ++j) {
        const T* row = corner + j * stride;
        const float w = wy[j];
        for (int i = 0; i < lanes; ++i) columns[i] += w * float(row[i]);
        if (alpha >= 0 && w != 0)
            for (int i = 0; i < taps; ++i) data &= row[i * channels + alpha] > 0 || wx[i] == 0;
    }
    for (int c = 0; c < channels; ++c) {
        float sum = 0;
        for (int i = 0; i < taps; ++i) sum += wx[i] * columns[i * channels + c];
        sums[c] = sum;
    }
    return data;
}

// The same where some lie outside: the pixels at the border stand for them.
template <class T>
bool border_sums(Image<const T> in, Index x0, Index y0, const float* wx, const float* wy, int alpha,
                 float* sums) {
    std::fill_n(sums, in.channels, 0.0f);
    for (int j = 0; j < taps; ++j)
        for (int i = 0; i < taps; ++i) {
            const float w = wx[i] * wy[j];
            if (w == 0) continue;
            const T* pixel = &in(std::clamp<Index>(y0 - before + j, 0, in.rows - 1),
                                 std::clamp<Index>(x0 - before + i, 0, in.columns - 1));
            if (alpha >= 0 && !(pixel[alpha] > 0)) return false;
            for (Index c = 0; c < in.channels; ++c) sums[c] += w * float(pixel[c]);
        }
    return true;
}

struct Colours {
    const double *gain, *offset;
    float largest, opaque;
};

template <class T, int channels>
inline __attribute__((always_inline)) void resample_row(Image<const T> in, bool has_alpha,
                                                        const Point* points, Colours scale,
                                                        Image<T> out, Index y) {
    // Where a pixel lies on the last row or column but for rounding, it is inside.
    constexpr double slack = 1e-3;
    const int colours = channels - (has_alpha ? 1 : 0), alpha = has_alpha ? colours : -1;
    T* to = out.row(y);
    for (Index x = 0; x < out.columns; ++x, to += colours + 1) {
        std::fill_n(to, colours + 1, T(0));
        const Point p = points[x];
        if (!(p.x >= -slack && p.y >= -slack && p.x <= in.columns - 1 + slack &&
              p.y <= in.rows - 1 + slack))
            continue;
        const Index x0 = Index(p.x + slack), y0 = Index(p.y + slack);
        const float *wx = lanczos_weights(std::max(p.x - x0, 0.0)),
                    *wy = lanczos_weights(std::max(p.y - y0, 0.0));
        float sums[channels];
        const bool inside = x0 >= before && y0 >= before &&
                            x0 - before + taps + read_ahead <= in.columns &&
                            y0 - before + taps <= in.rows;
        const bool data = inside
                              ? inner_sums<T, channels>(&in(y0 - before, x0 - before),
                                                        in.columns * channels, wx, wy, alpha, sums)
                              : border_sums(in, x0, y0, wx, wy, alpha, sums);
        if (!data) continue;
        for (int c = 0; c < colours; ++c)
            to[c] =
                to_pixel<T>(float(scale.gain[c]) * sums[c] + float(scale.offset[c]), scale.largest);
        to[colours] = has_alpha ? std::max(to_pixel<T>(sums[colours], scale.opaque),
                                           std::is_same_v<T, float> ? T(1e-6f) : T(1))
                                : T(scale.opaque);
    }
}

// Vector clones cannot be templates.
#define ROW(T, channels)                                                                 \
    TARGET_CLONES void row##channels(Image<const T> in, bool alpha, const Point* points, \
                                     Colours scale, Image<T> out, Index y) {             \
        resample_row<T, channels>(in, alpha, points, scale, out, y);                     \
    }
#define ROWS(T) ROW(T, 1) ROW(T, 2) ROW(T, 3) ROW(T, 4)
ROWS(std::uint8_t)
ROWS(std::uint16_t)
ROWS(float)
#undef ROWS
#undef ROW

}  // namespace

template <class T>
void resample(Image<const T> in, bool alpha, const Warp& warp, Index left, Index top,
              const double* gain, const double* offset, float largest, float opaque, Image<T> out,
              int threads) {
    const Colours scale{gain, offset, largest, opaque};
    split_over_threads(out.rows, threads, [&](Index begin, Index end) {
        const Distortion distortion(warp);
        std::vector<Point> points(out.columns);
        for (Index y = begin; y < end; ++y) {
            sources(warp, distortion, left, top + y, points);
            switch (in.channels) {
                case 1:
                    row1(in, alpha, points.data(), scale, out, y);
                    break;
                case 2:
                    row2(in, alpha, points.data(), scale, out, y);
                    break;
                case 3:
                    row3(in, alpha, points.data(), scale, out, y);
                    break;
                default:
                    row4(in, alpha, points.data(), scale, out, y);
            }
        }
    });
}

template void resample(Image<const std::uint8_t>, bool, const Warp&, Index, Index, const double*,
                       const double*, float, float, Image<std::uint8_t>, int);
template void resample(Image<const std::uint16_t>, bool, const Warp&, Index, Index, const double*,
                       const double*, float, float, Image<std::uint16_t>, int);
template void resample(Image<const float>, bool, const Warp&, Index, Index, const double*,
                       const double*, float, float, Image<float>, int);

}  // namespace dustbust
