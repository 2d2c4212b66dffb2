#include "image/box_blur.hpp"

#include <algorithm>
#include <vector>

#include "base/parallel.hpp"

namespace dustbust {

void box_blur(Image<const float> in, Image<float> out, std::ptrdiff_t radius, int threads) {
    const std::ptrdiff_t rows = in.rows, columns = in.columns;
    std::vector<float> across(rows * columns);

    split_over_threads(rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t y = begin; y < end; ++y) {
            const float* from = in.row(y);
            float* to = across.data() + y * columns;
            double sum = 0;
            for (std::ptrdiff_t x = 0; x < std::min(radius, columns); ++x) sum += from[x];
            for (std::ptrdiff_t x = 0; x < columns; ++x) {
                if (x + radius < columns) sum += from[x + radius];
                if (x - radius - 1 >= 0) sum -= from[x - radius - 1];
                const std::ptrdiff_t count =
                    std::min(x + radius, columns - 1) - std::max<std::ptrdiff_t>(x - radius, 0) + 1;
                to[x] = static_cast<float>(sum / count);
            }
        }
    });

    split_over_threads(columns, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        std::vector<double> sum(end - begin, 0.0);
        const auto add = [&](std::ptrdiff_t y, double sign) {
            const float* from = across.data() + y * columns;
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
                to[x] = static_cast<float>(sum[x - begin] / count);
        }
    });
}

}  // namespace dustbust
