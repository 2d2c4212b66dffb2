#include "restoration/box_fill.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/parallel.hpp"

namespace dustbust {

namespace {

constexpr std::size_t most_colours = 3;

template <class T>
class BoxFill {
public:
    BoxFill(Image<const T> image, const MaskedPixels& masked, std::ptrdiff_t colours,
            std::ptrdiff_t radius, std::vector<float>& values)
        : image_(image),
          masked_(masked),
          colours_(colours),
          radius_(radius),
          has_alpha_(image.channels > colours),
          values_(values),
          known_(masked.size(), 0) {
        values_.resize(masked.size() * colours);
        for (std::ptrdiff_t i = 0; i < masked.size(); ++i) {
            const T* pixel = image.data + masked.positions()[i] * image.channels;
            std::copy(pixel, pixel + colours, &values_[i * colours]);
            if (!has_alpha_ || pixel[colours] != 0) left_.push_back(i);
        }
    }

    std::ptrdiff_t left() const { return static_cast<std::ptrdiff_t>(left_.size()); }

    // Fill the pixels that have known ones in their box; false if there was none.
    bool pass(int threads) {
        std::vector<std::uint8_t> filled(left_.size(), 0);
        split_over_threads(left(), threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
            Columns columns(2 * radius_ + 1);
            for (std::ptrdiff_t k = begin; k < end; ++k) {
                const Sum box = sum_of_box(masked_.positions()[left_[k]], columns);
                if (box.count == 0) continue;
                filled[k] = 1;  // `known_` is updated after the pass: no thread sees it change
                for (std::ptrdiff_t c = 0; c < colours_; ++c)
                    values_[left_[k] * colours_ + c] =
                        static_cast<float>(box.colours[c] / static_cast<double>(box.count));
            }
        });
        std::vector<std::int64_t> failures;
        for (std::size_t k = 0; k < left_.size(); ++k)
            if (filled[k]) known_[left_[k]] = 1;
            else failures.push_back(left_[k]);
        const bool any = failures.size() < left_.size();
        any_known_ |= any;
        left_.swap(failures);
        return any;
    }

private:
    // Sum of known pixels, and their number.
    struct Sum {
        std::array<double, most_colours> colours{};
        std::ptrdiff_t count = 0;
    };

    // The sums of the columns of a box. Boxes side by side have most of them in common.
    struct Columns {
        explicit Columns(std::ptrdiff_t width) : sums(width) {}

        Sum& operator[](std::ptrdiff_t x) { return sums[x % sums.size()]; }

        std::vector<Sum> sums;
        std::ptrdiff_t row = -1, end = 0;  // of boxes around this row, they are known up to here
    };

    // The pixels around a position; positions are asked for in ascending order.
    Sum sum_of_box(std::int64_t position, Columns& columns) const {
        const std::ptrdiff_t y = position / image_.columns, x = position % image_.columns;
        const std::ptrdiff_t top = std::max<std::ptrdiff_t>(y - radius_, 0),
                             bottom = std::min(y + radius_, image_.rows - 1),
                             left = std::max<std::ptrdiff_t>(x - radius_, 0),
                             right = std::min(x + radius_, image_.columns - 1);
        for (std::ptrdiff_t u = columns.row == y ? std::max(left, columns.end) : left; u <= right;
             ++u) {
            Sum& column = columns[u] = {};
            for (std::ptrdiff_t v = top; v <= bottom; ++v) add(v, u, column);
        }
        columns.row = y;
        columns.end = right + 1;
        Sum box;
        for (std::ptrdiff_t u = left; u <= right; ++u) {
            const Sum& column = columns[u];
            for (std::ptrdiff_t c = 0; c < colours_; ++c) box.colours[c] += column.colours[c];
            box.count += column.count;
        }
        return box;
    }

    // Add a pixel if it is known.
    void add(std::ptrdiff_t y, std::ptrdiff_t x, Sum& sum) const {
        if (masked_.contains(y, x)) {
            const std::ptrdiff_t place = any_known_ ? masked_(y, x) : -1;
            if (place < 0 || !known_[place]) return;
            for (std::ptrdiff_t c = 0; c < colours_; ++c)
                sum.colours[c] += values_[place * colours_ + c];
        } else {
            const T* pixel = image_.row(y) + x * image_.channels;
            if (has_alpha_ && pixel[colours_] == 0) return;
            for (std::ptrdiff_t c = 0; c < colours_; ++c) sum.colours[c] += pixel[c];
        }
        ++sum.count;
    }

    const Image<const T> image_;
    const MaskedPixels& masked_;
    const std::ptrdiff_t colours_, radius_;
    const bool has_alpha_;
    std::vector<float>& values_;
    std::vector<std::uint8_t> known_;
    bool any_known_ = false;
    std::vector<std::int64_t> left_;  // places of the pixels that are still to be filled
};

}  // namespace

template <class T>
std::ptrdiff_t box_fill(Image<const T> image, const MaskedPixels& masked, std::ptrdiff_t colours,
                        std::ptrdiff_t radius, int passes, int threads,
                        std::vector<float>& values) {
    BoxFill<T> fill(image, masked, colours, radius, values);
    for (int pass = 0; pass < passes && fill.left() > 0; ++pass)
        if (!fill.pass(threads)) break;
    return fill.left();
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
                    if (masked.contains(v, u)) inside += weight;
                }
            weights[i] = static_cast<float>(inside / all);
        }
    });
    return weights;
}

}  // namespace dustbust
