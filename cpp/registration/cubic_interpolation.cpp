#include "registration/cubic_interpolation.hpp"

#include <cstring>

#include "base/target_clones.hpp"

namespace dustbust {
namespace {

typedef float Four __attribute__((vector_size(16)));

inline Four load(const float* from) {
    Four values;
    std::memcpy(&values, from, sizeof values);
    return values;
}

}  // namespace

// Cubic convolution: R. Keys, "Cubic convolution interpolation for digital image processing", 1981.
TARGET_CLONES void interpolate_cubic(const float* value, std::int32_t stride,
                                     const CubicPlaces& places, float* __restrict out) {
    float across[block_points][4], down[4][block_points], sums[block_points][4];
    for (Index k = 0; k < block_points; ++k) {
        const float x = places.x[k], y = places.y[k];
        across[k][0] = ((-0.5f * x + 1) * x - 0.5f) * x;
        across[k][1] = (1.5f * x - 2.5f) * x * x + 1;
        across[k][2] = ((-1.5f * x + 2) * x + 0.5f) * x;
        across[k][3] = (0.5f * x - 0.5f) * x * x;
        down[0][k] = ((-0.5f * y + 1) * y - 0.5f) * y;
        down[1][k] = (1.5f * y - 2.5f) * y * y + 1;
        down[2][k] = ((-1.5f * y + 2) * y + 0.5f) * y;
        down[3][k] = (0.5f * y - 0.5f) * y * y;
    }
    for (Index k = 0; k < block_points; ++k) {
        const float* corner = value + places.at[k] - stride - 1;
        const Four sum =
            load(across[k]) *
            (down[0][k] * load(corner) + down[1][k] * load(corner + stride) +
             down[2][k] * load(corner + 2 * stride) + down[3][k] * load(corner + 3 * stride));
        std::memcpy(sums[k], &sum, sizeof sum);
    }
    for (Index k = 0; k < block_points; ++k)
        out[k] = (sums[k][0] + sums[k][1]) + (sums[k][2] + sums[k][3]);
}

TARGET_CLONES void set_places(const Image<const float>& in, const Point* points, Index count,
                              Index first, CubicPlaces& places, float* __restrict known) {
    const double right = double(in.columns - 2), bottom = double(in.rows - 2);
    const std::int32_t stride = std::int32_t(in.columns);
    for (Index k = 0; k < count; ++k) {
        const double x = points[k].x, y = points[k].y;
        const bool inside = (x >= 1) & (y >= 1) & (x < right) & (y < bottom);
        const double px = inside ? x : 1.0, py = inside ? y : 1.0;
        const std::int32_t column = std::int32_t(px), row = std::int32_t(py);
        places.at[first + k] = row * stride + column;
        places.x[first + k] = float(px - column);
        places.y[first + k] = float(py - row);
        known[first + k] = inside ? 1.0f : 0.0f;
    }
}

}  // namespace dustbust
