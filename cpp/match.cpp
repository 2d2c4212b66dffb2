#include "match.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "parallel.hpp"

namespace dustbust {

using Index = std::ptrdiff_t;

template <class T>
void reduce_luminance(Image<const T> in, bool alpha, Index factor, float largest, Image<float> out, int threads) {
    const Index channels = in.channels, colours = channels - (alpha ? 1 : 0);
    // ITU-R BT.601, as everywhere in the package.
    const float weights[3] = {0.299f, 0.587f, 0.114f};
    split_over_threads(out.rows, threads, [&](Index begin, Index end) {
        std::vector<float> sum(out.columns * factor);
        std::vector<std::uint8_t> data(out.columns);
        for (Index y = begin; y < end; ++y) {
            std::fill(sum.begin(), sum.end(), 0.0f);
            std::fill(data.begin(), data.end(), std::uint8_t(1));
            for (Index j = 0; j < factor; ++j) {
                const T* row = in.row(y * factor + j);
                const Index used = out.columns * factor;
                if (colours == 3)
                    for (Index x = 0; x < used; ++x)
                        sum[x] += weights[0] * row[x * channels] + weights[1] * row[x * channels + 1] + weights[2] * row[x * channels + 2];
                else
                    for (Index x = 0; x < used; ++x) sum[x] += row[x * channels];
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

void match_cells(Image<const float> first, Image<const float> second, Index height, Index width, float limit, Image<double> out, int threads) {
    split_over_threads(out.rows, threads, [&](Index begin, Index end) {
        for (Index cy = begin; cy < end; ++cy)
            for (Index cx = 0; cx < out.columns; ++cx) {
                double sums[match_terms] = {};
                const Index left = std::max<Index>(cx * width, 1), right = std::min((cx + 1) * width, first.columns - 1);
                for (Index y = std::max<Index>(cy * height, 1); y < std::min((cy + 1) * height, first.rows - 1); ++y) {
                    const float *a = first.row(y), *b = second.row(y);
                    const Index up = 2 * first.columns;
                    float row[match_terms] = {};
                    for (Index i = 2 * left; i < 2 * right; i += 2) {
                        const float data = a[i + 1] * b[i + 1] * a[i - 1] * b[i - 1] * a[i + 3] * b[i + 3] * a[i - up + 1] * b[i - up + 1] * a[i + up + 1] * b[i + up + 1];
                        const float r = b[i] - a[i], ratio = r / limit, inside = 1 - ratio * ratio;
                        const float w = inside > 0 && data > 0 ? inside * inside : 0.0f;
                        const float gx = 0.25f * (a[i + 2] - a[i - 2] + b[i + 2] - b[i - 2]), gy = 0.25f * (a[i + up] - a[i - up] + b[i + up] - b[i - up]);
                        row[0] += w;
                        row[1] += w * gx;
                        row[2] += w * gy;
                        row[3] += w * r;
                        row[4] += w * gx * gx;
                        row[5] += w * gx * gy;
                        row[6] += w * gy * gy;
                        row[7] += w * gx * r;
                        row[8] += w * gy * r;
                        row[9] += w * r * r;
                    }
                    for (Index t = 0; t < match_terms; ++t) sums[t] += row[t];
                }
                for (Index t = 0; t < match_terms; ++t) out(cy, cx, t) = sums[t];
            }
    });
}

}  // namespace dustbust
