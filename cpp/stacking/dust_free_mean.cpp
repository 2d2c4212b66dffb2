#include "stacking/dust_free_mean.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "base/parallel.hpp"
#include "image/rec601.hpp"

namespace dustbust {
namespace {

template <class T>
float luminance(const T* pixel, Index colours) {
    return colours == 3 ? rec601(pixel[0], pixel[1], pixel[2]) : float(pixel[0]);
}

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
    float least = -1;
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
        least = least < 0 ? gradient : std::min(least, gradient);
    }
    return std::max(least, 0.0f);
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

// Reduce the samples of a pixel to those that show the page.
Outcome choose(Samples& samples, float limit, int polarity) {
    float least = samples.front().dust;
    for (const auto& sample : samples) least = std::min(least, sample.dust);
    if (least >= (polarity != 0 ? dust_heavy : dust_core)) return Outcome::filled_later;
    const float most = least < dust_edge ? dust_edge : least + dust_step;
    keep_if(samples, [&](const Sample& s) { return s.dust < most; });
    if (agree(samples, limit)) return Outcome::clean;
    if (samples.size() == 2) {
        if (polarity != 0) leave_the_clean_one(samples, polarity);
        return Outcome::clean;
    }
    const float middle = median_luminance(samples);
    keep_if(samples, [&](const Sample& s) { return std::fabs(s.luminance - middle) <= limit; });
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

    // The page at one pixel: colours, then alpha.
    Outcome operator()(Index y, Index x, Index colours, T* to) {
        std::fill_n(to, colours + 1, T(0));
        const T alpha = read(y, x, colours);
        if (samples_.empty()) return Outcome::clean;
        all_ = samples_;
        const float limit = largest_ * tolerance_.noise +
                            tolerance_.per_gradient * least_gradient(stack_, samples_, y, x);
        const Outcome outcome = choose(samples_, limit, polarity_);
        // Of an even number, half of them high and half low, none is near the middle.
        if (samples_.empty()) samples_ = all_;
        for (Index c = 0; c < colours; ++c) to[c] = mean(y, x, c);
        to[colours] = alpha;
        return outcome;
    }

private:
    // Collect the samples of a pixel. Returns the largest alpha.
    T read(Index y, Index x, Index colours) {
        samples_.clear();
        T alpha = 0;
        for (std::size_t k = 0; k < stack_.size(); ++k) {
            const T* pixel = &stack_[k](y, x);
            if (!(pixel[colours] > 0)) continue;
            const std::uint8_t* known = &dust_[k](y, x);
            const float mark = known[1] > 0 ? float(known[0]) : 0.0f;
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
        if constexpr (std::is_same_v<T, float>) return float(result);
        else return static_cast<T>(std::nearbyint(std::clamp(result, 0.0, double(largest_))));
    }

    const std::vector<Image<const T>>& stack_;
    const std::vector<Image<const std::uint8_t>>& dust_;
    const Tolerance tolerance_;
    const int polarity_;
    const float largest_;
    Samples samples_, all_;
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
            for (Index x = 0; x < out.columns; ++x)
                outcome(row, x) =
                    std::uint8_t(mean(row + margin, x, out.channels - 1, &out(row, x)));
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
