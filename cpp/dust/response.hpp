// How dust changes the values of a frame; core/dustbust/dust/response.py explains the formulas.
#pragma once

#include <algorithm>
#include <cmath>

#include "base/elementary.hpp"

namespace dustbust {

inline float square(float value) { return value * value; }

// Values (0..1) up to BLACK and from WHITE on may have been clipped. The Python side reads these
// constants from here.
constexpr double BLACK = 0.008, WHITE = 0.985;

// Standard deviation of a value from its surroundings by noise and by the steps of 8 bits.
constexpr double VALUE_NOISE = 0.004;

inline bool may_be_clipped(float value) {
    return value <= static_cast<float>(BLACK) || value >= static_cast<float>(WHITE);
}

// The least share of its speed at black at which dust still changes a value.
constexpr double SLOWEST = 0.03;

// A smaller fade counts as this where it is a divisor. Dust that lets a smaller share of the light
// pass counts as letting this share pass: such shares cannot be distinguished from 0.
constexpr double SMALLEST_FADE = 1e-3, LEAST_PASSING = 0.02;

struct Response {
    float lift, fade;

    float speed(float value) const {
        return std::max(lift - fade * value, static_cast<float>(SLOWEST) * lift);
    }
};

// The effect of dust of one density under a response.
struct DustEffect {
    float slope, offset;  // of the observed value with the clean value; the observed value of black

    DustEffect(Response response, float density) {
        const float x = response.fade * density, size = std::fabs(x);
        slope = exponential(-x);
        // Near 0 the difference would lose digits.
        const float near = 1.0f - x * 0.5f + x * x * (1.0f / 6.0f),
                    far = (1.0f - slope) / (size < 0.01f ? 1.0f : x);
        offset = response.lift * density * (size < 0.01f ? near : far);
    }

    float restored(float observed) const { return (observed - offset) / slope; }
};

}  // namespace dustbust
