// A coordinate transform between two pictures: affine, and a smooth distortion.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/image.hpp"

namespace dustbust {

// Where a pixel of the result lies in the picture: q = M p + distortion(p), p and q being (x, y),
// pixel centres at whole numbers.
struct Warp {
    double m[6];                    // first two rows of M
    Image<const float> distortion;  // (rows, columns, 2), in px of the picture; no rows: none.
                                    // Linear between the knots, constant outside them.
    double pitch_x, pitch_y;        // distance of its knots, px of the result
    bool inverse;  // the other way: the result has the coordinates q, the picture p; M is then that
                   // of p = M (q - distortion(p))
};

struct Point {
    double x, y;
};

class Distortion {
public:
    explicit Distortion(const Warp& warp) : warp_(warp) {}

    Point at(double x, double y) const {
        const auto& knots = warp_.distortion;
        if (knots.rows == 0) return {0, 0};
        // A place that is not a number (after an overflow) counts as 0.
        const auto within = [](double at, std::ptrdiff_t count) {
            return at > 0 ? std::min(at, double(count - 1)) : 0.0;
        };
        const double v = within(y / warp_.pitch_y, knots.rows),
                     u = within(x / warp_.pitch_x, knots.columns);
        const auto y0 = std::ptrdiff_t(v), x0 = std::ptrdiff_t(u);
        const std::ptrdiff_t y1 = std::min(y0 + 1, knots.rows - 1),
                             x1 = std::min(x0 + 1, knots.columns - 1);
        const double ty = v - y0, tx = u - x0;
        const auto mix = [&](std::ptrdiff_t c) {
            const double above = (1 - tx) * knots(y0, x0, c) + tx * knots(y0, x1, c);
            const double below = (1 - tx) * knots(y1, x0, c) + tx * knots(y1, x1, c);
            return (1 - ty) * above + ty * below;
        };
        return {mix(0), mix(1)};
    }

private:
    const Warp& warp_;
};

inline Point source(const Warp& warp, const Distortion& distortion, double x, double y) {
    const double* m = warp.m;
    if (!warp.inverse) {
        const Point d = distortion.at(x, y);
        return {m[0] * x + m[1] * y + m[2] + d.x, m[3] * x + m[4] * y + m[5] + d.y};
    }
    const auto back = [&](Point d) {
        return Point{m[0] * (x - d.x) + m[1] * (y - d.y) + m[2],
                     m[3] * (x - d.x) + m[4] * (y - d.y) + m[5]};
    };
    Point p = back({0, 0});
    // Distortions are smooth: each round shrinks the error by the slope of the distortion, some
    // hundredths.
    for (int round = 0; warp.distortion.rows && round < 3; ++round)
        p = back(distortion.at(p.x, p.y));
    return p;
}

// The sources of a row of the result, from (left, y) on: the results of `source`, for an inverse
// distortion with an error of some millionths of a pixel.
void sources(const Warp& warp, std::ptrdiff_t left, std::ptrdiff_t y, std::vector<Point>& points);

}  // namespace dustbust
