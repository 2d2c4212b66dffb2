#include "registration/resample.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"
#include "base/transpose.hpp"

namespace dustbust {
namespace {

// Taps in each direction, and steps between two pixels at which their weights are tabulated.
constexpr int taps = 6, before = 2, phases = 1024;

// Weights of one phase, and zeros up to whole vector registers.
constexpr int padded_taps = 8;

// Lanczos weights with three lobes, each set adding up to 1: K. Turkowski, "Filters for common
// resampling tasks", Graphics Gems I, 1990. On scanned text they lose about a third of what cubic
// convolution loses. At whole pixels they are 0 and 1.
const float* lanczos_weights() {
    static const std::vector<float> table = [] {
        std::vector<float> weights(phases * padded_taps, 0.0f);
        for (int phase = 0; phase < phases; ++phase) {
            double sum = 0, row[taps];
            for (int i = 0; i < taps; ++i) {
                const double pi = 3.14159265358979323846,
                             t = pi * (i - before - phase / double(phases));
                row[i] = phase == 0 ? (i == before) : 3 * std::sin(t) * std::sin(t / 3) / (t * t);
                sum += row[i];
            }
            for (int i = 0; i < taps; ++i) weights[phase * padded_taps + i] = float(row[i] / sum);
        }
        return weights;
    }();
    return table.data();
}

template <class T>
T to_pixel(float value, float largest) {
    if (largest > 0) value = std::clamp(value, 0.0f, largest);
    if constexpr (std::is_same_v<T, float>) return value;
    else return static_cast<T>(value + 0.5f);
}

struct Colours {
    const double *gain, *offset;
    float largest, opaque;
};

// Pixels of a row of the result that are processed side by side, in whole vector registers.
constexpr int block = 64;

// Where the pixels of a block lie: the pixel of the picture before them, how far they are beyond
// it, and whether they lie in the picture at all.
struct Places {
    std::int32_t x[block], y[block], phase_x[block], phase_y[block];
    std::uint8_t inside[block];
};

TARGET_CLONES void find_places(const Point* points, int count, double right, double bottom,
                               Places& places) {
    // Where a pixel lies on the last row or column but for rounding, it is inside.
    constexpr double slack = 1e-3, half = 0.5 / phases;
    for (int k = 0; k < count; ++k) {
        const double x = points[k].x, y = points[k].y;
        places.inside[k] =
            (x >= -slack) & (y >= -slack) & (x <= right + slack) & (y <= bottom + slack);
        double px = x > 0 ? x : 0, py = y > 0 ? y : 0;
        px = (px < right ? px : right) + half;
        py = (py < bottom ? py : bottom) + half;
        const auto column = std::int32_t(px), row = std::int32_t(py);
        places.x[k] = column;
        places.y[k] = row;
        places.phase_x[k] = std::int32_t((px - column) * phases);
        places.phase_y[k] = std::int32_t((py - row) * phases);
    }
}

// Weights of the pixels of a block, tap by tap.
struct Weights {
    alignas(64) float x[taps][block], y[taps][block];
};

// `phases` of the first of `count` pixels, and the weights of all of them for one direction.
inline __attribute__((always_inline)) void set_weights(const std::int32_t* phases, int count,
                                                       const float* table,
                                                       float (&weights)[taps][block]) {
    constexpr int together = 4;
    int k = 0;
    for (; k + together <= count; k += together) {
        const float* row[together];
        for (int i = 0; i < together; ++i) row[i] = table + phases[k + i] * padded_taps;
        transpose<together>(row[0], row[1], row[2], row[3], &weights[0][k], block);
        transpose<taps - together>(row[0] + together, row[1] + together, row[2] + together,
                                   row[3] + together, &weights[together][k], block);
    }
    for (; k < count; ++k)
        for (int i = 0; i < taps; ++i) weights[i][k] = table[phases[k] * padded_taps + i];
}

// The weighted sums of `count` pixels beside each other, whose taps begin at `corner` and lie
// inside the picture.
template <class T, int channels>
inline __attribute__((always_inline)) void sums_of_run(const T* corner, Index stride, int count,
                                                       const Weights& weights, float* sums) {
    float values[taps][block + padded_taps];
    for (int j = 0; j < taps; ++j)
        for (int i = 0; i < count + taps - 1; ++i)
            values[j][i] = float(corner[j * stride + i * channels]);
    for (int k = 0; k < count; ++k) {
        float sum = 0;
        for (int i = 0; i < taps; ++i) {
            float column = 0;
            for (int j = 0; j < taps; ++j) column += weights.y[j][k] * values[j][k + i];
            sum += weights.x[i][k] * column;
        }
        sums[k] = sum;
    }
}

// Whether all values of a channel are 0 in `columns` pixels of each of the rows of the taps.
template <class T, int channels>
inline __attribute__((always_inline)) bool is_zero(const T* corner, Index stride, int columns) {
    T any = 0;
    for (int j = 0; j < taps; ++j)
        for (int i = 0; i < columns; ++i) any |= corner[j * stride + i * channels];
    return any == 0;
}

// Whether all of them are greater than 0.
template <class T, int channels>
inline __attribute__((always_inline)) bool is_positive(const T* corner, Index stride, int columns) {
    // Of the size of the values: otherwise compilers do not vectorise the loop.
    using Flag = std::conditional_t<std::is_same_v<T, float>, std::int32_t, T>;
    Flag missing = 0;
    for (int j = 0; j < taps; ++j)
        for (int i = 0; i < columns; ++i)
            missing |= corner[j * stride + i * channels] > 0 ? Flag(0) : Flag(1);
    return missing == 0;
}

// Whole vector registers are read: up to this number of pixels beyond the taps.
constexpr Index read_ahead = 2;

// Compute the weighted sums over taps x taps pixels from `corner` on, all of them inside the
// picture. Returns whether all have data.
template <class T, int channels>
inline __attribute__((always_inline)) bool inner_sums(const T* corner, Index stride,
                                                      const float* wx, const float* wy, int alpha,
                                                      float* sums) {
    // First down the columns, then across: the first loop runs over neighbours in memory.
    constexpr int lanes = (taps * channels + 7) / 8 * 8;
    float columns[lanes] = {};
    bool data = true;
    for (int j = 0; j < taps; ++j) {
        const T* row = corner + j * stride;
        const float w = wy[j];
        for (int i = 0; i < lanes; ++i) columns[i] += w * float(row[i]);
        if (alpha >= 0 && w != 0)
            for (int i = 0; i < taps; ++i) data &= row[i * channels + alpha] > 0 || wx[i] == 0;
    }
    for (int c = 0; c < channels; ++c) {
        float sum = 0;
        for (int i = 0; i < taps; ++i) sum += wx[i] * columns[i * channels + c];
        sums[c] = sum;
    }
    return data;
}

// The same where some lie outside: the pixels at the border stand for them.
template <class T>
bool border_sums(Image<const T> in, Index x0, Index y0, const float* wx, const float* wy, int alpha,
                 float* sums) {
    std::fill_n(sums, in.channels, 0.0f);
    for (int j = 0; j < taps; ++j)
        for (int i = 0; i < taps; ++i) {
            const float w = wx[i] * wy[j];
            if (w == 0) continue;
            const T* pixel = &in(std::clamp<Index>(y0 - before + j, 0, in.rows - 1),
                                 std::clamp<Index>(x0 - before + i, 0, in.columns - 1));
            if (alpha >= 0 && !(pixel[alpha] > 0)) return false;
            for (Index c = 0; c < in.channels; ++c) sums[c] += w * float(pixel[c]);
        }
    return true;
}

template <class T, int channels>
class RowResampler {
public:
    RowResampler(Image<const T> in, bool has_alpha, Colours scale)
        : in_(in),
          scale_(scale),
          colours_(channels - (has_alpha ? 1 : 0)),
          alpha_(has_alpha ? colours_ : -1),
          table_(lanczos_weights()) {}

    // `count` pixels of a row of the result, no more than a block.
    inline __attribute__((always_inline)) void operator()(const Places& places, int count, T* to) {
        for (int at = 0; at < count;) {
            const int length = run_length(places, at, count);
            T* const out = to + at * (colours_ + 1);
            if (!(length >= shortest_run && resample_run(places, at, length, out)))
                for (int k = 0; k < length; ++k)
                    resample_pixel(places, at + k, out + k * (colours_ + 1));
            at += length;
        }
    }

private:
    // Below this length the weights of a run take longer to set than its pixels one by one.
    static constexpr int shortest_run = 4;

    // The number of pixels from `at` on that lie beside each other in the picture too.
    static int run_length(const Places& places, int at, int count) {
        int end = at + 1;
        while (end < count && places.y[end] == places.y[at] &&
               places.x[end] == places.x[at] + (end - at) &&
               places.inside[end] == places.inside[at])
            ++end;
        return end - at;
    }

    // Whether the taps of `length` pixels lie inside the picture.
    bool is_inner(Index x, Index y, int length) const {
        return x >= before && y >= before &&
               x - before + length - 1 + taps + read_ahead <= in_.columns &&
               y - before + taps <= in_.rows;
    }

    // Returns false, with nothing done, at the border and where a pixel has no data.
    inline __attribute__((always_inline)) bool resample_run(const Places& places, int at,
                                                            int length, T* to) {
        const Index x = places.x[at], y = places.y[at], stride = in_.columns * channels;
        if (!places.inside[at] || !is_inner(x, y, length)) return false;
        const T* const corner = &in_(y - before, x - before);
        if (alpha_ >= 0 && !is_positive<T, channels>(corner + alpha_, stride, length + taps - 1))
            return false;
        const bool whole = is_whole(places, at, length);
        if (!whole) {
            set_weights(places.phase_x + at, length, table_, weights_.x);
            set_weights(places.phase_y + at, length, table_, weights_.y);
        }
        for (int c = 0; c < channels; ++c) {
            float sums[block];
            if (whole)
                for (int k = 0; k < length; ++k)
                    sums[k] = float(corner[before * stride + (before + k) * channels + c]);
            else weighted_sums(corner + c, stride, length, sums);
            write(c, sums, length, to);
        }
        return true;
    }

    inline __attribute__((always_inline)) void weighted_sums(const T* corner, Index stride,
                                                             int length, float* sums) {
        if constexpr (std::is_integral_v<T>)
            if (is_zero<T, channels>(corner, stride, length + taps - 1)) {
                std::fill_n(sums, length, 0.0f);
                return;
            }
        sums_of_run<T, channels>(corner, stride, length, weights_, sums);
    }

    // Whether pixels lie on pixels of the picture.
    inline __attribute__((always_inline)) static bool is_whole(const Places& places, int at,
                                                               int length) {
        std::int32_t phase = 0;
        for (int k = at; k < at + length; ++k) phase |= places.phase_x[k] | places.phase_y[k];
        return phase == 0;
    }

    // One channel of pixels beside each other, which have data.
    inline __attribute__((always_inline)) void write(int c, const float* sums, int length, T* to) {
        const int step = colours_ + 1;
        if (c == alpha_) {
            for (int k = 0; k < length; ++k) to[k * step + c] = alpha_of(sums[k]);
            return;
        }
        const float gain = float(scale_.gain[c]), offset = float(scale_.offset[c]),
                    largest = scale_.largest;
        T values[block];
        for (int k = 0; k < length; ++k) values[k] = to_pixel<T>(gain * sums[k] + offset, largest);
        const T opaque = T(scale_.opaque);
        if (step == 2)
            for (int k = 0; k < length; ++k) {
                to[2 * k] = values[k];
                to[2 * k + 1] = opaque;
            }
        else
            for (int k = 0; k < length; ++k) to[k * step + c] = values[k];
        if (step > 2 && alpha_ < 0 && c == 0)
            for (int k = 0; k < length; ++k) to[k * step + colours_] = opaque;
    }

    T alpha_of(float sum) const {
        return std::max(to_pixel<T>(sum, scale_.opaque),
                        std::is_same_v<T, float> ? T(1e-6f) : T(1));
    }

    inline __attribute__((always_inline)) void resample_pixel(const Places& places, int k, T* to) {
        std::fill_n(to, colours_ + 1, T(0));
        if (!places.inside[k]) return;
        const Index x = places.x[k], y = places.y[k];
        const float *wx = table_ + places.phase_x[k] * padded_taps,
                    *wy = table_ + places.phase_y[k] * padded_taps;
        float sums[channels];
        const bool data = is_inner(x, y, 1) ? inner_sums<T, channels>(&in_(y - before, x - before),
                                                                      in_.columns * channels, wx,
                                                                      wy, alpha_, sums)
                                            : border_sums(in_, x, y, wx, wy, alpha_, sums);
        if (!data) return;
        for (int c = 0; c < colours_; ++c)
            to[c] = to_pixel<T>(float(scale_.gain[c]) * sums[c] + float(scale_.offset[c]),
                                scale_.largest);
        to[colours_] = alpha_ >= 0 ? alpha_of(sums[colours_]) : T(scale_.opaque);
    }

    const Image<const T> in_;
    const Colours scale_;
    const int colours_, alpha_;
    const float* const table_;
    Weights weights_;
};

// Vector clones cannot be templates, so each is made for each type of pixel.
#define PART(T, channels)                                                                         \
    TARGET_CLONES void part##channels(RowResampler<T, channels>& resampler, const Places& places, \
                                      int count, T* to) {                                         \
        resampler(places, count, to);                                                             \
    }
#define PARTS(T) PART(T, 1) PART(T, 2) PART(T, 3) PART(T, 4)
PARTS(std::uint8_t)
PARTS(std::uint16_t)
PARTS(float)
#undef PARTS
#undef PART

template <class T, int channels>
void resample_rows(Image<const T> in, bool alpha, const Warp& warp, Index left, Index top,
                   Colours scale, Image<T> out, Index begin, Index end,
                   void (*part)(RowResampler<T, channels>&, const Places&, int, T*)) {
    RowResampler<T, channels> resampler(in, alpha, scale);
    std::vector<Point> points(out.columns);
    Places places;
    for (Index y = begin; y < end; ++y) {
        sources(warp, left, top + y, points);
        for (Index x = 0; x < out.columns; x += block) {
            const int count = int(std::min<Index>(block, out.columns - x));
            find_places(points.data() + x, count, double(in.columns - 1), double(in.rows - 1),
                        places);
            part(resampler, places, count, &out(y, x));
        }
    }
}

// The largest change of a distortion from pixel to pixel.
double steepest(const Warp& warp) {
    const auto& knots = warp.distortion;
    double steepest = 0;
    for (Index y = 0; y < knots.rows; ++y)
        for (Index x = 0; x < knots.columns; ++x)
            for (Index c = 0; c < 2; ++c) {
                const double here = knots(y, x, c);
                if (x > 0)
                    steepest =
                        std::max(steepest, std::fabs(here - knots(y, x - 1, c)) / warp.pitch_x);
                if (y > 0)
                    steepest =
                        std::max(steepest, std::fabs(here - knots(y - 1, x, c)) / warp.pitch_y);
            }
    return steepest;
}

TARGET_CLONES bool is_empty_row(const std::uint8_t* row, Index columns) {
    std::uint8_t any = 0;
    for (Index x = 0; x < columns; ++x) any |= row[x];
    return any == 0;
}

// Finds blocks of a row of the result that show only zeros.
class EmptyBlocks {
public:
    EmptyBlocks(Image<const std::uint8_t> in, const Warp& warp) : in_(in) {
        const double scale = std::max({1.0, std::fabs(warp.m[0]) + std::fabs(warp.m[1]),
                                       std::fabs(warp.m[3]) + std::fabs(warp.m[4])});
        // Between the ends of a block the distortion leaves a straight line by less than this.
        margin_ = taps + block * steepest(warp) * scale * scale;
    }

    // Whether the picture is 0 at and around the places from `first` to `last`.
    bool operator()(Point first, Point last) const {
        const auto [left, right] = reach(first.x, last.x, in_.columns);
        const auto [top, bottom] = reach(first.y, last.y, in_.rows);
        for (Index y = top; y < bottom; ++y)
            if (left < right && !is_empty_row(&in_(y, left), right - left)) return false;
        return true;
    }

private:
    std::pair<Index, Index> reach(double first, double last, Index count) const {
        const auto inside = [&](double at) {
            return at > 0 ? Index(std::min(at, double(count))) : Index(0);
        };
        return {inside(std::min(first, last) - margin_), inside(std::max(first, last) + margin_)};
    }

    const Image<const std::uint8_t> in_;
    double margin_;
};

void resample_rows_of_marks(Image<const std::uint8_t> in, const Warp& warp, Index left, Index top,
                            Image<std::uint8_t> out, Index begin, Index end) {
    constexpr double gain = 1, offset = 0;
    RowResampler<std::uint8_t, 1> resampler(in, false, {&gain, &offset, 255, 255});
    const EmptyBlocks is_empty(in, warp);
    const Distortion distortion(warp);
    std::vector<Point> points;
    Places places;
    std::uint8_t values[2 * block];  // and whether there is data
    for (Index y = begin; y < end; ++y) {
        const auto place = [&](Index x) {
            return source(warp, distortion, double(left + x), double(top + y));
        };
        Point first = place(0);
        for (Index x = 0; x < out.columns; x += block) {
            const Index count = std::min<Index>(block, out.columns - x);
            const Point last = place(x + count);
            if (is_empty(first, last)) std::fill_n(&out(y, x), count, std::uint8_t(0));
            else {
                points.resize(count);
                sources(warp, left + x, top + y, points);
                find_places(points.data(), int(count), double(in.columns - 1), double(in.rows - 1),
                            places);
                part1(resampler, places, int(count), values);
                for (Index k = 0; k < count; ++k) out(y, x + k) = values[2 * k];
            }
            first = last;
        }
    }
}

}  // namespace

void resample_marks(Image<const std::uint8_t> in, const Warp& warp, Index left, Index top,
                    Image<std::uint8_t> out, int threads) {
    split_over_threads(out.rows, threads, [&](Index begin, Index end) {
        resample_rows_of_marks(in, warp, left, top, out, begin, end);
    });
}

template <class T>
void resample(Image<const T> in, bool alpha, const Warp& warp, Index left, Index top,
              const double* gain, const double* offset, float largest, float opaque, Image<T> out,
              int threads) {
    const Colours scale{gain, offset, largest, opaque};
    split_over_threads(out.rows, threads, [&](Index begin, Index end) {
        switch (in.channels) {
            case 1:
                resample_rows<T, 1>(in, alpha, warp, left, top, scale, out, begin, end, part1);
                break;
            case 2:
                resample_rows<T, 2>(in, alpha, warp, left, top, scale, out, begin, end, part2);
                break;
            case 3:
                resample_rows<T, 3>(in, alpha, warp, left, top, scale, out, begin, end, part3);
                break;
            default:
                resample_rows<T, 4>(in, alpha, warp, left, top, scale, out, begin, end, part4);
        }
    });
}

template void resample(Image<const std::uint8_t>, bool, const Warp&, Index, Index, const double*,
                       const double*, float, float, Image<std::uint8_t>, int);
template void resample(Image<const std::uint16_t>, bool, const Warp&, Index, Index, const double*,
                       const double*, float, float, Image<std::uint16_t>, int);
template void resample(Image<const float>, bool, const Warp&, Index, Index, const double*,
                       const double*, float, float, Image<float>, int);

}  // namespace dustbust
