// The luminance of ITU-R BT.601, which is that of JPEG. The Python side reads the weights from
// here.
#pragma once

namespace dustbust {

constexpr float red_weight = 0.299f, green_weight = 0.587f, blue_weight = 0.114f;

inline float rec601(float red, float green, float blue) {
    return red_weight * red + green_weight * green + blue_weight * blue;
}

}  // namespace dustbust
