// Values of a picture between its pixels, many points at once.
#pragma once

#include <cstdint>

#include "base/image.hpp"
#include "registration/warp.hpp"

namespace dustbust {

// Number of points that are interpolated side by side, in whole vector registers.
constexpr Index block_points = 328;

// Where points lie between pixels: the offset of the upper left of the four pixels next to each
// point, and the distances of the point from that pixel.
struct CubicPlaces {
    std::int32_t at[block_points];
    float x[block_points], y[block_points];
};

// Cubic convolution of `value`, a picture of rows of `stride` pixels, at each of the places.
void interpolate_cubic(const float* value, std::int32_t stride, const CubicPlaces& places,
                       float* out);

// Set `count` places from the first one on. A place that cannot be read counts as not known, and
// gets the offset of one that can.
void set_places(const Image<const float>& in, const Point* points, Index count, Index first,
                CubicPlaces& places, float* known);

// Whether there is a place that can be read.
inline bool is_large_enough(const Image<const float>& in) {
    return in.rows >= 4 && in.columns >= 4;
}

}  // namespace dustbust
