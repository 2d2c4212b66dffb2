// A picture seen through a coordinate transform.
#pragma once

#include "image.hpp"

namespace dustbust {

// Where a pixel of the result lies in the picture: q = M p + bend(p), p and q being (x, y), pixel centres at whole numbers.
struct Warp {
    double m[6];               // first two rows of M
    Image<const float> bend;   // (rows, columns, 2), in px of the picture; no rows: none. Linear between the knots, constant outside them.
    double pitch_x, pitch_y;   // distance of its knots, px of the result
    bool inverse;              // the other way: the result has the coordinates q, the picture p; M is then that of p = M (q - bend(p))
};

// Part of the warped picture: `out` begins at (left, top) of the result. Colours become gain * value + offset, are
// interpolated with a Lanczos kernel and clipped to 0..largest (not if largest is 0). `out` has one channel more than the picture has
// colours: alpha, `opaque` where the picture has none of its own, 0 where there is no data.
template <class T>
void resample(Image<const T> in, bool alpha, const Warp& warp, std::ptrdiff_t left, std::ptrdiff_t top, const double* gain, const double* offset,
              float largest, float opaque, Image<T> out, int threads);

}  // namespace dustbust
