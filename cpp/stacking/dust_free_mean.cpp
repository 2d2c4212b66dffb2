#include "stacking/dust_free_mean.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"
#include "image/rec601.hpp"

namespace dustbust {
namespace {

template <class T>
float luminance(const T* pixel, Index colours) {
    return colours == 3 ? rec601(pixel[0], pixel[1], pixel[2]) : float(pixel[0]);
}

// Pixels that are processed side by side.
constexpr Index side_by_side = 256;

// Sums and extremes over all scans that have data at a pixel.
struct Totals {
    double sum[3][side_by_side];
    float lightest[side_by_side], darkest[side_by_side], number[side_by_side];
    std::uint8_t is_dusty[side_by_side];
};

template <class T, int colours>
inline __attribute__((always_inline)) void add_scan(const T* pixels, const std::uint8_t* dust,
                                                    Index count, Totals& totals, T* alpha) {
    constexpr int channels = colours + 1;
    for (Index x = 0; x < count; ++x) {
        const T* pixel = pixels + x * channels;
        const float value = luminance(pixel, colours);
        const bool known = (pixel[colours] > 0) & (value == value);
        const bool dusty = known & (float(dust[x]) >= dust_edge);
        totals.is_dusty[x] = std::uint8_t(totals.is_dusty[x] | std::uint8_t(dusty));
        totals.number[x] += known ? 1.0f : 0.0f;
        for (int c = 0; c < colours; ++c) totals.sum[c][x] += known ? double(pixel[c]) : 0.0;
        const float lightest = totals.lightest[x], darkest = totals.darkest[x];
        totals.lightest[x] = known & (value > lightest) ? value : lightest;
        totals.darkest[x] = known & (value < darkest) ? value : darkest;
        alpha[x] = known & (pixel[colours] > alpha[x]) ? pixel[colours] : alpha[x];
    }
}

template <class T>
T rounded(double value, float largest) {
    if constexpr (std::is_same_v<T, float>) return float(value);
    // Numbers are less than 2^31: adding 2^52 rounds them, halves to the even one.
    constexpr double whole = 4503599627370496.0;
    value = value < 0 ? 0 : (value > double(largest) ? double(largest) : value);
    return T(std::int32_t((value + whole) - whole));
}

// The mean of all scans; `is_open` where they do not agree or some are dusty.
template <class T, int colours>
inline __attribute__((always_inline)) void plain_mean(const Totals& totals, const T* alpha,
                                                      Index count, float limit, float largest,
                                                      T* to, std::uint8_t* is_open) {
    constexpr int channels = colours + 1;
    for (Index x = 0; x < count; ++x) {
        const bool agree = totals.lightest[x] - totals.darkest[x] <= limit;
        const bool none = totals.number[x] == 0;
        is_open[x] = std::uint8_t((!none) & ((!agree) | (totals.is_dusty[x] != 0)));
        const double number = none ? 1.0 : double(totals.number[x]);
        for (int c = 0; c < colours; ++c)
            to[x * channels + c] = rounded<T>(totals.sum[c][x] / number, largest);
        to[x * channels + colours] = alpha[x];
    }
}

// `least`: the least slope of all scans so far. up, here, down: pixels of three rows of a scan;
// there are pixels before and behind those of `here`. A scan without data at or around a pixel
// counts not.
template <class T, int colours>
inline __attribute__((always_inline)) void lower_gradient(const T* up, const T* here, const T* down,
                                                          Index count, float* __restrict least) {
    constexpr int channels = colours + 1;
    for (Index x = 0; x < count; ++x) {
        const T *pixel = here + x * channels, *l = pixel - channels, *r = pixel + channels,
                *u = up + x * channels, *d = down + x * channels;
        const float gx = 0.5f * (luminance(r, colours) - luminance(l, colours)),
                    gy = 0.5f * (luminance(d, colours) - luminance(u, colours));
        const float value = luminance(pixel, colours), gradient = std::sqrt(gx * gx + gy * gy);
        const bool known = (pixel[colours] > 0) & (value == value) & (l[colours] > 0) &
                           (r[colours] > 0) & (u[colours] > 0) & (d[colours] > 0);
        least[x] = known & (gradient < least[x]) ? gradient : least[x];
    }
}

// Close pixels without dust where the scans agree but for the slope.
TARGET_CLONES void close_at_slopes(const Totals& totals, Index count, float noise,
                                   float per_gradient, const float* least, std::uint8_t* is_open) {
    for (Index x = 0; x < count; ++x) {
        const float slope = least[x] < std::numeric_limits<float>::infinity() ? least[x] : 0.0f;
        const bool agree = totals.lightest[x] - totals.darkest[x] <= noise + per_gradient * slope;
        is_open[x] = std::uint8_t(is_open[x] & std::uint8_t((!agree) | (totals.is_dusty[x] != 0)));
    }
}

// Vector clones cannot be templates, so each is made for each type of pixel.
#define BLOCK(T, colours, name)                                                                    \
    TARGET_CLONES void gradient_##name(const T* up, const T* here, const T* down, Index count,     \
                                       float* least) {                                             \
        lower_gradient<T, colours>(up, here, down, count, least);                                  \
    }                                                                                              \
    TARGET_CLONES void add_##name(const T* pixels, const std::uint8_t* dust, Index count,          \
                                  Totals& totals, T* alpha) {                                      \
        add_scan<T, colours>(pixels, dust, count, totals, alpha);                                  \
    }                                                                                              \
    TARGET_CLONES void mean_##name(const Totals& totals, const T* alpha, Index count, float limit, \
                                   float largest, T* to, std::uint8_t* is_open) {                  \
        plain_mean<T, colours>(totals, alpha, count, limit, largest, to, is_open);                 \
    }
#define BLOCKS(T) BLOCK(T, 1, grey) BLOCK(T, 3, colour)
BLOCKS(std::uint8_t)
BLOCKS(std::uint16_t)
BLOCKS(float)
#undef BLOCKS
#undef BLOCK

// One pixel of one scan: its luminance, and that of the page if dust took (or gave) the share
// `opacity`; `dust` as in the marks.
struct Sample {
    int scan;
    float luminance, dust, opacity;
};

// The page under dust that lets 1 - opacity of its light through; light dust takes that share of
// its distance from white.
float without_dust(float value, float opacity, int polarity, float largest) {
    return polarity < 0 ? value / (1 - opacity) : largest - (largest - value) / (1 - opacity);
}

using Samples = std::vector<Sample>;

// Central differences where scans have data on both sides, the least of all scans: an edge of the
// page is in each of them, one of dust is not.
template <class T>
float least_gradient(const std::vector<Image<const T>>& stack, const Samples& samples, Index y,
                     Index x) {
    constexpr float none = std::numeric_limits<float>::infinity();
    float least = none;
    for (const auto& sample : samples) {
        const auto& image = stack[sample.scan];
        const Index colours = image.channels - 1;
        const Index left = std::max<Index>(x - 1, 0), right = std::min(x + 1, image.columns - 1);
        const Index up = std::max<Index>(y - 1, 0), down = std::min(y + 1, image.rows - 1);
        const T *l = &image(y, left), *r = &image(y, right), *u = &image(up, x),
                *d = &image(down, x);
        if (!(l[colours] > 0 && r[colours] > 0 && u[colours] > 0 && d[colours] > 0)) continue;
        const float gx = 0.5f * (luminance(r, colours) - luminance(l, colours)),
                    gy = 0.5f * (luminance(d, colours) - luminance(u, colours));
        const float gradient = std::sqrt(gx * gx + gy * gy);
        least = gradient < least ? gradient : least;  // not if it is not a number
    }
    return least < none ? least : 0;
}

template <class Keep>
void keep_if(Samples& samples, Keep keep) {
    samples.erase(
        std::remove_if(samples.begin(), samples.end(), [&](const Sample& s) { return !keep(s); }),
        samples.end());
}

bool agree(const Samples& samples, float limit) {
    const auto [low, high] = std::minmax_element(
        samples.begin(), samples.end(),
        [](const Sample& a, const Sample& b) { return a.luminance < b.luminance; });
    return high->luminance - low->luminance <= limit;
}

float median_luminance(const Samples& samples) {
    std::vector<float> values;
    for (const auto& sample : samples) values.push_back(sample.luminance);
    std::sort(values.begin(), values.end());
    return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

// Of two samples that disagree, leave the one without the dust.
void leave_the_clean_one(Samples& samples, int polarity) {
    const bool first_is_darker = samples[0].luminance < samples[1].luminance;
    samples.erase(samples.begin() + (first_is_darker == (polarity < 0) ? 0 : 1));
}

// The luminance of the lightest sample; for light dust, of the darkest one.
float least_dusty_luminance(const Samples& samples, int polarity) {
    float best = samples.front().luminance;
    for (const auto& sample : samples)
        best = polarity < 0 ? std::max(best, sample.luminance) : std::min(best, sample.luminance);
    return best;
}

// Reduce the samples of a pixel to those that show the page. `find_limit` gives the largest
// difference between samples that agree; it is only called where there are several.
template <class FindLimit>
Outcome choose(Samples& samples, FindLimit find_limit, int polarity) {
    float least = samples.front().dust;
    for (const auto& sample : samples) least = std::min(least, sample.dust);
    if (least >= (polarity != 0 ? dust_heavy : dust_core)) return Outcome::filled_later;
    const float most = least < dust_edge ? dust_edge : least + dust_step;
    keep_if(samples, [&](const Sample& s) { return s.dust < most; });
    if (samples.size() == 1) return Outcome::clean;
    const float limit = find_limit();
    if (agree(samples, limit)) return Outcome::clean;
    if (samples.size() == 2) {
        if (polarity != 0) leave_the_clean_one(samples, polarity);
        return Outcome::clean;
    }
    const float middle = median_luminance(samples);
    const auto near_middle = [&](const Sample& s) {
        return std::fabs(s.luminance - middle) <= limit;
    };
    const auto agreeing = std::count_if(samples.begin(), samples.end(), near_middle);
    if (polarity != 0 && 2 * agreeing <= Index(samples.size())) {
        const float cleanest = least_dusty_luminance(samples, polarity);
        keep_if(samples,
                [&](const Sample& s) { return std::fabs(s.luminance - cleanest) <= limit; });
    } else {
        keep_if(samples, near_middle);
    }
    return Outcome::clean;
}

template <class T>
class DustFreeMean {
public:
    DustFreeMean(const std::vector<Image<const T>>& stack,
                 const std::vector<Image<const std::uint8_t>>& dust, Tolerance tolerance,
                 int polarity, float largest)
        : stack_(stack),
          dust_(dust),
          tolerance_(tolerance),
          polarity_(polarity),
          largest_(largest) {}

    // A row of the page, `y` of the scans: colours, then alpha.
    void operator()(Index y, Index columns, Index colours, T* to, std::uint8_t* outcome) {
        for (Index x = 0; x < columns; x += side_by_side) {
            const Index count = std::min(side_by_side, columns - x);
            plain_block(y, x, count, colours, to + x * (colours + 1));
            for (Index k = 0; k < count; ++k)
                outcome[x + k] = std::uint8_t(
                    is_open_[k] ? pixel(y, x + k, colours, to + (x + k) * (colours + 1))
                                : Outcome::clean);
        }
    }

private:
    // The mean of the scans where all of them show the page: at nearly all pixels.
    void plain_block(Index y, Index x, Index count, Index colours, T* to) {
        totals_ = Totals();
        std::fill_n(totals_.lightest, count, -std::numeric_limits<float>::infinity());
        std::fill_n(totals_.darkest, count, std::numeric_limits<float>::infinity());
        T alpha[side_by_side] = {};
        const Add add = colours == 3 ? Add(add_colour) : Add(add_grey);
        for (std::size_t k = 0; k < stack_.size(); ++k)
            add(&stack_[k](y, x), &dust_[k](y, x), count, totals_, alpha);
        const Finish finish = colours == 3 ? Finish(mean_colour) : Finish(mean_grey);
        finish(totals_, alpha, count, largest_ * tolerance_.noise, largest_, to, is_open_);
        if (std::any_of(is_open_, is_open_ + count, [](std::uint8_t open) { return open != 0; }))
            look_at_slopes(y, x, count, colours);
    }

    // Close the pixels of a block that the plain mean is right for too.
    void look_at_slopes(Index y, Index x, Index count, Index colours) {
        const auto& first = stack_.front();
        // The first and the last column have no pixels on both sides.
        const Index begin = x == 0 ? 1 : 0, end = x + count == first.columns ? count - 1 : count;
        if (begin >= end) return;
        const Index up = std::max<Index>(y - 1, 0), down = std::min(y + 1, first.rows - 1);
        float least[side_by_side];
        std::fill_n(least, count, std::numeric_limits<float>::infinity());
        const Lower lower = colours == 3 ? Lower(gradient_colour) : Lower(gradient_grey);
        for (const auto& scan : stack_)
            lower(&scan(up, x + begin), &scan(y, x + begin), &scan(down, x + begin), end - begin,
                  least + begin);
        close_at_slopes(totals_, count, largest_ * tolerance_.noise, tolerance_.per_gradient, least,
                        is_open_);
    }

    // The page at one pixel: colours, then alpha.
    Outcome pixel(Index y, Index x, Index colours, T* to) {
        std::fill_n(to, colours + 1, T(0));
        const T alpha = read(y, x, colours);
        if (samples_.empty()) return Outcome::clean;
        all_ = samples_;
        const auto find_limit = [&] {
            return largest_ * tolerance_.noise +
                   tolerance_.per_gradient * least_gradient(stack_, all_, y, x);
        };
        const Outcome outcome = choose(samples_, find_limit, polarity_);
        // Of an even number, half of them high and half low, none is near the middle.
        if (samples_.empty()) samples_ = all_;
        for (Index c = 0; c < colours; ++c) to[c] = mean(y, x, c);
        to[colours] = alpha;
        return outcome;
    }

    // Collect the samples of a pixel. Returns the largest alpha.
    T read(Index y, Index x, Index colours) {
        samples_.clear();
        T alpha = 0;
        for (std::size_t k = 0; k < stack_.size(); ++k) {
            const T* pixel = &stack_[k](y, x);
            if (!(pixel[colours] > 0)) continue;
            const float mark = dust_[k](y, x);
            const float opacity =
                polarity_ != 0 ? std::clamp((mark - dust_zero) / dust_opaque, 0.0f, 0.8f) : 0.0f;
            const float value = luminance(pixel, colours);
            if (std::isnan(value)) continue;
            alpha = std::max(alpha, pixel[colours]);
            samples_.push_back(
                {int(k), without_dust(value, opacity, polarity_, largest_), mark, opacity});
        }
        return alpha;
    }

    T mean(Index y, Index x, Index c) const {
        double sum = 0;
        for (const auto& sample : samples_) {
            const float value = stack_[sample.scan](y, x, c);
            sum += sample.opacity > 0 ? without_dust(value, sample.opacity, polarity_, largest_)
                                      : value;
        }
        const double result = sum / static_cast<double>(samples_.size());
        return rounded<T>(result, largest_);
    }

    using Add = void (*)(const T*, const std::uint8_t*, Index, Totals&, T*);
    using Lower = void (*)(const T*, const T*, const T*, Index, float*);
    using Finish = void (*)(const Totals&, const T*, Index, float, float, T*, std::uint8_t*);

    const std::vector<Image<const T>>& stack_;
    const std::vector<Image<const std::uint8_t>>& dust_;
    const Tolerance tolerance_;
    const int polarity_;
    const float largest_;
    Samples samples_, all_;
    Totals totals_;
    std::uint8_t is_open_[side_by_side];
};

}  // namespace

template <class T>
void dust_free_mean(const std::vector<Image<const T>>& stack,
                    const std::vector<Image<const std::uint8_t>>& dust, Index margin,
                    Tolerance tolerance, int polarity, float largest, Image<T> out,
                    Image<std::uint8_t> outcome, int threads) {
    split_over_threads(out.rows, threads, [&](Index begin, Index end) {
        DustFreeMean<T> mean(stack, dust, tolerance, polarity, largest);
        for (Index row = begin; row < end; ++row)
            mean(row + margin, out.columns, out.channels - 1, out.row(row), outcome.row(row));
    });
}

template void dust_free_mean(const std::vector<Image<const std::uint8_t>>&,
                             const std::vector<Image<const std::uint8_t>>&, Index, Tolerance, int,
                             float, Image<std::uint8_t>, Image<std::uint8_t>, int);
template void dust_free_mean(const std::vector<Image<const std::uint16_t>>&,
                             const std::vector<Image<const std::uint8_t>>&, Index, Tolerance, int,
                             float, Image<std::uint16_t>, Image<std::uint8_t>, int);
template void dust_free_mean(const std::vector<Image<const float>>&,
                             const std::vector<Image<const std::uint8_t>>&, Index, Tolerance, int,
                             float, Image<float>, Image<std::uint8_t>, int);

}  // namespace dustbust
