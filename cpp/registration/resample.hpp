// A picture resampled by a coordinate transform.
#pragma once

#include <cstdint>

#include "base/image.hpp"
#include "registration/warp.hpp"

namespace dustbust {

// Part of the warped picture: `out` begins at (left, top) of the result. Colours become gain *
// value + offset, are interpolated with a Lanczos kernel and clipped to 0..largest (not if largest
// is 0). `out` has one channel more than the picture has colours: alpha, `opaque` where the picture
// has none of its own, 0 where there is no data.
template <class T>
void resample(Image<const T> in, bool alpha, const Warp& warp, std::ptrdiff_t left,
              std::ptrdiff_t top, const double* gain, const double* offset, float largest,
              float opaque, Image<T> out, int threads);

// The same for one channel, without gain and offset, which is 0 nearly everywhere: only what is not
// takes time. 0 where there is no data.
void resample_marks(Image<const std::uint8_t> in, const Warp& warp, std::ptrdiff_t left,
                    std::ptrdiff_t top, Image<std::uint8_t> out, int threads);

}  // namespace dustbust
