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

class Distortion {
public:
    explicit Distortion(const Warp& warp) : warp_(warp) {}

    void at(double x, double y, double& dx, double& dy) const {
        dx = dy = 0;
        const auto& knots = warp_.distortion;
        if (knots.rows == 0) return;
        // A place that is not a number, as after an overflow, counts as 0.
        const auto within = [](double at, std::ptrdiff_t count) {
            return at > 0 ? std::min(at, double(count - 1)) : 0.0;
        };
        const double v = within(y / warp_.pitch_y, knots.rows),
                     u = within(x / warp_.pitch_x, knots.columns);
        const auto before = [](double at, std::ptrdiff_t count) {
            return std::min<std::ptrdiff_t>(std::ptrdiff_t(at),
                                            std::max<std::ptrdiff_t>(count - 2, 0));
        };
        const std::ptrdiff_t y0 = before(v, knots.rows), x0 = before(u, knots.columns);
        const std::ptrdiff_t y1 = std::min(y0 + 1, knots.rows - 1),
                             x1 = std::min(x0 + 1, knots.columns - 1);
        const double ty = v - y0, tx = u - x0;
        const auto mix = [&](std::ptrdiff_t c) {
            const double above = (1 - tx) * knots(y0, x0, c) + tx * knots(y0, x1, c);
            const double below = (1 - tx) * knots(y1, x0, c) + tx * knots(y1, x1, c);
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

inline Point source(const Warp& warp, const Distortion& distortion, double x, double y) {
    const double* m = warp.m;
    double dx, dy;
    if (!warp.inverse) {
        distortion.at(x, y, dx, dy);
        return {m[0] * x + m[1] * y + m[2] + dx, m[3] * x + m[4] * y + m[5] + dy};
    }
    Point p{m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]};
    // Distortions are smooth: each round shrinks the error by the slope of the distortion, some
    // hundredths.
    for (int round = 0; warp.distortion.rows && round < 3; ++round) {
        distortion.at(p.x, p.y, dx, dy);
        p = {m[0] * (x - dx) + m[1] * (y - dy) + m[2], m[3] * (x - dx) + m[4] * (y - dy) + m[5]};
    }
    return p;
}

// The sources of a row of the result, from (left, y) on.
inline void sources(const Warp& warp, const Distortion& distortion, std::ptrdiff_t left,
                    std::ptrdiff_t y, std::vector<Point>& points) {
    const std::ptrdiff_t count = points.size();
    if (warp.distortion.rows && (warp.inverse || warp.distortion.columns > 1)) {
        for (std::ptrdiff_t x = 0; x < count; ++x)
            points[x] = source(warp, distortion, double(left + x), double(y));
        return;
    }
    double dx, dy;
    distortion.at(0, double(y), dx, dy);
    const double* m = warp.m;
    for (std::ptrdiff_t x = 0; x < count; ++x) {
        const double px = double(left + x);
        points[x] = {m[0] * px + m[1] * y + m[2] + dx, m[3] * px + m[4] * y + m[5] + dy};
    }
}

}  // namespace dustbust
