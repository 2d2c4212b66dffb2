#include "registration/warp.hpp"

#include <cmath>

#include "base/target_clones.hpp"

namespace dustbust {
namespace {

// Part of a row in which the distortion is linear: from `first` at column `start` to `last`,
// `pitch` columns further on. It is constant before and behind.
struct Stretch {
    double start, pitch;
    Point first, last;
};

// The points of columns begin..end-1 of a row from (left, y) on.
TARGET_CLONES void fill_stretch(const double* m, const Stretch& stretch, Index left, double y,
                                Index begin, Index end, Point* points) {
    const Stretch s = stretch;
    const double m0 = m[0], m3 = m[3], at_x = m[1] * y + m[2], at_y = m[4] * y + m[5];
    if (s.first.x == s.last.x && s.first.y == s.last.y) {
        for (Index k = begin; k < end; ++k) {
            const auto x = double(left + k);
            points[k].x = m0 * x + (at_x + s.first.x);
            points[k].y = m3 * x + (at_y + s.first.y);
        }
        return;
    }
    const double per_column = 1 / s.pitch;
    for (Index k = begin; k < end; ++k) {
        const auto x = double(left + k);
        double t = (x - s.start) * per_column;
        t = t > 0 ? t : 0;
        t = t < 1 ? t : 1;
        points[k].x = m0 * x + (at_x + ((1 - t) * s.first.x + t * s.last.x));
        points[k].y = m3 * x + (at_y + ((1 - t) * s.first.y + t * s.last.y));
    }
}

void forward_sources(const Warp& warp, Index left, Index y, std::vector<Point>& points) {
    const auto count = Index(points.size());
    const Distortion distortion(warp);
    if (warp.distortion.rows == 0 || warp.distortion.columns == 1) {
        const Point shift = distortion.at(0, double(y));
        fill_stretch(warp.m, {0, 1, shift, shift}, left, double(y), 0, count, points.data());
        return;
    }
    const double pitch = warp.pitch_x, last_knot = double(warp.distortion.columns - 2);
    const double knot = std::floor(std::clamp(double(left) / pitch, 0.0, last_knot));
    Stretch stretch{knot * pitch, pitch, distortion.at(knot * pitch, double(y)), {}};
    for (Index begin = 0; begin < count;) {
        const double next = stretch.start + pitch, behind = std::ceil(next) - double(left);
        const bool is_last = next >= (last_knot + 0.5) * pitch || behind >= double(count);
        const Index end = is_last ? count : std::max(begin, Index(behind));
        stretch.last = distortion.at(next, double(y));
        fill_stretch(warp.m, stretch, left, double(y), begin, end, points.data());
        begin = end;
        stretch = {next, pitch, stretch.last, {}};
    }
}

// A knot beside a place, in one direction: -1 and count - 1 stand for all before and behind.
double knot_before(double at, double pitch, Index count) {
    return at > 0 ? std::min(std::floor(at / pitch), double(count - 1)) : -1;
}

// The inverse of the distortion has to be found point by point. It is nearly linear between two
// points with the same knots around them.
class InverseSources {
public:
    InverseSources(const Warp& warp, Index left, Index y)
        : warp_(warp), distortion_(warp), left_(left), y_(double(y)) {}

    void fill(std::vector<Point>& points) const {
        const auto count = Index(points.size());
        Place here = place(0);
        for (Index at = 0; at < count;) {
            Index next = at + reach(here);
            Place there = place(next);
            while (next > at + 1 && !(here.knot_x == there.knot_x && here.knot_y == there.knot_y)) {
                next = at + (next - at) / 2;
                there = place(next);
            }
            fill_stretch(no_movement, {double(at), double(next - at), here.point, there.point}, 0,
                         0, at, std::min(next, count), points.data());
            at = next;
            here = there;
        }
    }

private:
    struct Place {
        Point point;
        double knot_x, knot_y;
    };
    static constexpr double no_movement[6] = {};
    static constexpr double longest = 64;  // px, so that the error of the linear part stays small

    Place place(Index column) const {
        const Point p = source(warp_, distortion_, double(left_ + column), y_);
        return {p, knot_before(p.x, warp_.pitch_x, warp_.distortion.columns),
                knot_before(p.y, warp_.pitch_y, warp_.distortion.rows)};
    }

    // The number of columns to about the next knot.
    Index reach(const Place& here) const {
        const double steps = std::min(steps_to_knot(here.point.x, here.knot_x, warp_.pitch_x,
                                                    warp_.distortion.columns, warp_.m[0]),
                                      steps_to_knot(here.point.y, here.knot_y, warp_.pitch_y,
                                                    warp_.distortion.rows, warp_.m[3]));
        return steps > 1 ? Index(std::min(steps, longest)) : 1;
    }

    static double steps_to_knot(double at, double knot, double pitch, Index count, double speed) {
        if (knot == (speed > 0 ? double(count - 1) : -1) || speed == 0) return longest;
        // A little less: the distortion moves the knot.
        constexpr double most = 0.97;
        return most * ((knot + (speed > 0 ? 1 : 0)) * pitch - at) / speed;
    }

    const Warp& warp_;
    const Distortion distortion_;
    const Index left_;
    const double y_;
};

}  // namespace

void sources(const Warp& warp, Index left, Index y, std::vector<Point>& points) {
    if (warp.inverse && warp.distortion.rows) InverseSources(warp, left, y).fill(points);
    else forward_sources(warp, left, y, points);
}

}  // namespace dustbust
