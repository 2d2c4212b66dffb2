#include "restoration/box_fill.hpp"

#include <algorithm>
#include <cmath>

#include "base/parallel.hpp"

namespace dustbust {

template <class T>
std::ptrdiff_t box_fill(Image<const T> image, const MaskedPixels& masked, std::ptrdiff_t colours,
                        std::ptrdiff_t radius, int passes, int threads,
                        std::vector<float>& values) {
    const auto& positions = masked.positions();
    const bool has_alpha = image.channels > colours;
    values.resize(masked.size() * colours);
    std::vector<std::uint8_t> known(masked.size(), 0);
    std::vector<std::int64_t> left, failures;
    for (std::ptrdiff_t i = 0; i < masked.size(); ++i) {
        const T* pixel = image.data + positions[i] * image.channels;
        std::copy(pixel, pixel + colours, &values[i * colours]);
        if (!has_alpha || pixel[colours] != 0) left.push_back(i);
    }

    for (int pass = 0; pass < passes && !left.empty(); ++pass) {
        std::vector<std::uint8_t> filled(left.size(), 0);
        split_over_threads(left.size(), threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
            std::vector<double> sum(colours);
            for (std::ptrdiff_t k = begin; k < end; ++k) {
                const std::ptrdiff_t y = positions[left[k]] / image.columns,
                                     x = positions[left[k]] % image.columns;
                std::fill(sum.begin(), sum.end(), 0.0);
                std::ptrdiff_t count = 0;
                for (std::ptrdiff_t v = std::max<std::ptrdiff_t>(y - radius, 0);
                     v <= std::min(y + radius, image.rows - 1); ++v)
                    for (std::ptrdiff_t u = std::max<std::ptrdiff_t>(x - radius, 0);
                         u <= std::min(x + radius, image.columns - 1); ++u) {
                        const std::ptrdiff_t place = masked(v, u);
                        if (place < 0) {
                            const T* pixel = image.row(v) + u * image.channels;
                            if (has_alpha && pixel[colours] == 0) continue;
                            for (std::ptrdiff_t c = 0; c < colours; ++c) sum[c] += pixel[c];
                        } else {
                            if (!known[place]) continue;
                            for (std::ptrdiff_t c = 0; c < colours; ++c)
                                sum[c] += values[place * colours + c];
                        }
                        ++count;
                    }
                if (count == 0) continue;
                filled[k] = 1;  // `known` only follows after the pass, so no thread sees it change
                for (std::ptrdiff_t c = 0; c < colours; ++c)
                    values[left[k] * colours + c] = static_cast<float>(sum[c] / count);
            }
        });
        failures.clear();
        for (std::size_t k = 0; k < left.size(); ++k)
            if (filled[k]) known[left[k]] = 1;
            else failures.push_back(left[k]);
        if (failures.size() == left.size())
            break;  // nothing known within reach, and no pass will change that
        left.swap(failures);
    }
    return left.size();
}

template std::ptrdiff_t box_fill(Image<const std::uint8_t>, const MaskedPixels&, std::ptrdiff_t,
                                 std::ptrdiff_t, int, int, std::vector<float>&);
template std::ptrdiff_t box_fill(Image<const std::uint16_t>, const MaskedPixels&, std::ptrdiff_t,
                                 std::ptrdiff_t, int, int, std::vector<float>&);
template std::ptrdiff_t box_fill(Image<const float>, const MaskedPixels&, std::ptrdiff_t,
                                 std::ptrdiff_t, int, int, std::vector<float>&);

std::vector<float> softened(const MaskedPixels& masked, std::ptrdiff_t rows, std::ptrdiff_t columns,
                            double sigma, int threads) {
    std::vector<float> weights(masked.size(), 1.0f);
    if (sigma <= 0) return weights;
    const std::ptrdiff_t radius = static_cast<std::ptrdiff_t>(std::ceil(4 * sigma));
    std::vector<double> bell(2 * radius + 1);
    for (std::ptrdiff_t d = -radius; d <= radius; ++d)
        bell[d + radius] = std::exp(-0.5 * d * d / (sigma * sigma));

    split_over_threads(masked.size(), threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t i = begin; i < end; ++i) {
            const std::ptrdiff_t y = masked.positions()[i] / columns,
                                 x = masked.positions()[i] % columns;
            double inside = 0, all = 0;
            for (std::ptrdiff_t v = std::max<std::ptrdiff_t>(y - radius, 0);
                 v <= std::min(y + radius, rows - 1); ++v)
                for (std::ptrdiff_t u = std::max<std::ptrdiff_t>(x - radius, 0);
                     u <= std::min(x + radius, columns - 1); ++u) {
                    const double weight = bell[v - y + radius] * bell[u - x + radius];
                    all += weight;
                    if (masked(v, u) >= 0) inside += weight;
                }
            weights[i] = static_cast<float>(inside / all);
        }
    });
    return weights;
}

}  // namespace dustbust
