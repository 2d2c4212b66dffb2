#include "match.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

#include "parallel.hpp"
#include "vector_clones.hpp"

namespace dustbust {

using Index = std::ptrdiff_t;

namespace {

// sum += luminance, ITU-R BT.601, as everywhere in the package.
template <class T, int channels>
inline __attribute__((always_inline)) void add_luminance(const T* row, Index columns, float* __restrict sum) {
    for (Index x = 0; x < columns; ++x) {
        const T* pixel = row + x * channels;
        if constexpr (channels >= 3) sum[x] += 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];
        else sum[x] += pixel[0];
    }
}

// Vector clones cannot be templates.
#define ADD(T, channels) \
    VECTOR_CLONES void add_luminance##channels(const T* row, Index columns, float* sum) { add_luminance<T, channels>(row, columns, sum); }
#define ADDS(T) ADD(T, 1) ADD(T, 2) ADD(T, 3) ADD(T, 4)
ADDS(std::uint8_t)
ADDS(std::uint16_t)
ADDS(float)
#undef ADDS
#undef ADD

}  // namespace

template <class T>
void reduce_luminance(Image<const T> in, bool alpha, Index factor, float largest, Image<float> out, int threads) {
    const Index channels = in.channels, used = out.columns * factor;
    void (*const adders[])(const T*, Index, float*) = {add_luminance1, add_luminance2, add_luminance3, add_luminance4};
    const auto add = adders[channels - 1];
    split_over_threads(out.rows, threads, [&](Index begin, Index end) {
        std::vector<float> sum(used);
        std::vector<std::uint8_t> data(out.columns);
        for (Index y = begin; y < end; ++y) {
            std::fill(sum.begin(), sum.end(), 0.0f);
            std::fill(data.begin(), data.end(), std::uint8_t(1));
            for (Index j = 0; j < factor; ++j) {
                const T* row = in.row(y * factor + j);
                add(row, used, sum.data());
                for (Index x = 0; alpha && x < used; ++x)
                    if (!(row[x * channels + channels - 1] > 0)) data[x / factor] = 0;
            }
            const float scale = 1.0f / (largest * factor * factor);
            for (Index x = 0; x < out.columns; ++x) {
                float total = 0;
                for (Index i = 0; i < factor; ++i) total += sum[x * factor + i];
                out(y, x, 0) = total * scale;
                out(y, x, 1) = data[x];
            }
        }
    });
}

template void reduce_luminance(Image<const std::uint8_t>, bool, Index, float, Image<float>, int);
template void reduce_luminance(Image<const std::uint16_t>, bool, Index, float, Image<float>, int);
template void reduce_luminance(Image<const float>, bool, Index, float, Image<float>, int);

namespace {

// sum += sign * row, where there is data, and number += sign there. row: (columns, 2), as from reduce_luminance
VECTOR_CLONES void add_row(const float* row, float sign, Index columns, float* __restrict sum, float* __restrict number) {
    for (Index x = 0; x < columns; ++x) {
        sum[x] += sign * row[2 * x] * row[2 * x + 1];
        number[x] += sign * row[2 * x + 1];
    }
}

// number += sign where there is no data.
VECTOR_CLONES void add_unknown(const float* row, float sign, Index columns, float* __restrict number) {
    for (Index x = 0; x < columns; ++x) number[x] += sign * (1 - row[2 * x + 1]);
}

// Binomial weights.
inline float blur(float a, float b, float c, float d, float e) { return 0.0625f * (a + e) + 0.25f * (b + d) + 0.375f * c; }

VECTOR_CLONES void blur_down(const float* const* row, Index columns, float* __restrict out) {
    for (Index x = 0; x < columns; ++x) out[x] = blur(row[0][2 * x], row[1][2 * x], row[2][2 * x], row[3][2 * x], row[4][2 * x]);
}

VECTOR_CLONES void blur_across(const float* in, Index columns, float* __restrict out) {
    for (Index x = 2; x < columns - 2; ++x) out[x] = blur(in[x - 2], in[x - 1], in[x], in[x + 1], in[x + 2]);
    for (const Index x : {Index(0), Index(1), columns - 2, columns - 1}) {
        const auto at = [&](Index k) { return in[std::clamp<Index>(x + k, 0, columns - 1)]; };
        if (x >= 0 && x < columns) out[x] = blur(at(-2), at(-1), at(0), at(1), at(2));
    }
}

// Sums over windows of 2 * radius + 1 columns; outside there is nothing.
void sum_across(const float* in, Index radius, Index columns, double* __restrict out) {
    double sum = 0;
    for (Index x = 0; x < std::min(radius, columns); ++x) sum += in[x];
    for (Index x = 0; x < columns; ++x) {
        const float entering = x + radius < columns ? in[x + radius] : 0, leaving = x > radius ? in[x - radius - 1] : 0;
        sum += double(entering) - leaving;
        out[x] = sum;
    }
}

// `fine` minus the mean, where nothing near is unknown.
VECTOR_CLONES void subtract_mean(const float* fine, const double* sum, const double* number, const double* unknown, Index columns,
                                 float* __restrict out) {
    for (Index x = 0; x < columns; ++x) {
        const float detail = fine[x] - float(sum[x] / number[x]);
        out[x] = unknown[x] == 0 ? detail : std::numeric_limits<float>::quiet_NaN();
    }
}

}  // namespace

void find_details(Image<const float> in, Index radius, Image<float> out, int threads) {
    // Sums over columns run from row to row. They begin anew in each block, so that they do not depend on the number of threads.
    constexpr Index block = 128, reach = 4;
    const Index rows = in.rows, columns = in.columns;
    split_over_threads((rows + block - 1) / block, threads, [&](Index begin, Index end) {
        std::vector<float> sum(columns), number(columns), holes(columns), down(columns), fine(columns);
        std::vector<double> box(columns), count(columns), unknown(columns);
        const auto add = [&](Index y, float sign) {
            if (y >= 0 && y < rows) add_row(in.row(y), sign, columns, sum.data(), number.data());
        };
        const auto add_holes = [&](Index y, float sign) {
            if (y >= 0 && y < rows) add_unknown(in.row(y), sign, columns, holes.data());
        };
        for (Index b = begin; b < end; ++b) {
            for (auto* values : {&sum, &number, &holes}) std::fill(values->begin(), values->end(), 0.0f);
            const Index first = b * block, last = std::min(first + block, rows);
            for (Index y = first - radius - 1; y < first + radius; ++y) add(y, 1);
            for (Index y = first - reach - 1; y < first + reach; ++y) add_holes(y, 1);
            for (Index y = first; y < last; ++y) {
                add(y + radius, 1);
                add(y - radius - 1, -1);
                add_holes(y + reach, 1);
                add_holes(y - reach - 1, -1);
                const float* row[5];
                for (Index j = 0; j < 5; ++j) row[j] = in.row(std::clamp<Index>(y - 2 + j, 0, rows - 1));
                blur_down(row, columns, down.data());
                blur_across(down.data(), columns, fine.data());
                sum_across(sum.data(), radius, columns, box.data());
                sum_across(number.data(), radius, columns, count.data());
                sum_across(holes.data(), reach, columns, unknown.data());
                subtract_mean(fine.data(), box.data(), count.data(), unknown.data(), columns, out.row(y));
            }
        }
    });
}

namespace {

// A patch and a ring of one pixel around it.
constexpr Index patch_side = cell_side * patch_cells, ring_side = patch_side + 2;

// So many points are interpolated side by side: a patch and its ring, in whole vector registers.
constexpr Index block_points = (ring_side * ring_side + 7) / 8 * 8;

// Where points lie between pixels: the offset of the upper left one of the four next to each, and how far it is beyond that.
struct Places {
    std::int32_t at[block_points];
    float x[block_points], y[block_points];
};

// Four neighbours in memory, in one vector register.
typedef float Four __attribute__((vector_size(16)));

inline Four load(const float* from) {
    Four values;
    std::memcpy(&values, from, sizeof values);
    return values;
}

// Cubic convolution: R. Keys, "Cubic convolution interpolation for digital image processing", 1981.
VECTOR_CLONES void interpolate(const float* value, std::int32_t stride, const Places& places, float* __restrict out) {
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
        const Four sum = load(across[k]) * (down[0][k] * load(corner) + down[1][k] * load(corner + stride)
                                            + down[2][k] * load(corner + 2 * stride) + down[3][k] * load(corner + 3 * stride));
        std::memcpy(sums[k], &sum, sizeof sum);
    }
    for (Index k = 0; k < block_points; ++k) out[k] = (sums[k][0] + sums[k][1]) + (sums[k][2] + sums[k][3]);
}

// Set `count` places from the first one on; those that cannot be read are not known, and stand for one that can.
VECTOR_CLONES void set_places(const Image<const float>& in, const Point* points, Index count, Index first, Places& places,
                              float* __restrict known) {
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

// Whether there is a place that can be read.
bool is_large_enough(const Image<const float>& in) { return in.rows >= 4 && in.columns >= 4; }

// What is not known in both is 0 in both; b is multiplied by the gain.
VECTOR_CLONES void leave_out_unknown(float* __restrict a, float* __restrict b, float* __restrict known, float gain) {
    for (Index k = 0; k < block_points; ++k) {
        const bool both = (a[k] == a[k]) & (b[k] == b[k]) & (known[k] > 0);
        known[k] = both ? 1.0f : 0.0f;
        a[k] = both ? a[k] : 0.0f;
        b[k] = both ? gain * b[k] : 0.0f;
    }
}

// The sums over one cell. Its columns are summed apart from each other, side by side.
VECTOR_CLONES void sum_cell(const float* a, const float* b, const float* known, float limit, double* out) {
    float sums[match_terms][cell_side] = {};
    for (Index y = 0; y < cell_side; ++y, a += ring_side, b += ring_side, known += ring_side)
        for (Index x = 0; x < cell_side; ++x) {
            const float data = known[x] * known[x - 1] * known[x + 1] * known[x - ring_side] * known[x + ring_side];
            const float r = b[x] - a[x], ratio = r / limit, inside = std::max(1 - ratio * ratio, 0.0f);
            const float w = data * inside * inside;
            const float gx = 0.25f * (a[x + 1] - a[x - 1] + b[x + 1] - b[x - 1]);
            const float gy = 0.25f * (a[x + ring_side] - a[x - ring_side] + b[x + ring_side] - b[x - ring_side]);
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

void match_patches(Image<const float> first, Image<const float> second, const Warp& warp, Image<const std::int32_t> corners,
                   float gain, float limit, Image<double> out, int threads) {
    if (!is_large_enough(second)) {
        std::fill_n(out.data, out.size(), 0.0);
        return;
    }
    split_over_threads(corners.rows, threads, [&](Index begin, Index end) {
        const Bend bend(warp);
        std::vector<Point> points(ring_side);
        Places places;
        std::fill_n(places.at, block_points, std::int32_t(second.columns) + 1);
        float a[block_points] = {}, b[block_points] = {}, known[block_points] = {};
        for (Index k = begin; k < end; ++k) {
            const Index left = corners(k, 0) - 1, top = corners(k, 1) - 1;
            const bool inside = left >= 0 && top >= 0 && left + ring_side <= first.columns && top + ring_side <= first.rows;
            for (Index y = 0; y < ring_side; ++y) {
                sources(warp, bend, left, top + y, points);
                set_places(second, points.data(), ring_side, y * ring_side, places, known);
                float* to = a + y * ring_side;
                if (inside) std::copy_n(first.row(top + y) + left, ring_side, to);
                else
                    for (Index x = 0; x < ring_side; ++x) {
                        const bool here = top + y >= 0 && top + y < first.rows && left + x >= 0 && left + x < first.columns;
                        to[x] = here ? first(top + y, left + x) : std::numeric_limits<float>::quiet_NaN();
                    }
            }
            interpolate(second.data, std::int32_t(second.columns), places, b);
            leave_out_unknown(a, b, known, gain);
            for (Index cell = 0; cell < patch_cells * patch_cells; ++cell) {
                const Index at = (cell / patch_cells * cell_side + 1) * ring_side + cell % patch_cells * cell_side + 1;
                sum_cell(a + at, b + at, known + at, limit, &out(k, cell));
            }
        }
    });
}

void compare_patches(Image<const float> first, Image<const float> second, Image<const std::int32_t> corners, Index side,
                     Image<double> out, int threads) {
    const Index rows = std::min(first.rows, second.rows), columns = std::min(first.columns, second.columns);
    split_over_threads(corners.rows, threads, [&](Index begin, Index end) {
        for (Index k = begin; k < end; ++k) {
            const Index x = corners(k, 0), y = corners(k, 1);
            double sums[6] = {};
            for (Index row = std::max<Index>(y, 0); row < std::min(y + side, rows); ++row)
                for (Index column = std::max<Index>(x, 0); column < std::min(x + side, columns); ++column) {
                    const double a = first(row, column), b = second(row, column);
                    if (!(a + b == a + b)) continue;
                    const double terms[6] = {1, a, b, a * a, b * b, a * b};
                    for (int t = 0; t < 6; ++t) sums[t] += terms[t];
                }
            std::copy_n(sums, 6, out.row(k));
        }
    });
}

void warp_points(Image<const float> second, const Warp& warp, Image<const std::int32_t> at, float* out, int threads) {
    std::fill_n(out, at.rows, std::numeric_limits<float>::quiet_NaN());
    if (!is_large_enough(second)) return;
    split_over_threads((at.rows + block_points - 1) / block_points, threads, [&](Index begin, Index end) {
        const Bend bend(warp);
        std::vector<Point> points(block_points, Point{0, 0});
        Places places;
        float values[block_points], known[block_points];
        for (Index block = begin; block < end; ++block) {
            const Index first = block * block_points, count = std::min(block_points, at.rows - first);
            for (Index k = 0; k < count; ++k) points[k] = source(warp, bend, at(first + k, 0), at(first + k, 1));
            set_places(second, points.data(), block_points, 0, places, known);
            interpolate(second.data, std::int32_t(second.columns), places, values);
            for (Index k = 0; k < count; ++k)
                if (known[k] != 0) out[first + k] = values[k];
        }
    });
}

namespace {

// to -= factor * from
VECTOR_CLONES void subtract(double factor, const double* from, double* __restrict to, Index count) {
    for (Index i = 0; i < count; ++i) to[i] -= factor * from[i];
}

}  // namespace

void solve_band(Image<double> band, Image<double> b) {
    const Index count = band.rows, width = band.columns;
    // A = U' D U, row by row: what is eliminated with a row changes the rows of its band below it.
    for (Index i = 0; i < count; ++i) {
        const double* row = band.row(i);
        if (!(row[0] > 0)) throw std::invalid_argument("solve_band: the matrix is not positive definite");
        for (Index k = 1; k < width && i + k < count; ++k) {
            const double factor = row[k] / row[0];
            if (factor == 0) continue;
            subtract(factor, row + k, band.row(i + k), width - k);
            for (Index c = 0; c < b.columns; ++c) b(i + k, c) -= factor * b(i, c);
        }
    }
    for (Index i = count - 1; i >= 0; --i) {
        const double* row = band.row(i);
        for (Index c = 0; c < b.columns; ++c) {
            for (Index k = 1; k < width && i + k < count; ++k) b(i, c) -= row[k] * b(i + k, c);
            b(i, c) /= row[0];
        }
    }
}

}  // namespace dustbust
