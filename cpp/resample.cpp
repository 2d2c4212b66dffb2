#include "resample.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "parallel.hpp"

namespace dustbust {
namespace {

using Index = std::ptrdiff_t;

// Catmull-Rom weights: cubic convolution with a = -1/2, the only one of third order.
// R. Keys, "Cubic convolution interpolation for digital image processing", 1981.
void cubic_weights(float t, float* w) {
    w[0] = ((-0.5f * t + 1.0f) * t - 0.5f) * t;
    w[1] = (1.5f * t - 2.5f) * t * t + 1.0f;
    w[2] = ((-1.5f * t + 2.0f) * t + 0.5f) * t;
    w[3] = (0.5f * t - 0.5f) * t * t;
}

class Bend {
public:
    explicit Bend(const Warp& warp) : warp_(warp) {}

    void at(double x, double y, double& dx, double& dy) const {
        dx = dy = 0;
        const auto& knots = warp_.bend;
        if (knots.rows == 0) return;
        const double v = std::clamp(y / warp_.pitch_y, 0.0, double(knots.rows - 1)), u = std::clamp(x / warp_.pitch_x, 0.0, double(knots.columns - 1));
        const Index y0 = std::min<Index>(Index(v), std::max<Index>(knots.rows - 2, 0)), x0 = std::min<Index>(Index(u), std::max<Index>(knots.columns - 2, 0));
        const Index y1 = std::min(y0 + 1, knots.rows - 1), x1 = std::min(x0 + 1, knots.columns - 1);
        const double ty = v - y0, tx = u - x0;
        const auto mix = [&](Index c) {
            const double above = (1 - tx) * knots(y0, x0, c) + tx * knots(y0, x1, c), below = (1 - tx) * knots(y1, x0, c) + tx * knots(y1, x1, c);
            return (1 - ty) * above + ty * below;
        };
        dx = mix(0);
        dy = mix(1);
    }

private:
    const Warp& warp_;
};

struct Point {
    double x, y;
};

Point source(const Warp& warp, const Bend& bend, double x, double y) {
    const double* m = warp.m;
    double dx, dy;
    if (!warp.inverse) {
        bend.at(x, y, dx, dy);
        return {m[0] * x + m[1] * y + m[2] + dx, m[3] * x + m[4] * y + m[5] + dy};
    }
    Point p{m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]};
    // Bends are smooth: each round shrinks the error by the slope of the bend, some hundredths.
    for (int round = 0; warp.bend.rows && round < 3; ++round) {
        bend.at(p.x, p.y, dx, dy);
        p = {m[0] * (x - dx) + m[1] * (y - dy) + m[2], m[3] * (x - dx) + m[4] * (y - dy) + m[5]};
    }
    return p;
}

template <class T>
T to_pixel(float value, float largest) {
    if (largest > 0) value = std::clamp(value, 0.0f, largest);
    if constexpr (std::is_same_v<T, float>) return value;
    else return static_cast<T>(value + 0.5f);
}

}  // namespace

template <class T>
void resample(Image<const T> in, bool alpha, const Warp& warp, Index left, Index top, const double* gain, const double* offset,
              float largest, float opaque, Image<T> out, int threads) {
    const Index colours = out.channels - 1;
    // Where a pixel lies on the last row or column but for rounding, it is inside.
    constexpr double slack = 1e-3;
    split_over_threads(out.rows, threads, [&](Index begin, Index end) {
        const Bend bend(warp);
        for (Index y = begin; y < end; ++y) {
            T* to = out.row(y);
            for (Index x = 0; x < out.columns; ++x, to += out.channels) {
                std::fill_n(to, out.channels, T(0));
                const Point p = source(warp, bend, double(left + x), double(top + y));
                if (!(p.x >= -slack && p.y >= -slack && p.x <= in.columns - 1 + slack && p.y <= in.rows - 1 + slack)) continue;
                const Index x0 = Index(std::floor(p.x + slack)), y0 = Index(std::floor(p.y + slack));
                float wx[4], wy[4];
                cubic_weights(std::max(float(p.x - x0), 0.0f), wx);
                cubic_weights(std::max(float(p.y - y0), 0.0f), wy);
                Index columns[4], rows[4];
                for (int i = 0; i < 4; ++i) {
                    columns[i] = std::clamp<Index>(x0 - 1 + i, 0, in.columns - 1) * in.channels;
                    rows[i] = std::clamp<Index>(y0 - 1 + i, 0, in.rows - 1);
                }
                float sum[4] = {0, 0, 0, 0};
                bool has_data = true;
                for (int j = 0; j < 4 && has_data; ++j) {
                    if (wy[j] == 0) continue;
                    const T* row = in.row(rows[j]);
                    for (int i = 0; i < 4; ++i) {
                        if (wx[i] == 0) continue;
                        const T* pixel = row + columns[i];
                        if (alpha && !(pixel[colours] > 0)) {
                            has_data = false;
                            break;
                        }
                        const float w = wx[i] * wy[j];
                        for (Index c = 0; c < colours + (alpha ? 1 : 0); ++c) sum[c] += w * pixel[c];
                    }
                }
                if (!has_data) continue;
                for (Index c = 0; c < colours; ++c) to[c] = to_pixel<T>(float(gain[c]) * sum[c] + float(offset[c]), largest);
                to[colours] = alpha ? std::max(to_pixel<T>(sum[colours], opaque), std::is_same_v<T, float> ? T(1e-6f) : T(1)) : T(opaque);
            }
        }
    });
}

template void resample(Image<const std::uint8_t>, bool, const Warp&, Index, Index, const double*, const double*, float, float, Image<std::uint8_t>, int);
template void resample(Image<const std::uint16_t>, bool, const Warp&, Index, Index, const double*, const double*, float, float, Image<std::uint16_t>, int);
template void resample(Image<const float>, bool, const Warp&, Index, Index, const double*, const double*, float, float, Image<float>, int);

}  // namespace dustbust
