// Each mode is one functor: its name, the kind of its result, the order of the values that it
// needs, and the function that makes one value from the values of a pixel. To add a mode, write its
// functor and list it in `Modes`. A functor works on `V`, which is one number, or as many numbers
// side by side as fit into vector registers.
#include "stacking/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <tuple>
#include <type_traits>

#include "base/parallel.hpp"
#include "base/sorting_network.hpp"
#include "base/target_clones.hpp"

// Vectors are passed only within this file, where no two calling conventions can meet.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

namespace dustbust {
namespace {

// The order in which a mode needs the values: any, sorted in the middle only, or sorted.
enum class Order : std::uint8_t { any, middle, sorted };

// How the values come: as numbers of the pictures' own type, as doubles side by side, or as doubles
// one pixel at a time.
enum class Kind : std::uint8_t { own, doubles, single };

// ---- the modes

struct Maximum {
    static constexpr const char* name = "maximum";
    static constexpr bool is_picture = true;
    static constexpr Order order = Order::any;
    static constexpr Kind kind = Kind::own;

    template <class V, class Values>
    V operator()(const Values& values) const {
        V result = values[0];
        for (Index k = 1; k < values.size; ++k) {
            const V value = values[k];
            result = result < value ? value : result;
        }
        return result;
    }
};

struct Minimum {
    static constexpr const char* name = "minimum";
    static constexpr bool is_picture = true;
    static constexpr Order order = Order::any;
    static constexpr Kind kind = Kind::own;

    template <class V, class Values>
    V operator()(const Values& values) const {
        V result = values[0];
        for (Index k = 1; k < values.size; ++k) {
            const V value = values[k];
            result = value < result ? value : result;
        }
        return result;
    }
};

struct Sum {
    static constexpr const char* name = "sum";
    static constexpr bool is_picture = false;
    static constexpr Order order = Order::any;
    static constexpr Kind kind = Kind::doubles;

    template <class V, class Values>
    V operator()(const Values& values) const {
        return values.sum();
    }
};

struct Mean {
    static constexpr const char* name = "mean";
    static constexpr bool is_picture = true;
    static constexpr Order order = Order::any;
    static constexpr Kind kind = Kind::doubles;

    template <class V, class Values>
    V operator()(const Values& values) const {
        return Sum().operator()<V>(values) / static_cast<double>(values.size);
    }
};

struct Median {
    static constexpr const char* name = "median";
    static constexpr bool is_picture = true;
    static constexpr Order order = Order::middle;
    static constexpr Kind kind = Kind::doubles;

    template <class V, class Values>
    V operator()(const Values& values) const {
        const V low = values[(values.size - 1) / 2], high = values[values.size / 2];
        return (low + high) * 0.5;
    }
};

struct Range {
    static constexpr const char* name = "range";
    static constexpr bool is_picture = false;
    static constexpr Order order = Order::any;
    static constexpr Kind kind = Kind::own;

    template <class V, class Values>
    V operator()(const Values& values) const {
        const V highest = Maximum().operator()<V>(values), lowest = Minimum().operator()<V>(values);
        return highest - lowest;
    }
};

// Variance, skewness and kurtosis as in Photoshop's image stacks ("Stack modes" in Adobe's help on
// image stacks): all divide by n - 1, skewness by the cube and kurtosis by the fourth power of that
// standard deviation. The undefined cases are 0: the variance of one value, and skewness and
// kurtosis of values that do not differ.
struct Variance {
    static constexpr const char* name = "variance";
    static constexpr bool is_picture = false;
    static constexpr Order order = Order::any;
    static constexpr Kind kind = Kind::doubles;

    template <class V, class Values>
    V operator()(const Values& values) const {
        if (values.size < 2) return V{};
        const V mean = Mean().operator()<V>(values);
        V sum{};
        for (Index k = 0; k < values.size; ++k) {
            const V difference = values[k] - mean;
            sum += difference * difference;
        }
        return sum / static_cast<double>(values.size - 1);
    }
};

inline double root(double value) { return std::sqrt(value); }

template <class V>
V root(V values) {
    for (std::size_t i = 0; i < sizeof(V) / sizeof(double); ++i) values[i] = std::sqrt(values[i]);
    return values;
}

struct StandardDeviation {
    static constexpr const char* name = "standard deviation";
    static constexpr bool is_picture = false;
    static constexpr Order order = Order::any;
    static constexpr Kind kind = Kind::doubles;

    template <class V, class Values>
    V operator()(const Values& values) const {
        return root(Variance().operator()<V>(values));
    }
};

// The sum of the differences from the mean to the power of `power`, over that of their squares as
// skewness and kurtosis divide it.
template <int power, class V, class Values>
V standardised_moment(const Values& values) {
    const V mean = Mean().operator()<V>(values);
    V squares{}, sum{};
    for (Index k = 0; k < values.size; ++k) {
        const V difference = values[k] - mean;
        squares += difference * difference;
        sum += power == 3 ? difference * difference * difference
                          : difference * difference * difference * difference;
    }
    const auto less = static_cast<double>(std::max<Index>(values.size - 1, 1));
    const V variance = squares / less;
    V divisor = less * variance;
    if constexpr (power == 3) divisor *= root(variance);
    else divisor *= variance;
    return variance == 0.0 ? V{} : sum / divisor;
}

struct Skewness {
    static constexpr const char* name = "skewness";
    static constexpr bool is_picture = false;
    static constexpr Order order = Order::any;
    static constexpr Kind kind = Kind::doubles;

    template <class V, class Values>
    V operator()(const Values& values) const {
        return standardised_moment<3, V>(values);
    }
};

struct Kurtosis {
    static constexpr const char* name = "kurtosis";
    static constexpr bool is_picture = false;
    static constexpr Order order = Order::any;
    static constexpr Kind kind = Kind::doubles;

    template <class V, class Values>
    V operator()(const Values& values) const {
        return standardised_moment<4, V>(values);
    }
};

// In bits: -sum(p log2 p), p being the share of the scans that have a value.
struct Entropy {
    static constexpr const char* name = "entropy";
    static constexpr bool is_picture = false;
    static constexpr Order order = Order::sorted;
    static constexpr Kind kind = Kind::single;

    // growth[r]: what r log2 r gains when a group of equal values grows to r.
    explicit Entropy(Index count) : growth(count + 1, 0.0) {
        for (Index r = 2; r <= count; ++r) {
            const auto whole = static_cast<double>(r), less = static_cast<double>(r - 1);
            growth[r] = whole * std::log2(whole) - less * std::log2(less);
        }
    }

    template <class V, class Values>
    V operator()(const Values& values) const {
        double sum = 0;
        for (Index k = 1, run = 1; k < values.size; ++k) {
            run = values[k] == values[k - 1] ? run + 1 : 1;
            sum += growth[run];
        }
        const auto count = static_cast<double>(values.size);
        return std::max(0.0, std::log2(count) - sum / count);
    }

    std::vector<double> growth;
};

// The one list of modes: everything else follows from it.
using Modes = std::tuple<Maximum, Minimum, Mean, Median, Range, StandardDeviation, Variance, Sum,
                         Entropy, Skewness, Kurtosis>;

// ---- how values get to a mode and back

// Values handled at once: a stack of dozens of such rows stays in the processor's cache.
constexpr Index block_size = 512;

TARGET_CLONES void sort_columns(const Exchanges& network, std::uint8_t* rows) {
    exchange<block_size>(network, rows);
}
TARGET_CLONES void sort_columns(const Exchanges& network, std::uint16_t* rows) {
    exchange<block_size>(network, rows);
}
TARGET_CLONES void sort_columns(const Exchanges& network, float* rows) {
    exchange<block_size>(network, rows);
}

// `count` numbers side by side.
template <class T, int count>
struct SideBySide {
    typedef T type __attribute__((vector_size(count * sizeof(T))));
};
template <class T>
using OwnLanes = typename SideBySide<T, 16 / sizeof(T)>::type;
using DoubleLanes = SideBySide<double, 8>::type;

// Where the values of one place in the stack are: `rows[k] + at` for picture k.
template <class V, class T>
struct LaneValues {
    const T* const* rows;
    Index at, size;

    static constexpr int lanes =
        sizeof(V) / (std::is_same_v<V, DoubleLanes> ? sizeof(double) : sizeof(T));

    template <class As>
    As get(Index k) const {
        typename SideBySide<T, lanes>::type values;
        std::memcpy(&values, rows[k] + at, sizeof values);
        return __builtin_convertvector(values, As);
    }

    V operator[](Index k) const { return get<V>(k); }

    V sum() const {
        using Whole = typename SideBySide<std::int32_t, lanes>::type;
        using Sums = std::conditional_t<std::is_integral_v<T>, Whole, V>;
        if (std::is_integral_v<T> && size > most_whole) return add<V>();
        return __builtin_convertvector(add<Sums>(), V);
    }

private:
    // Sums of this many values of 16 bits fit into the 32 bits of a whole number, which are added
    // faster than doubles.
    static constexpr Index most_whole = 32767;

    template <class Sums>
    Sums add() const {
        Sums sums{};
        for (Index k = 0; k < size; ++k) sums += get<Sums>(k);
        return sums;
    }
};

template <class T>
struct SingleValues {
    const T* const* rows;
    Index at, size;

    double operator[](Index k) const { return rows[k][at]; }
};

// The values of a pixel that count, where some scans have no data.
struct ListedValues {
    const double* list;
    Index size;

    double operator[](Index k) const { return list[k]; }
    double sum() const { return std::accumulate(list, list + size, 0.0); }
};

// Values are not negative and less than 2^31 where they become whole numbers: adding 2^52 rounds
// them.
template <class Out>
Out rounded(double value) {
    if constexpr (std::is_same_v<Out, float>) return static_cast<float>(value);
    constexpr double whole = 4503599627370496.0;
    return static_cast<Out>((value + whole) - whole);
}

// Not-a-number comes last, as a sort needs an order.
void sort_list(double* values, Index count) {
    std::sort(values, values + count,
              [](double a, double b) { return a < b || (a == a && b != b); });
}

template <class Mode>
Mode make_mode([[maybe_unused]] Index count) {
    if constexpr (std::is_constructible_v<Mode, Index>) return Mode(count);
    else return Mode();
}

template <class Mode>
__attribute__((noinline)) double evaluate(const Mode& mode, const ListedValues& values) {
    return mode.template operator()<double>(values);
}

// The part of combining that all modes share. A mode adds only the function that makes its value
// from the values of a pixel, so that little code is compiled for each mode and type.
template <class T, class Out>
class Combiner {
public:
    Combiner(const std::vector<Image<const T>>& pictures, bool alpha, Image<Out> out, Order order)
        : pictures_(pictures),
          alpha_(alpha),
          out_(out),
          order_(order),
          rows_(pictures.size()),
          list_(pictures.size()) {
        const int count = static_cast<int>(pictures.size());
        if (order == Order::middle) network_ = selecting_network(count, (count - 1) / 2, count / 2);
        if (order == Order::sorted) network_ = sorting_network(count);
        if (order != Order::any) sorted_.resize(pictures.size() * block_size);
    }
    Combiner(const Combiner&) = delete;
    Combiner& operator=(const Combiner&) = delete;
    virtual ~Combiner() = default;

    // Combine the values from `begin` to `end`: whole pixels, at most `block_size` values.
    void operator()(Index begin, Index end) {
        const Index channels = out_.channels;
        if (alpha_ && !is_complete(begin, end)) {
            for (Index at = begin; at < end; at += channels) partial_pixel(at);
            return;
        }
        for (Index k = 0; k < count(); ++k) rows_[k] = pictures_[k].data + begin;
        if (order_ != Order::any) sort(end - begin);
        full_block(end - begin, out_.data + begin);
        for (Index at = begin + channels - 1; alpha_ && at < end; at += channels)
            out_.data[at] = static_cast<Out>(largest(at));
    }

protected:
    Index count() const { return static_cast<Index>(pictures_.size()); }
    const T* const* rows() const { return rows_.data(); }

    // The values of one place in the block, as a list.
    ListedValues listed(Index at) {
        for (Index k = 0; k < count(); ++k) list_[k] = rows_[k][at];
        return {list_.data(), count()};
    }

private:
    // All pictures have data: `to` gets the results of `size` values of `rows`.
    virtual void full_block(Index size, Out* to) = 0;
    // The result of the values of one pixel.
    virtual double one_value(const ListedValues& values) const = 0;

    // Whether all pictures have data at all pixels of a block.
    bool is_complete(Index begin, Index end) const {
        bool all = true;
        for (const auto& picture : pictures_)
            for (Index i = begin + out_.channels - 1; i < end; i += out_.channels)
                all &= picture.data[i] > 0;
        return all;
    }

    T largest(Index at) const {
        T result = 0;
        for (const auto& picture : pictures_) result = std::max(result, picture.data[at]);
        return result;
    }

    void sort(Index size) {
        for (Index k = 0; k < count(); ++k) {
            T* const row = sorted_.data() + k * block_size;
            std::copy_n(rows_[k], size, row);
            rows_[k] = row;
        }
        sort_columns(network_, sorted_.data());
    }

    void partial_pixel(Index at) {
        const Index colours = out_.channels - 1;
        for (Index c = 0; c < colours; ++c) {
            Index found = 0;
            for (const auto& picture : pictures_)
                if (picture.data[at + colours] > 0) list_[found++] = picture.data[at + c];
            if (order_ != Order::any) sort_list(list_.data(), found);
            out_.data[at + c] = found ? rounded<Out>(one_value({list_.data(), found})) : Out(0);
        }
        out_.data[at + colours] = static_cast<Out>(largest(at + colours));
    }

    const std::vector<Image<const T>>& pictures_;
    const bool alpha_;
    const Image<Out> out_;
    const Order order_;
    Exchanges network_;
    std::vector<const T*> rows_;
    std::vector<T> sorted_;
    std::vector<double> list_;
};

template <class Mode, class T, class Out>
class ModeCombiner final : public Combiner<T, Out> {
public:
    ModeCombiner(const std::vector<Image<const T>>& pictures, bool alpha, Image<Out> out)
        : Combiner<T, Out>(pictures, alpha, out, Mode::order),
          mode_(make_mode<Mode>(this->count())) {}

private:
    double one_value(const ListedValues& values) const override { return evaluate(mode_, values); }

    void full_block(Index size, Out* to) override {
        const Index count = this->count();
        const T* const* const rows = this->rows();
        if constexpr (Mode::order == Order::middle)
            if (count % 2) {  // the middle of the list is the result
                std::copy_n(rows[count / 2], size, to);
                return;
            }
        if constexpr (Mode::kind == Kind::single) {
            for (Index at = 0; at < size; ++at)
                to[at] = rounded<Out>(
                    mode_.template operator()<double>(SingleValues<T>{rows, at, count}));
        } else {
            Index done = 0;
            if constexpr (Mode::kind == Kind::own) done = side_by_side<OwnLanes<T>, T>(size, to);
            else done = side_by_side<DoubleLanes, double>(size, to);
            for (; done < size; ++done)
                to[done] = rounded<Out>(evaluate(mode_, this->listed(done)));
        }
    }

    template <class V, class Number>
    Index side_by_side(Index size, Out* to) {
        constexpr Index lanes = sizeof(V) / sizeof(Number);
        Index at = 0;
        for (; at + lanes <= size; at += lanes) {
            const V values =
                mode_.template operator()<V>(LaneValues<V, T>{this->rows(), at, this->count()});
            Number numbers[lanes];
            std::memcpy(numbers, &values, sizeof values);
            for (Index i = 0; i < lanes; ++i) {
                if constexpr (std::is_same_v<Number, double>) to[at + i] = rounded<Out>(numbers[i]);
                else to[at + i] = static_cast<Out>(numbers[i]);
            }
        }
        return at;
    }

    const Mode mode_;
};

template <class T, class Out>
using CombinerPointer = std::unique_ptr<Combiner<T, Out>>;

template <class Mode, class T, class Out>
CombinerPointer<T, Out> make_combiner(const std::vector<Image<const T>>& pictures, bool alpha,
                                      Image<Out> out) {
    if constexpr (Mode::is_picture || std::is_same_v<Out, float>)
        return std::make_unique<ModeCombiner<Mode, T, Out>>(pictures, alpha, out);
    else throw std::invalid_argument(std::string(Mode::name) + " gives numbers, not a picture");
}

template <class T, class Out, std::size_t... numbers>
CombinerPointer<T, Out> make_combiner_of(Index mode, const std::vector<Image<const T>>& pictures,
                                         bool alpha, Image<Out> out,
                                         std::index_sequence<numbers...>) {
    using Make = CombinerPointer<T, Out> (*)(const std::vector<Image<const T>>&, bool, Image<Out>);
    static constexpr Make makers[] = {
        make_combiner<std::tuple_element_t<numbers, Modes>, T, Out>...};
    return makers[mode](pictures, alpha, out);
}

template <std::size_t... numbers>
std::vector<StackingMode> list_modes(std::index_sequence<numbers...>) {
    return {{std::tuple_element_t<numbers, Modes>::name,
             std::tuple_element_t<numbers, Modes>::is_picture}...};
}

using ModeNumbers = std::make_index_sequence<std::tuple_size_v<Modes>>;

}  // namespace

const std::vector<StackingMode>& stacking_modes() {
    static const std::vector<StackingMode> modes = list_modes(ModeNumbers());
    return modes;
}

Index find_stacking_mode(const std::string& name) {
    const auto& modes = stacking_modes();
    const auto found = std::find_if(modes.begin(), modes.end(),
                                    [&](const StackingMode& mode) { return mode.name == name; });
    return found == modes.end() ? -1 : found - modes.begin();
}

template <class T, class Out>
void combine(const std::vector<Image<const T>>& stack, Index mode, bool alpha, Image<Out> out,
             int threads) {
    const Index pixels = out.rows * out.columns, channels = out.channels;
    const Index block_pixels = block_size / channels,
                blocks = (pixels + block_pixels - 1) / block_pixels;
    split_over_threads(blocks, threads, [&](Index begin, Index end) {
        const auto combine_block = make_combiner_of(mode, stack, alpha, out, ModeNumbers());
        for (Index block = begin; block < end; ++block)
            (*combine_block)(block * block_pixels * channels,
                             std::min((block + 1) * block_pixels, pixels) * channels);
    });
}

template void combine(const std::vector<Image<const std::uint8_t>>&, Index, bool,
                      Image<std::uint8_t>, int);
template void combine(const std::vector<Image<const std::uint16_t>>&, Index, bool,
                      Image<std::uint16_t>, int);
template void combine(const std::vector<Image<const std::uint8_t>>&, Index, bool, Image<float>,
                      int);
template void combine(const std::vector<Image<const std::uint16_t>>&, Index, bool, Image<float>,
                      int);
template void combine(const std::vector<Image<const float>>&, Index, bool, Image<float>, int);

}  // namespace dustbust
