#include "image/box_blur.hpp"

#include <algorithm>
#include <vector>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"

namespace dustbust {

namespace {

// The picture is processed in bands of this number of columns, so that the sums of a band stay in
// the cache, and several rows at once, so that no sum waits for the one before it.
constexpr std::ptrdiff_t band_width = 512;
constexpr int together = 4;

TARGET_CLONES
void move_sums(const float* entering, const float* leaving, std::ptrdiff_t columns, double* sums) {
    if (entering && leaving)
        for (std::ptrdiff_t x = 0; x < columns; ++x)
            sums[x] += static_cast<double>(entering[x]) - static_cast<double>(leaving[x]);
    else if (entering)
        for (std::ptrdiff_t x = 0; x < columns; ++x) sums[x] += static_cast<double>(entering[x]);
    else if (leaving)
        for (std::ptrdiff_t x = 0; x < columns; ++x) sums[x] -= static_cast<double>(leaving[x]);
}

// One band: the columns first..last-1 of the result, from the columns left..right-1.
class Band {
public:
    Band(Image<const float> in, Image<float> out, std::ptrdiff_t radius, std::ptrdiff_t first)
        : in_(in),
          out_(out),
          radius_(radius),
          first_(first),
          last_(std::min(first + band_width, in.columns)),
          left_(std::max<std::ptrdiff_t>(first - radius, 0)),
          right_(std::min(last_ + radius, in.columns)),
          down_(right_ - left_, 0.0),
          shares_(last_ - first_) {
        for (std::ptrdiff_t x = first_; x < last_; ++x)
            shares_[x - first_] =
                1.0 / static_cast<double>(std::min(x + radius, in.columns - 1) -
                                          std::max<std::ptrdiff_t>(x - radius, 0) + 1);
        for (auto& sums : sums_) sums.resize(down_.size());
    }

    void blur() {
        for (std::ptrdiff_t y = 0; y < std::min(radius_, in_.rows); ++y)
            move_sums(in_.row(y) + left_, nullptr, right_ - left_, down_.data());
        for (std::ptrdiff_t y = 0; y < in_.rows; y += together) {
            const auto rows = static_cast<int>(std::min<std::ptrdiff_t>(together, in_.rows - y));
            for (int k = 0; k < rows; ++k) {
                sum_columns(y + k);
                sums_[k] = down_;
            }
            average_rows(y, rows);
        }
    }

private:
    // The sums of the columns around row y, from those around the row before.
    void sum_columns(std::ptrdiff_t y) {
        move_sums(y + radius_ < in_.rows ? in_.row(y + radius_) + left_ : nullptr,
                  y - radius_ > 0 ? in_.row(y - radius_ - 1) + left_ : nullptr, right_ - left_,
                  down_.data());
    }

    // The means of the boxes around the pixels of some rows.
    void average_rows(std::ptrdiff_t y, int rows) {
        double total[together] = {}, share[together] = {};
        float* to[together];
        for (int k = 0; k < together; ++k) {
            const std::ptrdiff_t row = y + std::min(k, rows - 1);
            share[k] = 1.0 / static_cast<double>(std::min(row + radius_, in_.rows - 1) -
                                                 std::max<std::ptrdiff_t>(row - radius_, 0) + 1);
            to[k] = out_.row(row);
            const std::ptrdiff_t end = std::min(first_ + radius_, in_.columns) - left_;
            for (std::ptrdiff_t x = 0; x < end; ++x) total[k] += sums_[k][x];
        }
        for (std::ptrdiff_t x = first_; x < last_; ++x) {
            const bool enters = x + radius_ < in_.columns, leaves = x - radius_ > 0;
            for (int k = 0; k < together; ++k) {
                if (enters) total[k] += sums_[k][x + radius_ - left_];
                if (leaves && x > first_) total[k] -= sums_[k][x - radius_ - 1 - left_];
            }
            for (int k = 0; k < rows; ++k)
                to[k][x] = static_cast<float>(total[k] * (shares_[x - first_] * share[k]));
        }
    }

    const Image<const float> in_;
    const Image<float> out_;
    const std::ptrdiff_t radius_, first_, last_, left_, right_;
    std::vector<double> down_, shares_;   // sums of columns; 1 / width of the box
    std::vector<double> sums_[together];  // those of the rows that are worked on
};

}  // namespace

void box_blur(Image<const float> in, Image<float> out, std::ptrdiff_t radius, int threads) {
    const std::ptrdiff_t bands = (in.columns + band_width - 1) / band_width;
    split_over_threads(bands, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t band = begin; band < end; ++band)
            Band(in, out, radius, band * band_width).blur();
    });
}

}  // namespace dustbust
