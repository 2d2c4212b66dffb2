#include "stacking/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "base/parallel.hpp"
#include "base/sorting_network.hpp"
#include "base/target_clones.hpp"

namespace dustbust {
namespace {

// Values handled at once: a stack of dozens of such rows stays in the processor's cache.
constexpr Index block_size = 512;

// ---- sorting many short lists at once -------------------------------------------------------------------------------

TARGET_CLONES void sort_columns(const Exchanges& network, std::uint8_t* rows) { exchange<block_size>(network, rows); }
TARGET_CLONES void sort_columns(const Exchanges& network, std::uint16_t* rows) { exchange<block_size>(network, rows); }
TARGET_CLONES void sort_columns(const Exchanges& network, float* rows) { exchange<block_size>(network, rows); }

// ---- one list of values, as it comes where some scans have no data ----------------------------------------------------

double entropy_of_sorted(const double* values, Index count) {
    double sum = 0;
    for (Index i = 0, run = 1; i < count; ++i, ++run)
        if (i + 1 == count || values[i + 1] != values[i]) {
            sum += run * std::log2(static_cast<double>(run));
            run = 0;
        }
    return std::log2(static_cast<double>(count)) - sum / count;
}

// Statistics of Photoshop's image stacks: "Stack modes" in Adobe's help on image stacks. There variance, skewness and
// kurtosis all divide by n - 1, skewness by the cube and kurtosis by the fourth power of that standard deviation.
double from_moments(Mode mode, Index count, double second, double third, double fourth) {
    if (count < 2) return 0;
    const double variance = second / (count - 1);
    if (mode == Mode::variance) return variance;
    if (mode == Mode::standard_deviation) return std::sqrt(variance);
    if (variance == 0) return 0;
    return mode == Mode::skewness ? third / ((count - 1) * variance * std::sqrt(variance)) : fourth / ((count - 1) * variance * variance);
}

double statistic_of(Mode mode, double* values, Index count) {
    if (count == 0) return 0;
    switch (mode) {
        case Mode::maximum: return *std::max_element(values, values + count);
        case Mode::minimum: return *std::min_element(values, values + count);
        case Mode::range: return *std::max_element(values, values + count) - *std::min_element(values, values + count);
        case Mode::median: {
            std::sort(values, values + count);
            return (values[(count - 1) / 2] + values[count / 2]) / 2;
        }
        case Mode::entropy: {
            std::sort(values, values + count);
            return entropy_of_sorted(values, count);
        }
        default: break;
    }
    double sum = 0;
    for (Index k = 0; k < count; ++k) sum += values[k];
    if (mode == Mode::sum) return sum;
    const double mean = sum / count;
    if (mode == Mode::mean) return mean;
    double second = 0, third = 0, fourth = 0;
    for (Index k = 0; k < count; ++k) {
        const double d = values[k] - mean;
        second += d * d;
        third += d * d * d;
        fourth += d * d * d * d;
    }
    return from_moments(mode, count, second, third, fourth);
}

// ---- blocks of values that all count ----------------------------------------------------------------------------------

// A stack, cut into blocks: `at(k)` is where the block begins in picture k.
template <class T>
struct Block {
    const std::vector<Image<const T>>& stack;
    Index begin, size;
    const T* at(std::size_t k) const { return stack[k].data + begin; }
};

template <class T, class Out>
Out rounded(double value) {
    if constexpr (std::is_same_v<Out, float>) return static_cast<float>(value);
    else return static_cast<Out>(std::nearbyint(value));
}

template <class T>
inline __attribute__((always_inline)) void extreme(const Block<T>& block, bool largest, T* __restrict out) {
    std::copy_n(block.at(0), block.size, out);
    for (std::size_t k = 1; k < block.stack.size(); ++k) {
        const T* in = block.at(k);
        if (largest)
            for (Index i = 0; i < block.size; ++i) out[i] = out[i] < in[i] ? in[i] : out[i];
        else
            for (Index i = 0; i < block.size; ++i) out[i] = in[i] < out[i] ? in[i] : out[i];
    }
}

TARGET_CLONES void extremes(const Block<std::uint8_t>& b, bool largest, std::uint8_t* out) { extreme(b, largest, out); }
TARGET_CLONES void extremes(const Block<std::uint16_t>& b, bool largest, std::uint16_t* out) { extreme(b, largest, out); }
TARGET_CLONES void extremes(const Block<float>& b, bool largest, float* out) { extreme(b, largest, out); }

template <class T>
void load_rows(const Block<T>& block, T* rows) {
    for (std::size_t k = 0; k < block.stack.size(); ++k) std::copy_n(block.at(k), block.size, rows + k * block_size);
}

// The sums over the stack, for the modes that divide them by something.
template <class T>
void sums(const Block<T>& block, double* sum) {
    std::fill_n(sum, block.size, 0.0);
    for (std::size_t k = 0; k < block.stack.size(); ++k) {
        const T* in = block.at(k);
        for (Index i = 0; i < block.size; ++i) sum[i] += in[i];
    }
}

template <class T>
void moments(const Block<T>& block, Mode mode, double* mean, float* out) {
    const Index count = block.stack.size();
    for (Index i = 0; i < block.size; ++i) mean[i] /= count;
    double second[block_size] = {}, third[block_size] = {}, fourth[block_size] = {};
    const bool higher = mode == Mode::skewness || mode == Mode::kurtosis;
    for (Index k = 0; k < count; ++k) {
        const T* in = block.at(k);
        for (Index i = 0; i < block.size; ++i) {
            const double d = in[i] - mean[i];
            second[i] += d * d;
        }
        for (Index i = 0; higher && i < block.size; ++i) {
            const double d = in[i] - mean[i];
            third[i] += d * d * d;
            fourth[i] += d * d * d * d;
        }
    }
    for (Index i = 0; i < block.size; ++i) out[i] = static_cast<float>(from_moments(mode, count, second[i], third[i], fourth[i]));
}

template <class T>
void entropies(const Block<T>& block, const T* sorted, float* out) {
    const Index count = block.stack.size();
    // growth[r]: what r log2 r gains when a run of equal values grows to r.
    std::vector<double> growth(count + 1, 0.0);
    for (Index r = 2; r <= count; ++r) growth[r] = r * std::log2(static_cast<double>(r)) - (r - 1) * std::log2(static_cast<double>(r - 1));
    for (Index i = 0; i < block.size; ++i) {
        double sum = 0;
        for (Index k = 1, run = 1; k < count; ++k) {
            run = sorted[k * block_size + i] == sorted[(k - 1) * block_size + i] ? run + 1 : 1;
            sum += growth[run];
        }
        out[i] = static_cast<float>(std::max(0.0, std::log2(static_cast<double>(count)) - sum / count));
    }
}

template <class T, class Out>
void full_block(const Block<T>& block, Mode mode, const Exchanges& network, std::vector<T>& rows, Out* out) {
    const Index count = block.stack.size();
    double sum[block_size];
    if (mode == Mode::median || mode == Mode::entropy) {
        load_rows(block, rows.data());
        sort_columns(network, rows.data());
        if (mode == Mode::entropy) {
            if constexpr (std::is_same_v<Out, float>) entropies(block, rows.data(), out);
            return;
        }
        const T* low = rows.data() + (count - 1) / 2 * block_size;
        const T* high = rows.data() + count / 2 * block_size;
        for (Index i = 0; i < block.size; ++i) out[i] = low == high ? Out(low[i]) : rounded<T, Out>((double(low[i]) + double(high[i])) / 2);
    } else if (mode == Mode::maximum || mode == Mode::minimum) {
        if constexpr (std::is_same_v<T, Out>) extremes(block, mode == Mode::maximum, out);
    } else if (mode == Mode::range) {
        std::vector<T> low(block.size), high(block.size);
        extremes(block, false, low.data());
        extremes(block, true, high.data());
        for (Index i = 0; i < block.size; ++i) out[i] = static_cast<Out>(high[i] - low[i]);
    } else {
        sums(block, sum);
        if (mode == Mode::sum)
            for (Index i = 0; i < block.size; ++i) out[i] = static_cast<Out>(sum[i]);
        else if (mode == Mode::mean)
            for (Index i = 0; i < block.size; ++i) out[i] = rounded<T, Out>(sum[i] / count);
        else if constexpr (std::is_same_v<Out, float>)
            moments(block, mode, sum, out);
    }
}

template <class T, class Out>
void partial_pixel(const std::vector<Image<const T>>& stack, Mode mode, Index at, Index channels, std::vector<double>& values, Out* out) {
    const Index colours = channels - 1;
    T alpha = 0;
    for (const auto& image : stack) alpha = std::max(alpha, image.data[at + colours]);
    for (Index c = 0; c < colours; ++c) {
        Index count = 0;
        for (const auto& image : stack)
            if (image.data[at + colours] > 0) values[count++] = image.data[at + c];
        out[c] = rounded<T, Out>(statistic_of(mode, values.data(), count));
    }
    out[colours] = static_cast<Out>(alpha);
}

template <class T, class Out>
void over_blocks(const std::vector<Image<const T>>& stack, Mode mode, bool alpha, Image<Out> out, int threads) {
    const Index channels = out.channels, pixels = out.rows * out.columns;
    const int count = static_cast<int>(stack.size());
    const Index block_pixels = block_size / channels, blocks = (pixels + block_pixels - 1) / block_pixels;
    Exchanges network;
    if (mode == Mode::median) network = selecting_network(count, (count - 1) / 2, count / 2);
    if (mode == Mode::entropy) network = sorting_network(count);

    split_over_threads(blocks, threads, [&](Index begin, Index end) {
        std::vector<T> rows(network.empty() ? 0 : count * block_size);
        std::vector<double> values(count);
        for (Index b = begin; b < end; ++b) {
            const Index first = b * block_pixels, last = std::min(first + block_pixels, pixels);
            const Block<T> block{stack, first * channels, (last - first) * channels};
            bool all_count = true;
            if (alpha)
                for (std::size_t k = 0; k < stack.size() && all_count; ++k)
                    for (Index i = channels - 1; i < block.size; i += channels) all_count &= block.at(k)[i] > 0;
            Out* to = out.data + block.begin;
            if (!all_count) {
                for (Index p = first; p < last; ++p) partial_pixel(stack, mode, p * channels, channels, values, out.data + p * channels);
                continue;
            }
            full_block(block, mode, network, rows, to);
            for (Index i = channels - 1; alpha && i < block.size; i += channels) {
                T highest = 0;
                for (std::size_t k = 0; k < stack.size(); ++k) highest = std::max(highest, block.at(k)[i]);
                to[i] = static_cast<Out>(highest);
            }
        }
    });
}

}  // namespace

template <class T>
void combine(const std::vector<Image<const T>>& stack, Mode mode, bool alpha, Image<T> out, int threads) {
    over_blocks(stack, mode, alpha, out, threads);
}

template <class T>
void statistic(const std::vector<Image<const T>>& stack, Mode mode, bool alpha, Image<float> out, int threads) {
    over_blocks(stack, mode, alpha, out, threads);
}

template void combine(const std::vector<Image<const std::uint8_t>>&, Mode, bool, Image<std::uint8_t>, int);
template void combine(const std::vector<Image<const std::uint16_t>>&, Mode, bool, Image<std::uint16_t>, int);
template void combine(const std::vector<Image<const float>>&, Mode, bool, Image<float>, int);
template void statistic(const std::vector<Image<const std::uint8_t>>&, Mode, bool, Image<float>, int);
template void statistic(const std::vector<Image<const std::uint16_t>>&, Mode, bool, Image<float>, int);
template void statistic(const std::vector<Image<const float>>&, Mode, bool, Image<float>, int);

}  // namespace dustbust
