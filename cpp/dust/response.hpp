// How a frame shows dust; the formulas are explained in core/dustbust/response.py.
#pragma once

#include <algorithm>
#include <cmath>

namespace dustbust {

inline float square(float value) { return value * value; }

// Values nearer than these to black or white may be clipped.
struct Limits {
    float black, white;

    bool clip(float value) const { return value <= black || value >= white; }
};

struct Response {
    float lift, fade;

    float speed(float value) const { return std::max(lift - fade * value, 0.03f * lift); }
};

// What dust of one density does under a response.
struct Shown {
    float slope, offset;  // of the observed value with the clean value; the observed value of black

    Shown(Response response, float density) {
        const float x = response.fade * density;
        slope = std::exp(-x);
        // Near 0 the difference would lose digits.
        offset = response.lift * density *
                 (std::abs(x) < 0.01f ? 1 - x / 2 + x * x / 6 : (1 - slope) / x);
    }

    float restored(float observed) const { return (observed - offset) / slope; }
};

}  // namespace dustbust
