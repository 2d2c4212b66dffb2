#include "registration/details.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"

namespace dustbust {
namespace {

// sum += sign * row, where there is data, and number += sign there. row: (columns, 2), as from
// reduce_luminance
TARGET_CLONES void add_row(const float* row, float sign, Index columns, float* __restrict sum,
                           float* __restrict number) {
    for (Index x = 0; x < columns; ++x) {
        sum[x] += sign * row[2 * x] * row[2 * x + 1];
        number[x] += sign * row[2 * x + 1];
    }
}

// number += sign where there is no data.
TARGET_CLONES void add_unknown(const float* row, float sign, Index columns,
                               float* __restrict number) {
    for (Index x = 0; x < columns; ++x) number[x] += sign * (1 - row[2 * x + 1]);
}

// Binomial weights.
inline float blur(float a, float b, float c, float d, float e) {
    return 0.0625f * (a + e) + 0.25f * (b + d) + 0.375f * c;
}

TARGET_CLONES void blur_down(const float* const* row, Index columns, float* __restrict out) {
    for (Index x = 0; x < columns; ++x)
        out[x] = blur(row[0][2 * x], row[1][2 * x], row[2][2 * x], row[3][2 * x], row[4][2 * x]);
}

TARGET_CLONES void blur_across(const float* in, Index columns, float* __restrict out) {
    for (Index x = 2; x < columns - 2; ++x)
        out[x] = blur(in[x - 2], in[x - 1], in[x], in[x + 1], in[x + 2]);
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
        const float entering = x + radius < columns ? in[x + radius] : 0,
                    leaving = x > radius ? in[x - radius - 1] : 0;
        sum += double(entering) - leaving;
        out[x] = sum;
    }
}

// `fine` minus the mean, where nothing near is unknown.
TARGET_CLONES void subtract_mean(const float* fine, const double* sum, const double* number,
                                 const double* unknown, Index columns, float* __restrict out) {
    for (Index x = 0; x < columns; ++x) {
        const float detail = fine[x] - float(sum[x] / number[x]);
        out[x] = unknown[x] == 0 ? detail : std::numeric_limits<float>::quiet_NaN();
    }
}

// The number of pixels of a row, which may lie outside the picture.
Index columns_of(Image<const float> in, Index y) { return y >= 0 && y < in.rows ? in.columns : 0; }

}  // namespace

void find_details(Image<const float> in, Index radius, Image<float> out, int threads) {
    // Sums over columns run from row to row. They begin anew in each block, so that they do not
    // depend on the number of threads.
    constexpr Index block = 128, reach = 4;
    const Index rows = in.rows, columns = in.columns;
    split_over_threads((rows + block - 1) / block, threads, [&](Index begin, Index end) {
        std::vector<float> sum(columns), number(columns), holes(columns), down(columns),
            fine(columns);
        std::vector<double> box(columns), count(columns), unknown(columns);
        // Rows outside the picture have nothing to add.
        const auto add = [&](Index y, float sign) {
            const Index inside = columns_of(in, y);
            add_row(in.row(std::clamp<Index>(y, 0, rows - 1)), sign, inside, sum.data(),
                    number.data());
        };
        const auto add_holes = [&](Index y, float sign) {
            const Index inside = columns_of(in, y);
            add_unknown(in.row(std::clamp<Index>(y, 0, rows - 1)), sign, inside, holes.data());
        };
        for (Index b = begin; b < end; ++b) {
            for (auto* values : {&sum, &number, &holes})
                std::fill(values->begin(), values->end(), 0.0f);
            const Index first = b * block, last = std::min(first + block, rows);
            for (Index y = first - radius - 1; y < first + radius; ++y) add(y, 1);
            for (Index y = first - reach - 1; y < first + reach; ++y) add_holes(y, 1);
            for (Index y = first; y < last; ++y) {
                add(y + radius, 1);
                add(y - radius - 1, -1);
                add_holes(y + reach, 1);
                add_holes(y - reach - 1, -1);
                const float* row[5];
                for (Index j = 0; j < 5; ++j)
                    row[j] = in.row(std::clamp<Index>(y - 2 + j, 0, rows - 1));
                blur_down(row, columns, down.data());
                blur_across(down.data(), columns, fine.data());
                sum_across(sum.data(), radius, columns, box.data());
                sum_across(number.data(), radius, columns, count.data());
                sum_across(holes.data(), reach, columns, unknown.data());
                subtract_mean(fine.data(), box.data(), count.data(), unknown.data(), columns,
                              out.row(y));
            }
        }
    });
}

}  // namespace dustbust
