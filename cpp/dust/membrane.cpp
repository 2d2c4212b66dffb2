#include "dust/membrane.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"
#include "image/rec601.hpp"

namespace dustbust {

namespace {

// The known pixels around a pixel, every `stride`-th each way, are weighted by a tent that ends
// `reach` pixels away.
constexpr int reach = 14, stride = 4;
// The smallest weight of known pixels from which a spread is measured; a whole tent has 12.8.
constexpr float enough = 1.5f;
// Beside the rim the membrane is nearer to the truth than the spread: measured on photographs.
constexpr float beside_rim = 0.65f;
// The membrane is done when no pixel moves by more than this.
constexpr float precision = 1e-3f;

// A number found for one masked pixel holds for all in the same square of `stride` x `stride`
// px. The pixels come in reading order, so one row of squares is enough.
class Squares {
public:
    explicit Squares(std::ptrdiff_t columns)
        : row_(columns / stride + 1, -1), value_(columns / stride + 1) {}

    // `find(y, x)` is called once, for the middle of the square.
    template <class Find>
    float operator()(std::ptrdiff_t y, std::ptrdiff_t x, Find find) {
        const std::ptrdiff_t row = y / stride, column = x / stride;
        if (row_[column] != row) {
            row_[column] = row;
            value_[column] = find(row * stride + stride / 2, column * stride + stride / 2);
        }
        return value_[column];
    }

private:
    std::vector<std::ptrdiff_t> row_;
    std::vector<float> value_;
};

// The colours of one picture. They have one spread, that of the luminance, and are finished
// together.
template <class T>
struct Colours {
    static constexpr bool apart = false;

    Image<const T> image;
    std::ptrdiff_t values;
    float scale;

    static std::ptrdiff_t spreads() { return 1; }
    float operator()(std::ptrdiff_t at, std::ptrdiff_t c) const {
        return static_cast<float>(image.data[at * image.channels + c]) * scale;
    }
    float luminance(std::ptrdiff_t at, std::ptrdiff_t) const {
        const T* const from = image.data + at * image.channels;
        if (values < 3) return static_cast<float>(from[0]) * scale;
        const float red = from[0], green = from[1], blue = from[2];
        return scale * (rec601(red, green, blue));
    }
};

// Several pictures of one channel. Each has a spread of its own, and is finished on its own.
template <class T>
struct Pictures {
    static constexpr bool apart = true;

    const T* const* images;
    std::ptrdiff_t values;
    float scale;

    std::ptrdiff_t spreads() const { return values; }
    float operator()(std::ptrdiff_t at, std::ptrdiff_t c) const {
        return static_cast<float>(images[c][at]) * scale;
    }
    float luminance(std::ptrdiff_t at, std::ptrdiff_t c) const { return (*this)(at, c); }
};

// A pixel that is solved for, with one number for each colour or picture.
template <int lanes>
struct Pixel {
    float known[lanes];     // sum of the known values beside it
    std::int32_t sides[4];  // places of its neighbours among the values
    float share;            // of each of its neighbours, times the factor of the relaxation
};

template <int lanes>
struct Register {
    typedef float Type __attribute__((vector_size(lanes * sizeof(float))));
};
template <>
struct Register<1> {
    using Type = float;
};

template <int lanes>
using Lanes = typename Register<lanes>::Type;

template <int lanes>
inline __attribute__((always_inline)) Lanes<lanes> load(const float* from) {
    if constexpr (lanes == 1) return *from;
    Lanes<lanes> values;
    std::memcpy(&values, from, sizeof values);
    return values;
}

template <int lanes>
inline __attribute__((always_inline)) void store(const Lanes<lanes>& values, float* to) {
    if constexpr (lanes == 1) *to = values;
    else std::memcpy(to, &values, sizeof values);
}

template <class Value>
inline __attribute__((always_inline)) Value larger(const Value& one, const Value& other) {
    return one > other ? one : other;
}

// One pass over some pixels; `moving` is 0 where a colour or picture is done, else 1. Afterwards
// `most` is how far the values moved, at most.
template <int lanes>
inline __attribute__((always_inline)) void relax_all(const std::vector<Pixel<lanes>>& pixels,
                                                     float factor, const float* moving,
                                                     float* values, float* most) {
    const Lanes<lanes> moves = load<lanes>(moving);
    Lanes<lanes> down{}, up{};
    const std::ptrdiff_t count = pixels.size();
    const Pixel<lanes>* const first = pixels.data();
    for (std::ptrdiff_t k = 0; k < count; ++k) {
        const Pixel<lanes>& pixel = first[k];
        float* const own = values + k * lanes;

        const Lanes<lanes> sum = load<lanes>(pixel.known) +
                                 load<lanes>(values + pixel.sides[0] * lanes) +
                                 load<lanes>(values + pixel.sides[1] * lanes) +
                                 load<lanes>(values + pixel.sides[2] * lanes) +
                                 load<lanes>(values + pixel.sides[3] * lanes);
        const Lanes<lanes> before = load<lanes>(own),
                           change = (sum * pixel.share - factor * before) * moves,
                           after = before + change;
        store<lanes>(after, own);
        down = larger<Lanes<lanes>>(down, -change);
        up = larger<Lanes<lanes>>(up, change);
    }
    store<lanes>(larger<Lanes<lanes>>(down, up), most);
}

// Vector clones cannot be templates.
#define RELAX(lanes)                                                                     \
    TARGET_CLONES void relax_pass(const std::vector<Pixel<lanes>>& pixels, float factor, \
                                  const float* moving, float* values, float* most) {     \
        relax_all<lanes>(pixels, factor, moving, values, most);                          \
    }
RELAX(1)
RELAX(4)
RELAX(8)
#undef RELAX
static_assert(most_together == 8);

template <class Source>
class MembraneSolver {
public:
    MembraneSolver(Source source, Image<const std::uint8_t> unknown, const MaskedPixels& masked,
                   const Components& particles, float* filled, float* spread)
        : source_(source),
          colours_(source.values),
          spreads_(source.spreads()),
          rows_(masked.rows()),
          columns_(masked.columns()),
          unknown_(unknown),
          masked_(masked),
          positions_(masked.positions()),
          neighbours_(particles.neighbours),
          filled_(filled),
          spread_(spread),
          known_(masked.size() * source.values, 0.0f),
          share_(masked.size(), 0.0f),
          depth_(masked.size(), 0),
          place_(masked.size()) {}

    // The spread at some of the pixels; -1 where too little is known around them.
    void find_spread(std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t c = 0; c < spreads_; ++c) {
            Squares squares(columns_);
            for (std::ptrdiff_t i = begin; i < end; ++i)
                spread_[i * spreads_ + c] = squares(
                    positions_[i] / columns_, positions_[i] % columns_,
                    [&](std::ptrdiff_t y, std::ptrdiff_t x) { return spread_around(y, x, c); });
        }
    }

    // One particle: its pixels, by their places in the list.
    void operator()(const std::int32_t* begin, const std::int32_t* end) {
        std::vector<std::int32_t> order;  // from the rim inwards
        for (auto i = begin; i < end; ++i)
            if (look_beside(*i)) order.push_back(*i);
        for (std::size_t at = 0; at < order.size(); ++at) {
            const std::int32_t i = order[at];
            start(i);
            for (const std::int32_t* j = beside(i); j < beside(i) + 4; ++j) {
                if (*j < 0 || depth_[*j]) continue;
                depth_[*j] = depth_[i] + 1;
                order.push_back(*j);
            }
        }
        for (std::ptrdiff_t c = 0; c < spreads_; ++c) complete_spread(begin, end, c);
        for (auto i = begin; i < end; ++i)
            if (!depth_[*i]) leave(*i);
        if (!order.empty()) relax(begin, end, depth_[order.back()]);
    }

private:
    const std::int32_t* beside(std::int32_t i) const {
        return neighbours_.data() + 4 * static_cast<std::ptrdiff_t>(i);
    }
    std::ptrdiff_t place(std::ptrdiff_t y, std::ptrdiff_t x) const { return y * columns_ + x; }

    bool is_known(std::ptrdiff_t y, std::ptrdiff_t x) const {
        return !masked_.contains(y, x) && !(unknown_.data && unknown_(y, x));
    }

    // Sum up the known pixels beside a pixel; false if there is none.
    bool look_beside(std::int32_t i) {
        const std::ptrdiff_t y = positions_[i] / columns_, x = positions_[i] % columns_;
        const std::ptrdiff_t sides[4][2] = {{y - 1, x}, {y, x - 1}, {y, x + 1}, {y + 1, x}};
        int masked = 0, known = 0;
        for (int side = 0; side < 4; ++side) {
            const auto [v, u] = sides[side];
            if (beside(i)[side] >= 0) {
                ++masked;
            } else if (v >= 0 && u >= 0 && v < rows_ && u < columns_ && is_known(v, u)) {
                for (std::ptrdiff_t c = 0; c < colours_; ++c)
                    known_[i * colours_ + c] += source_(place(v, u), c);
                ++known;
            }
        }
        share_[i] = masked + known ? 1.0f / static_cast<float>(masked + known) : 0.0f;
        if (known) {
            depth_[i] = 1;
            for (std::ptrdiff_t c = 0; c < colours_; ++c)
                filled_[i * colours_ + c] = known_[i * colours_ + c] / static_cast<float>(known);
        }
        return known > 0;
    }

    // A first guess, from the pixels nearer to the rim.
    void start(std::int32_t i) {
        int found = 0;
        float* const value = filled_ + i * colours_;
        if (depth_[i] > 1) std::fill(value, value + colours_, 0.0f);
        for (const std::int32_t* j = beside(i); j < beside(i) + 4; ++j) {
            if (*j < 0 || !depth_[*j] || depth_[*j] >= depth_[i]) continue;
            for (std::ptrdiff_t c = 0; c < colours_; ++c) value[c] += filled_[*j * colours_ + c];
            ++found;
        }
        if (found)
            for (std::ptrdiff_t c = 0; c < colours_; ++c) value[c] /= static_cast<float>(found);
    }

    // Where too little is known around a pixel, its spread is that of the particle's other pixels.
    void complete_spread(const std::int32_t* begin, const std::int32_t* end, std::ptrdiff_t c) {
        const auto spread = [this, c](std::int32_t i) -> float& {
            return spread_[i * spreads_ + c];
        };
        float squares = 0;
        int found = 0;
        for (auto i = begin; i < end; ++i) {
            if (spread(*i) < 0) continue;
            squares += spread(*i) * spread(*i);
            ++found;
        }
        const float usual = found ? std::sqrt(squares / static_cast<float>(found)) : 1.0f;
        for (auto i = begin; i < end; ++i) {
            if (spread(*i) < 0) spread(*i) = usual;
            if (depth_[*i] == 1) spread(*i) *= beside_rim;
        }
    }

    // Standard deviation of the known pixels around (y, x) from the plane that fits them best, or
    // -1 where there are too few. (The membrane follows a slope: a slope is not an error.)
    float spread_around(std::ptrdiff_t y, std::ptrdiff_t x, std::ptrdiff_t c) const {
        float n = 0, u = 0, v = 0, uu = 0, uv = 0, vv = 0, a = 0, ua = 0, va = 0,
              aa = 0;  // weighted sums; u right, v down, a value
        for (int dy = -reach / stride * stride; dy < reach; dy += stride) {
            if (y + dy < 0 || y + dy >= rows_) continue;
            for (int dx = -reach / stride * stride; dx < reach; dx += stride) {
                if (x + dx < 0 || x + dx >= columns_ || !is_known(y + dy, x + dx)) continue;
                const float weight =
                    static_cast<float>((reach - std::abs(dy)) * (reach - std::abs(dx))) /
                    (reach * reach);
                const float value = source_.luminance(place(y + dy, x + dx), c);
                const float right = static_cast<float>(dx) / reach,
                            down = static_cast<float>(dy) / reach;
                n += weight;
                u += weight * right;
                v += weight * down;
                uu += weight * right * right;
                uv += weight * right * down;
                vv += weight * down * down;
                a += weight * value;
                ua += weight * right * value;
                va += weight * down * value;
                aa += weight * value * value;
            }
        }
        if (n < enough) return -1;
        uu -= u * u / n;
        uv -= u * v / n;
        vv -= v * v / n;
        ua -= u * a / n;
        va -= v * a / n;
        aa -= a * a / n;
        const float determinant = uu * vv - uv * uv;
        if (determinant > 1e-5f)  // else they lie on a line: a rounded 0 would divide another
            aa -= (ua * ua * vv - 2 * ua * va * uv + va * va * uu) / determinant;
        return std::sqrt(std::max(aa / n, 0.0f));
    }

    // A particle without a known pixel beside it.
    void leave(std::int32_t i) {
        for (std::ptrdiff_t c = 0; c < colours_; ++c)
            filled_[i * colours_ + c] = source_(positions_[i], c);
        std::fill_n(spread_ + i * spreads_, spreads_, 1.0f);
    }

    // Successive over-relaxation, with the factor that is best for a strip of this depth (D. M.
    // Young, 1950). Like the fields of a chessboard, pixels have neighbours of the other colour
    // only: those of one colour do not wait for each other.
    void relax(const std::int32_t* begin, const std::int32_t* end, int deepest) {
        std::vector<std::int32_t> order;
        for (const std::ptrdiff_t odd : {0, 1})
            for (auto i = begin; i < end; ++i) {
                if (!depth_[*i] ||
                    (positions_[*i] / columns_ + positions_[*i] % columns_) % 2 != odd)
                    continue;
                place_[*i] = static_cast<std::int32_t>(order.size());
                order.push_back(*i);
            }
        if (colours_ == 1) relax_in_order<1>(order, deepest);
        else if (colours_ <= 4) relax_in_order<4>(order, deepest);
        else relax_in_order<8>(order, deepest);
    }

    template <int lanes>
    void relax_in_order(const std::vector<std::int32_t>& order, int deepest) {
        // All values of a pixel lie side by side. Neighbours outside the mask share one slot that
        // stays 0.
        const auto count = static_cast<std::int32_t>(order.size());
        std::vector<Pixel<lanes>> pixels(count);
        std::vector<float> values(lanes * (count + std::ptrdiff_t{1}));
        const float factor = 2 / (1 + std::sin(3.14159265f / static_cast<float>(2 * deepest + 2)));
        for (std::int32_t k = 0; k < count; ++k) {
            const std::int32_t i = order[k];
            for (int side = 0; side < 4; ++side)
                pixels[k].sides[side] = beside(i)[side] >= 0 ? place_[beside(i)[side]] : count;
            std::copy_n(&known_[i * colours_], colours_, pixels[k].known);
            pixels[k].share = factor * share_[i];
            std::copy_n(filled_ + i * colours_, colours_, &values[k * lanes]);
        }
        float moving[lanes], most[lanes];
        std::fill_n(moving, lanes, 1.0f);
        bool moved = true;
        for (int pass = 0; pass < 20 + 10 * deepest && moved; ++pass) {
            relax_pass(pixels, factor, moving, values.data(), most);
            moved = any_moves(most, moving);
        }
        for (std::int32_t k = 0; k < count; ++k)
            std::copy_n(&values[k * lanes], colours_, filled_ + order[k] * colours_);
    }

    // Whether a pass changed a picture; `moving` tells which ones.
    bool any_moves(const float* most, float* moving) const {
        bool any = false;
        for (std::ptrdiff_t c = 0; c < colours_; ++c) {
            const bool moves = most[c] > precision;
            if (Source::apart) moving[c] = moves ? 1.0f : 0.0f;
            any |= moves;
        }
        return any;
    }

    const Source source_;
    const std::ptrdiff_t colours_, spreads_, rows_, columns_;
    const Image<const std::uint8_t> unknown_;
    const MaskedPixels& masked_;
    const std::vector<std::int64_t>& positions_;
    const std::vector<std::int32_t>& neighbours_;
    float* const filled_;
    float* const spread_;
    std::vector<float> known_;         // sum of the known values beside each pixel, per colour
    std::vector<float> share_;         // 1 / how many pixels are beside it
    std::vector<std::int32_t> depth_;  // steps to the rim; 0: not reached
    std::vector<std::int32_t> place_;  // among the pixels of a particle that are solved for
};

}  // namespace

Membranes::Membranes(Image<const std::uint8_t> mask)
    : rows_(mask.rows),
      columns_(mask.columns),
      masked_(mask),
      particles_(connected_components(masked_, columns_)),
      begins_(particles_.count + 1, 0),
      members_(masked_.size()) {
    for (const std::int32_t label : particles_.labels) ++begins_[label + 1];
    for (std::int32_t k = 0; k < particles_.count; ++k) begins_[k + 1] += begins_[k];
    auto next = begins_;
    for (std::size_t i = 0; i < members_.size(); ++i)
        members_[next[particles_.labels[i]]++] = static_cast<std::int32_t>(i);
}

template <class Source>
void Membranes::solve(Source source, Image<const std::uint8_t> unknown, float* filled,
                      float* spread, int threads) const {
    MembraneSolver<Source> solver(source, unknown, masked_, particles_, filled, spread);
    split_over_threads(size(), threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        solver.find_spread(begin, end);
    });
    // Components are apart from each other, so they may be worked on at the same time.
    split_over_threads(particles_.count, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t k = begin; k < end; ++k)
            solver(members_.data() + begins_[k], members_.data() + begins_[k + 1]);
    });
}

template <class T>
void Membranes::operator()(Image<const T> image, std::ptrdiff_t colours, float scale,
                           Image<const std::uint8_t> unknown, float* filled, float* spread,
                           int threads) const {
    solve(Colours<T>{image, colours, scale}, unknown, filled, spread, threads);
}

template <class T>
void Membranes::together(const std::vector<const T*>& images, float scale, float* filled,
                         float* spread, int threads) const {
    const auto count = static_cast<std::ptrdiff_t>(images.size());
    solve(Pictures<T>{images.data(), count, scale}, {nullptr, rows_, columns_, 1}, filled, spread,
          threads);
}

#define TOGETHER(T)                                                                             \
    template void Membranes::together(const std::vector<const T*>&, float, float*, float*, int) \
        const;
TOGETHER(std::uint8_t)
TOGETHER(std::uint16_t)
TOGETHER(float)
#undef TOGETHER

template void Membranes::operator()(Image<const std::uint8_t>, std::ptrdiff_t, float,
                                    Image<const std::uint8_t>, float*, float*, int) const;
template void Membranes::operator()(Image<const std::uint16_t>, std::ptrdiff_t, float,
                                    Image<const std::uint8_t>, float*, float*, int) const;
template void Membranes::operator()(Image<const float>, std::ptrdiff_t, float,
                                    Image<const std::uint8_t>, float*, float*, int) const;

}  // namespace dustbust
