#include "registration/patches.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"
#include "registration/cubic_interpolation.hpp"

namespace dustbust {
namespace {

// A patch and a ring of one pixel around it.
constexpr Index patch_side = cell_side * patch_cells, ring_side = patch_side + 2;
static_assert(ring_side * ring_side <= block_points,
              "a patch and its ring are interpolated as one block of points");

// Set pixels that are not known in both to 0 in both, and multiply b by the gain.
TARGET_CLONES void leave_out_unknown(float* __restrict a, float* __restrict b,
                                     float* __restrict known, float gain) {
    for (Index k = 0; k < block_points; ++k) {
        const bool both = (a[k] == a[k]) & (b[k] == b[k]) & (known[k] > 0);
        known[k] = both ? 1.0f : 0.0f;
        a[k] = both ? a[k] : 0.0f;
        b[k] = both ? gain * b[k] : 0.0f;
    }
}

// The sums over one cell. Its columns are summed apart from each other, side by side.
TARGET_CLONES void sum_cell(const float* a, const float* b, const float* known, float limit,
                            double* out) {
    float sums[match_terms][cell_side] = {};
    for (Index y = 0; y < cell_side; ++y, a += ring_side, b += ring_side, known += ring_side)
        for (Index x = 0; x < cell_side; ++x) {
            const float data = known[x] * known[x - 1] * known[x + 1] * known[x - ring_side] *
                               known[x + ring_side];
            const float r = b[x] - a[x], ratio = r / limit,
                        inside = std::max(1 - ratio * ratio, 0.0f);
            const float w = data * inside * inside;
            const float gx = 0.25f * (a[x + 1] - a[x - 1] + b[x + 1] - b[x - 1]);
            const float gy =
                0.25f * (a[x + ring_side] - a[x - ring_side] + b[x + ring_side] - b[x - ring_side]);
            const float first = data * a[x], second = data * b[x];
            sums[0][x] += w;
            sums[1][x] += w * gx;
            sums[2][x] += w * gy;
            sums[3][x] += w * r;
            sums[4][x] += w * gx * gx;
            sums[5][x] += w * gx * gy;
            sums[6][x] += w * gy * gy;
            sums[7][x] += w * gx * r;
            sums[8][x] += w * gy * r;
            sums[9][x] += w * r * r;
            sums[10][x] += data;
            sums[11][x] += first;
            sums[12][x] += second;
            sums[13][x] += first * a[x];
            sums[14][x] += second * b[x];
            sums[15][x] += first * b[x];
        }
    for (Index t = 0; t < match_terms; ++t) {
        double sum = 0;
        for (Index x = 0; x < cell_side; ++x) sum += sums[t][x];
        out[t] = sum;
    }
}

}  // namespace

void match_patches(Image<const float> first, Image<const float> second, const Warp& warp,
                   Image<const std::int32_t> corners, float gain, float limit, Image<double> out,
                   int threads) {
    if (!is_large_enough(second)) {
        std::fill_n(out.data, out.size(), 0.0);
        return;
    }
    split_over_threads(corners.rows, threads, [&](Index begin, Index end) {
        std::vector<Point> points(ring_side);
        CubicPlaces places;
        std::fill_n(places.at, block_points, std::int32_t(second.columns) + 1);
        float a[block_points] = {}, b[block_points] = {}, known[block_points] = {};
        for (Index k = begin; k < end; ++k) {
            const Index left = Index{corners(k, 0)} - 1, top = Index{corners(k, 1)} - 1;
            const bool inside = left >= 0 && top >= 0 && left + ring_side <= first.columns &&
                                top + ring_side <= first.rows;
            for (Index y = 0; y < ring_side; ++y) {
                sources(warp, left, top + y, points);
                set_places(second, points.data(), ring_side, y * ring_side, places, known);
                float* to = a + y * ring_side;
                if (inside) std::copy_n(first.row(top + y) + left, ring_side, to);
                else
                    for (Index x = 0; x < ring_side; ++x) {
                        const bool present = top + y >= 0 && top + y < first.rows &&
                                             left + x >= 0 && left + x < first.columns;
                        to[x] = present ? first(top + y, left + x)
                                        : std::numeric_limits<float>::quiet_NaN();
                    }
            }
            interpolate_cubic(second.data, std::int32_t(second.columns), places, b);
            leave_out_unknown(a, b, known, gain);
            for (Index cell = 0; cell < patch_cells * patch_cells; ++cell) {
                const Index at = (cell / patch_cells * cell_side + 1) * ring_side +
                                 cell % patch_cells * cell_side + 1;
                sum_cell(a + at, b + at, known + at, limit, &out(k, cell));
            }
        }
    });
}

void compare_patches(Image<const float> first, Image<const float> second,
                     Image<const std::int32_t> corners, Index side, Image<double> out,
                     int threads) {
    const Index rows = std::min(first.rows, second.rows),
                columns = std::min(first.columns, second.columns);
    split_over_threads(corners.rows, threads, [&](Index begin, Index end) {
        for (Index k = begin; k < end; ++k) {
            const Index x = corners(k, 0), y = corners(k, 1);
            double sums[6] = {};
            for (Index row = std::max<Index>(y, 0); row < std::min(y + side, rows); ++row)
                for (Index column = std::max<Index>(x, 0); column < std::min(x + side, columns);
                     ++column) {
                    const double a = first(row, column), b = second(row, column);
                    if (!(a + b == a + b)) continue;
                    const double terms[6] = {1, a, b, a * a, b * b, a * b};
                    for (int t = 0; t < 6; ++t) sums[t] += terms[t];
                }
            std::copy_n(sums, 6, out.row(k));
        }
    });
}

void warp_points(Image<const float> second, const Warp& warp, Image<const std::int32_t> at,
                 float* out, int threads) {
    std::fill_n(out, at.rows, std::numeric_limits<float>::quiet_NaN());
    if (!is_large_enough(second)) return;
    split_over_threads(
        (at.rows + block_points - 1) / block_points, threads, [&](Index begin, Index end) {
            const Distortion distortion(warp);
            std::vector<Point> points(block_points, Point{0, 0});
            CubicPlaces places;
            float values[block_points], known[block_points];
            for (Index block = begin; block < end; ++block) {
                const Index first = block * block_points,
                            count = std::min(block_points, at.rows - first);
                for (Index k = 0; k < count; ++k)
                    points[k] = source(warp, distortion, at(first + k, 0), at(first + k, 1));
                set_places(second, points.data(), block_points, 0, places, known);
                interpolate_cubic(second.data, std::int32_t(second.columns), places, values);
                for (Index k = 0; k < count; ++k)
                    if (known[k] != 0) out[first + k] = values[k];
            }
        });
}

}  // namespace dustbust
