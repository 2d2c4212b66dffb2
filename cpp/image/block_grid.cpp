#include "image/block_grid.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"

namespace dustbust {

namespace {

// From the middle of one block to that of the next, values are linear: the loop needs no look-up
// for each pixel.
TARGET_CLONES
void expand_row(const float* row, const float* fraction, std::ptrdiff_t side, std::ptrdiff_t blocks,
                std::ptrdiff_t columns, float* out) {
    for (std::ptrdiff_t block = 0, x = 0; block <= blocks; ++block) {
        const float left = row[block > 0 ? block - 1 : 0],
                    step = row[block < blocks ? block : blocks - 1] - left;
        for (const std::ptrdiff_t end = std::min(block * side + side / 2, columns); x < end; ++x)
            out[x] = left + step * fraction[x];
    }
}

TARGET_CLONES
void subtract_row(const float* one, const float* other, std::ptrdiff_t columns, float* out) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) out[x] = one[x] - other[x];
}

TARGET_CLONES
void fill_row(GridLine line, std::ptrdiff_t columns, float* out) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) out[x] = line(x);
}

// A value, or 0 where `known` is 0, otherwise 1. Of whole numbers it is a product: it takes fewer
// steps than a choice.
template <class T>
inline __attribute__((always_inline)) T if_known(T value, std::uint8_t known) {
    if constexpr (std::is_same_v<T, float>) return known ? value : 0.0f;
    else return static_cast<T>(value * known);
}

// Rows whose columns are summed up together: sums of bytes then fit 16 bits, and counts 8.
constexpr std::ptrdiff_t most_rows = 255;

// The sum of a column of that many values, and of a whole block. Sums of whole numbers are whole
// numbers.
template <class T>
using ColumnSum =
    std::conditional_t<std::is_same_v<T, float>, float,
                       std::conditional_t<sizeof(T) == 1, std::uint16_t, std::uint32_t>>;
template <class Sum>
using BlockSum = std::conditional_t<std::is_same_v<Sum, float>, float, std::uint64_t>;

// Vector clones cannot be templates, so each is made for each type of pixel.
#define FOR_EACH_TYPE   \
    ROWS(std::uint8_t)  \
    ROWS(std::uint16_t) \
    ROWS(float)

#define ROWS(T)                                                                                    \
    TARGET_CLONES void add_row(const T* in, std::ptrdiff_t columns, ColumnSum<T>* sum) {           \
        for (std::ptrdiff_t x = 0; x < columns; ++x) sum[x] += in[x];                              \
    }                                                                                              \
    TARGET_CLONES void add_known_row(const T* in, const std::uint8_t* known,                       \
                                     std::ptrdiff_t columns, ColumnSum<T>* sum) {                  \
        for (std::ptrdiff_t x = 0; x < columns; ++x) sum[x] += if_known(in[x], known[x]);          \
    }                                                                                              \
    TARGET_CLONES void add_squares(const T* in, GridLine background, float limit,                  \
                                   std::ptrdiff_t columns, float* sum) {                           \
        for (std::ptrdiff_t x = 0; x < columns; ++x) {                                             \
            float off = std::fabs(static_cast<float>(in[x]) - background(x));                      \
            off = off > limit ? limit : off;                                                       \
            sum[x] += off * off;                                                                   \
        }                                                                                          \
    }                                                                                              \
    TARGET_CLONES void add_known_squares(const T* in, const std::uint8_t* known,                   \
                                         GridLine background, float limit, std::ptrdiff_t columns, \
                                         float* sum) {                                             \
        for (std::ptrdiff_t x = 0; x < columns; ++x) {                                             \
            float off = std::fabs(static_cast<float>(in[x]) - background(x));                      \
            off = off > limit ? limit : off;                                                       \
            sum[x] += known[x] ? off * off : 0.0f;                                                 \
        }                                                                                          \
    }
FOR_EACH_TYPE
#undef ROWS

TARGET_CLONES
void count_row(const std::uint8_t* known, std::ptrdiff_t columns, std::uint8_t* count) {
    for (std::ptrdiff_t x = 0; x < columns; ++x)
        count[x] = static_cast<std::uint8_t>(count[x] + known[x]);
}

// The sums of the blocks of a block row: those of its columns first. `add(y, sums)` adds a row to
// the sums of the columns.
template <class Sum, class Adder>
class BlockRowSums {
public:
    BlockRowSums(Image<const std::uint8_t> known, std::ptrdiff_t side, std::ptrdiff_t every,
                 Adder add)
        : known_(known),
          side_(side),
          every_(every),
          add_(std::move(add)),
          sums_(known.columns),
          counts_(known.data ? known.columns : 0),
          blocks_((known.columns + side - 1) / side),
          known_pixels_(blocks_.size()) {}

    // Read a block row.
    void read(std::ptrdiff_t block_row) {
        const std::ptrdiff_t top = block_row * side_, bottom = std::min(top + side_, known_.rows);
        used_rows_ = (bottom - top + every_ - 1) / every_;
        std::fill(blocks_.begin(), blocks_.end(), BlockSum<Sum>(0));
        std::fill(known_pixels_.begin(), known_pixels_.end(), 0);
        for (std::ptrdiff_t y = top; y < bottom; y += most_rows * every_) {
            add_columns(y, std::min(y + most_rows * every_, bottom));
            add_blocks();
        }
    }

    // Sum of a block, number of its pixels that are known, and of all.
    float sum(std::ptrdiff_t block) const { return static_cast<float>(blocks_[block]); }
    float count(std::ptrdiff_t block) const {
        return known_.data ? static_cast<float>(known_pixels_[block]) : pixels(block);
    }
    float pixels(std::ptrdiff_t block) const {
        return static_cast<float>(used_rows_ * (end_of(block) - block * side_));
    }

private:
    std::ptrdiff_t end_of(std::ptrdiff_t block) const {
        return std::min((block + 1) * side_, known_.columns);
    }

    void add_columns(std::ptrdiff_t begin, std::ptrdiff_t end) {
        std::fill(sums_.begin(), sums_.end(), Sum(0));
        std::fill(counts_.begin(), counts_.end(), std::uint8_t(0));
        for (std::ptrdiff_t y = begin; y < end; y += every_) {
            add_(y, sums_.data());
            if (known_.data) count_row(known_.row(y), known_.columns, counts_.data());
        }
    }

    void add_blocks() {
        for (std::ptrdiff_t block = 0; block < std::ptrdiff_t(blocks_.size()); ++block) {
            const std::ptrdiff_t begin = block * side_, end = end_of(block);
            for (std::ptrdiff_t x = begin; x < end; ++x) blocks_[block] += sums_[x];
            if (known_.data)
                for (std::ptrdiff_t x = begin; x < end; ++x) known_pixels_[block] += counts_[x];
        }
    }

    const Image<const std::uint8_t> known_;
    const std::ptrdiff_t side_, every_;
    Adder add_;
    std::vector<Sum> sums_;
    std::vector<std::uint8_t> counts_;
    std::vector<BlockSum<Sum>> blocks_;
    std::vector<std::ptrdiff_t> known_pixels_;
    std::ptrdiff_t used_rows_ = 0;
};

// Calls finish(block row, block, sum, count, pixels) for each block; see `BlockRowSums`.
template <class Sum, class MakeAdder, class Finish>
void each_block(Image<const std::uint8_t> known, std::ptrdiff_t side, std::ptrdiff_t every,
                int threads, MakeAdder make_adder, Finish finish) {
    const std::ptrdiff_t block_rows = (known.rows + side - 1) / side,
                         block_columns = (known.columns + side - 1) / side;
    split_over_threads(block_rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        BlockRowSums<Sum, decltype(make_adder())> sums(known, side, every, make_adder());
        for (std::ptrdiff_t row = begin; row < end; ++row) {
            sums.read(row);
            for (std::ptrdiff_t block = 0; block < block_columns; ++block)
                finish(row, block, sums.sum(block), sums.count(block), sums.pixels(block));
        }
    });
}

}  // namespace

GridPlaces::GridPlaces(std::ptrdiff_t pixels, std::ptrdiff_t blocks, std::ptrdiff_t side)
    : before(pixels), after(pixels), fraction(pixels) {
    for (std::ptrdiff_t i = 0; i < pixels; ++i) {
        const float at = (static_cast<float>(i) + 0.5f) / static_cast<float>(side) - 0.5f;
        const float low = std::floor(at);
        before[i] = static_cast<std::int32_t>(
            std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(low), 0, blocks - 1));
        after[i] = static_cast<std::int32_t>(
            std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(low) + 1, 0, blocks - 1));
        fraction[i] = at - low;
    }
}

GridRows::GridRows(Image<const float> coarse, std::ptrdiff_t side, const GridPlaces& down,
                   const GridPlaces& along, float scale)
    : coarse_(coarse),
      side_(side),
      down_(down),
      along_(along),
      scale_(scale),
      scaled_(coarse.columns),
      upper_(along.fraction.size()),
      lower_(along.fraction.size()),
      change_(along.fraction.size()) {}

void GridRows::expand(std::ptrdiff_t row, std::vector<float>& out) {
    for (std::ptrdiff_t x = 0; x < coarse_.columns; ++x) scaled_[x] = coarse_(row, x) * scale_;
    expand_row(scaled_.data(), along_.fraction.data(), side_, coarse_.columns,
               static_cast<std::ptrdiff_t>(out.size()), out.data());
}

GridLine GridRows::line(std::ptrdiff_t y) {
    const std::ptrdiff_t before = down_.before[y], after = down_.after[y];
    if (before != before_ || after != after_) {
        if (before == after_) upper_.swap(lower_);
        else expand(before, upper_);
        if (after == before) lower_ = upper_;
        else expand(after, lower_);
        before_ = before;
        after_ = after;
        subtract_row(lower_.data(), upper_.data(), static_cast<std::ptrdiff_t>(change_.size()),
                     change_.data());
    }
    return {upper_.data(), change_.data(), down_.fraction[y]};
}

template <class T>
void block_means(Image<const T> in, Image<const std::uint8_t> known, std::ptrdiff_t side,
                 Image<float> mean, Image<float> share, int threads) {
    each_block<ColumnSum<T>>(
        known, side, 1, threads,
        [&] {
            return [&](std::ptrdiff_t y, ColumnSum<T>* sums) {
                if (known.data) add_known_row(in.row(y), known.row(y), in.columns, sums);
                else add_row(in.row(y), in.columns, sums);
            };
        },
        [&](std::ptrdiff_t y, std::ptrdiff_t x, float sum, float count, float pixels) {
            mean(y, x) = count > 0 ? sum / (count * largest_value<T>) : 0.0f;
            share(y, x) = count / pixels;
        });
}

template <class T>
void block_spread(Image<const T> in, Image<const std::uint8_t> known, Image<const float> background,
                  std::ptrdiff_t side, std::ptrdiff_t every, float limit, Image<float> spread,
                  int threads) {
    constexpr float largest = largest_value<T>;
    const GridPlaces down(in.rows, background.rows, side),
        along(in.columns, background.columns, side);
    each_block<float>(
        known, side, every, threads,
        [&] {
            return [&, rows = GridRows(background, side, down, along, largest)](
                       std::ptrdiff_t y, float* sums) mutable {
                const auto line = rows.line(y);
                if (known.data)
                    add_known_squares(in.row(y), known.row(y), line, limit * largest, in.columns,
                                      sums);
                else add_squares(in.row(y), line, limit * largest, in.columns, sums);
            };
        },
        [&](std::ptrdiff_t y, std::ptrdiff_t x, float sum, float count, float) {
            spread(y, x) = count > 0 ? sum / (count * largest * largest) : 0.0f;
        });
}

#define ROWS(T)                                                                               \
    template void block_means(Image<const T>, Image<const std::uint8_t>, std::ptrdiff_t,      \
                              Image<float>, Image<float>, int);                               \
    template void block_spread(Image<const T>, Image<const std::uint8_t>, Image<const float>, \
                               std::ptrdiff_t, std::ptrdiff_t, float, Image<float>, int);
FOR_EACH_TYPE
#undef ROWS

void interpolate(Image<const float> coarse, std::ptrdiff_t side, Image<float> out, int threads) {
    const GridPlaces down(out.rows, coarse.rows, side), along(out.columns, coarse.columns, side);
    split_over_threads(out.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        GridRows rows(coarse, side, down, along);
        for (std::ptrdiff_t y = begin; y < end; ++y)
            fill_row(rows.line(y), out.columns, out.row(y));
    });
}

}  // namespace dustbust
