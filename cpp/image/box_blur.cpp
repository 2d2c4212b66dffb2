#include "image/box_blur.hpp"

#include <algorithm>
#include <vector>

#include "base/parallel.hpp"

namespace dustbust {

namespace {

// Means across the rows begin..end-1.
void blur_rows(Image<const float> in, std::ptrdiff_t radius, std::ptrdiff_t begin,
               std::ptrdiff_t end, float* out) {
    const std::ptrdiff_t columns = in.columns;
    for (std::ptrdiff_t y = begin; y < end; ++y) {
        const float* from = in.row(y);
        float* to = out + y * columns;
        double sum = 0;
        for (std::ptrdiff_t x = 0; x < std::min(radius, columns); ++x) sum += from[x];
        for (std::ptrdiff_t x = 0; x < columns; ++x) {
            if (x + radius < columns) sum += from[x + radius];
            if (x - radius - 1 >= 0) sum -= from[x - radius - 1];
            const std::ptrdiff_t count =
                std::min(x + radius, columns - 1) - std::max<std::ptrdiff_t>(x - radius, 0) + 1;
            to[x] = static_cast<float>(sum / static_cast<double>(count));
        }
    }
}

// Means down the columns begin..end-1, all of them at once from row to row.
void blur_columns(const float* in, std::ptrdiff_t radius, std::ptrdiff_t begin, std::ptrdiff_t end,
                  Image<float> out) {
    const std::ptrdiff_t rows = out.rows, columns = out.columns;
    std::vector<double> sum(end - begin, 0.0);
    const auto add = [&](std::ptrdiff_t y, double sign) {
        const float* from = in + y * columns;
        for (std::ptrdiff_t x = begin; x < end; ++x) sum[x - begin] += sign * from[x];
    };
    for (std::ptrdiff_t y = 0; y < std::min(radius, rows); ++y) add(y, 1);
    for (std::ptrdiff_t y = 0; y < rows; ++y) {
        if (y + radius < rows) add(y + radius, 1);
        if (y - radius - 1 >= 0) add(y - radius - 1, -1);
        const std::ptrdiff_t count =
            std::min(y + radius, rows - 1) - std::max<std::ptrdiff_t>(y - radius, 0) + 1;
        float* to = out.row(y);
        for (std::ptrdiff_t x = begin; x < end; ++x)
            to[x] = static_cast<float>(sum[x - begin] / static_cast<double>(count));
    }
}

}  // namespace

void box_blur(Image<const float> in, Image<float> out, std::ptrdiff_t radius, int threads) {
    std::vector<float> across(in.size());
    split_over_threads(in.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        blur_rows(in, radius, begin, end, across.data());
    });
    split_over_threads(in.columns, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        blur_columns(across.data(), radius, begin, end, out);
    });
}

}  // namespace dustbust
