#include "stacking/scan_differences.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/parallel.hpp"
#include "base/sorting_network.hpp"
#include "base/target_clones.hpp"
#include "image/rec601.hpp"
#include "stacking/dust_free_mean.hpp"

namespace dustbust {
namespace {

using Row = std::vector<float>;

// ---- one row of luminance

template <class T, int colours>
inline __attribute__((always_inline)) float luminance(const T* pixel) {
    if constexpr (colours == 3) return rec601(pixel[0], pixel[1], pixel[2]);
    else return float(pixel[0]);
}

// value = gain * luminance + offset, and `data`: whether there is any.
template <class T, int colours, bool alpha>
inline __attribute__((always_inline)) void read_pixels(const T* row, Index columns, float gain,
                                                       float offset, float* __restrict value,
                                                       float* __restrict data) {
    constexpr int channels = colours + (alpha ? 1 : 0);
    for (Index x = 0; x < columns; ++x) {
        const T* pixel = row + x * channels;
        const float v = gain * luminance<T, colours>(pixel) + offset;
        bool known = v == v;
        if constexpr (alpha) known &= pixel[colours] > 0;
        value[x] = v == v ? v : 0.0f;
        data[x] = known ? 1.0f : 0.0f;
    }
}

// Vector clones cannot be templates, so each is made for each type of pixel.
#define READ(T, colours, alpha, name)                                                            \
    TARGET_CLONES void name(const T* row, Index columns, float gain, float offset, float* value, \
                            float* data) {                                                       \
        read_pixels<T, colours, alpha>(row, columns, gain, offset, value, data);                 \
    }
#define READS(T)                      \
    READ(T, 1, false, read_grey)      \
    READ(T, 1, true, read_grey_alpha) \
    READ(T, 3, false, read_colour) READ(T, 3, true, read_colour_alpha)
READS(std::uint8_t)
READS(std::uint16_t)
READS(float)
#undef READS
#undef READ

template <class T>
void read_row(Image<const T> image, bool alpha, Index y, float gain, float offset, float* value,
              float* data) {
    const T* row = image.row(y);
    const bool colour = image.channels >= 3;
    if (colour && alpha) read_colour_alpha(row, image.columns, gain, offset, value, data);
    else if (colour) read_colour(row, image.columns, gain, offset, value, data);
    else if (alpha) read_grey_alpha(row, image.columns, gain, offset, value, data);
    else read_grey(row, image.columns, gain, offset, value, data);
}

TARGET_CLONES void subtract(const float* value, Index columns, float* __restrict page,
                            float* __restrict data, const float* __restrict own_data,
                            float* __restrict difference) {
    for (Index x = 0; x < columns; ++x) {
        const float known = data[x] * own_data[x];
        data[x] = known;
        difference[x] = (value[x] - page[x]) * known;
        page[x] *= known;
    }
}

// ---- the blur: two means of three, each over what is inside the picture

constexpr int blur_taps = 5;

// Weights of the values at - 2 to at + 2 of a line of `count`, 0 for those outside it.
void blur_weights(Index count, Index at, float* weights) {
    std::fill_n(weights, blur_taps, 0.0f);
    const auto inside = [&](Index k) {
        return float(std::min(k + 1, count - 1) - std::max<Index>(k - 1, 0) + 1);
    };
    for (Index k = std::max<Index>(at - 1, 0); k <= std::min(at + 1, count - 1); ++k)
        for (Index i = std::max<Index>(k - 1, 0); i <= std::min(k + 1, count - 1); ++i)
            weights[i - at + 2] += 1 / (inside(k) * inside(at));
}

TARGET_CLONES void blur_inner(const float* in, Index columns, float* __restrict out) {
    for (Index x = 2; x < columns - 2; ++x)
        out[x] = ((in[x - 2] + in[x + 2]) + 2 * (in[x - 1] + in[x + 1]) + 3 * in[x]) * (1.0f / 9);
}

void blur_across(const float* in, Index columns, float* out) {
    blur_inner(in, columns, out);
    for (const Index x : {Index(0), Index(1), columns - 2, columns - 1}) {
        if (x < 0 || x >= columns) continue;
        float weights[blur_taps], sum = 0;
        blur_weights(columns, x, weights);
        for (Index i = 0; i < blur_taps; ++i)
            if (weights[i] != 0) sum += weights[i] * in[x - 2 + i];
        out[x] = sum;
    }
}

TARGET_CLONES void blur_down(const float* const* rows, const float* weights, Index columns,
                             float* __restrict out) {
    const float *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3], *e = rows[4];
    const float wa = weights[0], wb = weights[1], wc = weights[2], wd = weights[3], we = weights[4];
    for (Index x = 0; x < columns; ++x)
        out[x] = (wa * a[x] + we * e[x]) + (wb * b[x] + wd * d[x]) + wc * c[x];
}

// ---- one scan, row by row

// Differences in standard deviations, with the slope of the page. `up`, `here` and `down` are rows
// of the page; the difference of the outer two times `per_row` is the slope for one row.
TARGET_CLONES void divide(const float* blurred, const float* up, const float* here,
                          const float* down, float per_row, const float* data, Index columns,
                          float noise, float misaligned, float* __restrict score) {
    const float least = noise * noise, per_slope = misaligned * misaligned;
    const auto at = [&](Index x, float gx) {
        const float gy = (down[x] - up[x]) * per_row;
        return blurred[x] / std::sqrt(least + per_slope * (gx * gx + gy * gy)) * data[x];
    };
    for (Index x = 1; x < columns - 1; ++x) score[x] = at(x, (here[x + 1] - here[x - 1]) * 0.5f);
    for (const Index x : {Index(0), columns - 1}) {
        const Index left = std::max<Index>(x - 1, 0), right = std::min(x + 1, columns - 1);
        score[x] = at(x, here[right] - here[left]);
    }
}

// The difference as a share of the largest that dust could make; that counts as `least_room` or
// more.
TARGET_CLONES void find_shares(const float* difference, const float* page, Index columns,
                               float* __restrict share) {
    constexpr float least_room = 0.4f;
    for (Index x = 0; x < columns; ++x) {
        const float d = difference[x];
        float room = d > 0 ? 1 - page[x] : page[x];
        room = room < least_room ? least_room : room;
        const float s = d / room;
        share[x] = s < -1 ? -1 : (s > 1 ? 1 : s);
    }
}

template <class T>
class DifferenceRows {
public:
    DifferenceRows(const ScanAndPage<T>& compared, Accuracy accuracy, Index columns)
        : score(columns, 0.0f),
          share(columns, 0.0f),
          compared_(compared),
          accuracy_(accuracy),
          rows_(compared.scan.rows),
          columns_(compared.scan.columns),
          blurred_(columns),
          own_data_(columns),
          nothing_(columns, 0.0f) {
        for (auto* ring :
             {&value_, &page_, &data_, &difference_, &across_, &page_across_, &smooth_})
            for (Row& row : *ring) row.assign(columns, 0.0f);
    }

    // Go on to a row: the next one, or the first that is asked for.
    void go_to(Index y) {
        y_ = y;
        if (!reaches()) {
            std::fill(score.begin(), score.end(), 0.0f);
            std::fill(share.begin(), share.end(), 0.0f);
            return;
        }
        if (loaded_ < 0) {
            loaded_ = std::max<Index>(y - reach, 0);
            smoothed_ = std::max<Index>(y - 1, 0);
        }
        while (loaded_ < std::min(y + reach + 1, rows_)) load(loaded_++);
        for (; smoothed_ < std::min(y + 2, rows_); ++smoothed_)
            blur(page_across_, smoothed_, at(smooth_, smoothed_));
        blur(across_, y, blurred_);
        const Index up = std::max<Index>(y - 1, 0), down = std::min(y + 1, rows_ - 1);
        divide(blurred_.data(), at(smooth_, up).data(), at(smooth_, y).data(),
               at(smooth_, down).data(), down - up == 2 ? 0.5f : 1.0f, at(data_, y).data(),
               columns_, accuracy_.noise, accuracy_.misaligned, score.data());
        find_shares(at(difference_, y).data(), at(page_, y).data(), columns_, share.data());
    }

    // Whether the scan reaches the row, and how many of its columns.
    bool reaches() const { return y_ < rows_; }
    Index columns() const { return reaches() ? columns_ : 0; }

    const float* value() const { return current(value_); }
    const float* page() const { return current(page_); }
    const float* data() const { return current(data_); }

    Row score, share;

private:
    // Rows above and below one that its score depends on, and rows that are kept: a power of 2.
    static constexpr Index reach = 3, kept = 8;
    using Ring = Row[kept];

    static Row& at(Ring& ring, Index y) { return ring[y % kept]; }
    const float* current(const Ring& ring) const {
        return reaches() ? ring[y_ % kept].data() : nothing_.data();
    }

    void load(Index y) {
        float *value = at(value_, y).data(), *page = at(page_, y).data(),
              *data = at(data_, y).data(), *difference = at(difference_, y).data();
        const float unit = 1 / accuracy_.largest;
        read_row(compared_.scan, compared_.alpha, y, compared_.gain * unit, compared_.offset, value,
                 own_data_.data());
        read_row(compared_.page, true, y, unit, 0.0f, page, data);
        subtract(value, columns_, page, data, own_data_.data(), difference);
        blur_across(difference, columns_, at(across_, y).data());
        blur_across(page, columns_, at(page_across_, y).data());
    }

    void blur(Ring& ring, Index y, Row& out) {
        float weights[blur_taps];
        blur_weights(rows_, y, weights);
        const float* rows[blur_taps];
        Index near = y - 2;
        for (const float*& row : rows)
            row = at(ring, std::clamp<Index>(near++, 0, rows_ - 1)).data();
        blur_down(rows, weights, columns_, out.data());
    }

    const ScanAndPage<T> compared_;
    const Accuracy accuracy_;
    const Index rows_, columns_;
    Index y_ = 0, loaded_ = -1, smoothed_ = 0;
    Ring value_, page_, data_, difference_, across_, page_across_, smooth_;
    Row blurred_, own_data_;
    const Row nothing_;
};

// ---- all scans, row by row

// The median of the two in the middle and of 0: a difference that only half of the scans show does
// not count. Of an odd number both are the same.
inline float towards_zero(float low, float high) {
    return (low > 0 ? low : 0) + (high < 0 ? high : 0);
}

// The difference that two scans show: see scanner_evidence. That of a scan without data is 0.
TARGET_CLONES void of_both(const float* one, const float* other, int polarity, Index columns,
                           float* __restrict out) {
    if (polarity > 0)
        for (Index x = 0; x < columns; ++x) {
            const float most = one[x] > other[x] ? one[x] : other[x];
            out[x] = most > 0 ? most : 0;
        }
    else if (polarity < 0)
        for (Index x = 0; x < columns; ++x) {
            const float least = one[x] < other[x] ? one[x] : other[x];
            out[x] = least < 0 ? least : 0;
        }
    else
        for (Index x = 0; x < columns; ++x) {
            const float low = one[x] < other[x] ? one[x] : other[x],
                        high = one[x] < other[x] ? other[x] : one[x];
            out[x] = towards_zero(low, high);
        }
}

TARGET_CLONES void clip_to_polarity(int polarity, Index columns, float* out) {
    for (Index x = 0; x < columns; ++x) {
        if (polarity > 0) out[x] = out[x] > 0 ? out[x] : 0;
        if (polarity < 0) out[x] = out[x] < 0 ? out[x] : 0;
    }
}

TARGET_CLONES void keep_extreme(const float* value, Index columns, bool darkest,
                                float* __restrict shade) {
    for (Index x = 0; x < columns; ++x)
        shade[x] = (value[x] < shade[x]) == darkest ? value[x] : shade[x];
}

// The number of values that a sorting network sorts side by side.
constexpr Index side_by_side = 256;

TARGET_CLONES void sort_columns(const Exchanges& network, float* rows) {
    exchange<side_by_side>(network, rows);
}

// The median of rows where they are known; 0 where fewer than `fewest` are.
class KnownMedian {
public:
    KnownMedian(Index count, Index fewest)
        : count_(count),
          fewest_(fewest),
          network_(selecting_network(int(count), int(count - 1) / 2, int(count) / 2)),
          values_(count * side_by_side),
          list_(count) {}

    void operator()(const std::vector<const float*>& rows, const std::vector<const float*>& data,
                    Index columns, float* out) {
        for (Index x = 0; x < columns; x += side_by_side) {
            const Index end = std::min(x + side_by_side, columns);
            if (is_complete(data, x, end)) sort_block(rows, x, end, out);
            else
                for (Index at = x; at < end; ++at) out[at] = of_list(rows, data, at);
        }
    }

private:
    bool is_complete(const std::vector<const float*>& data, Index begin, Index end) const {
        float missing = 0;
        for (Index k = 0; k < count_; ++k)
            for (Index x = begin; x < end; ++x) missing += 1 - data[k][x];
        return missing == 0;
    }

    void sort_block(const std::vector<const float*>& rows, Index begin, Index end, float* out) {
        for (Index k = 0; k < count_; ++k)
            std::copy_n(rows[k] + begin, end - begin, values_.data() + k * side_by_side);
        sort_columns(network_, values_.data());
        const float *low = values_.data() + (count_ - 1) / 2 * side_by_side,
                    *high = values_.data() + count_ / 2 * side_by_side;
        for (Index x = begin; x < end; ++x) out[x] = towards_zero(low[x - begin], high[x - begin]);
    }

    float of_list(const std::vector<const float*>& rows, const std::vector<const float*>& data,
                  Index x) {
        Index found = 0;
        for (Index k = 0; k < count_; ++k)
            if (data[k][x] > 0) list_[found++] = rows[k][x];
        if (found < fewest_) return 0;
        std::sort(list_.begin(), list_.begin() + found);
        return towards_zero(list_[(found - 1) / 2], list_[found / 2]);
    }

    const Index count_, fewest_;
    const Exchanges network_;
    Row values_, list_;
};

template <class T>
class EvidenceRows {
public:
    EvidenceRows(const PartOfScanner<T>& part, Index columns)
        : evidence(columns),
          opacity(columns),
          shade(columns),
          polarity_(part.polarity),
          columns_(columns),
          median_(Index(part.scans.size()), part.polarity == 0 ? 2 : 1) {
        scans.reserve(part.scans.size());
        for (const auto& compared : part.scans)
            scans.emplace_back(compared, part.accuracy, columns);
    }

    void go_to(Index y) {
        for (auto& scan : scans) scan.go_to(y);
        combine(&DifferenceRows<T>::score, evidence);
        combine(&DifferenceRows<T>::share, opacity);
    }

    // The luminance of the lightest scan, for light dust of the darkest one.
    void find_shade() {
        const bool darkest = polarity_ > 0;
        const float none = darkest ? std::numeric_limits<float>::infinity()
                                   : -std::numeric_limits<float>::infinity();
        std::fill(shade.begin(), shade.end(), none);
        for (const auto& scan : scans)
            keep_extreme(scan.value(), scan.columns(), darkest, shade.data());
        for (float& value : shade)
            if (value == none) value = 0;
    }

    Row evidence, opacity, shade;
    std::vector<DifferenceRows<T>> scans;

private:
    void combine(Row DifferenceRows<T>::* row, Row& out) {
        if (scans.size() == 2) {
            of_both((scans[0].*row).data(), (scans[1].*row).data(), polarity_, columns_,
                    out.data());
            return;
        }
        rows_.clear();
        data_.clear();
        for (const auto& scan : scans) {
            rows_.push_back((scan.*row).data());
            data_.push_back(scan.data());
        }
        median_(rows_, data_, columns_, out.data());
        clip_to_polarity(polarity_, columns_, out.data());
    }

    const int polarity_;
    const Index columns_;
    KnownMedian median_;
    std::vector<const float*> rows_, data_;
};

// ---- bytes

inline int code_of(float strength) {
    return (strength > weak_evidence) * code_weak +
           (strength > strong_evidence) * (code_strong - code_weak);
}

TARGET_CLONES void encode(const float* evidence, const float* opacity, Index columns,
                          std::uint8_t* __restrict codes, std::uint8_t* __restrict marks) {
    constexpr auto mark = float(dust_mark), per_opacity = float(dust_per_opacity);
    for (Index x = 0; x < columns; ++x) {
        codes[x] = std::uint8_t(code_of(std::fabs(evidence[x])));
        marks[x] = std::uint8_t(std::int32_t(mark + per_opacity * std::fabs(opacity[x])));
    }
}

TARGET_CLONES void encode_scan(const float* score, const float* data, int polarity, Index columns,
                               std::uint8_t* __restrict codes) {
    for (Index x = 0; x < columns; ++x) {
        const float s = polarity == 0 ? std::fabs(score[x]) : score[x] * float(polarity);
        codes[x] = std::uint8_t(data[x] > 0 ? code_of(s) : code_unknown);
    }
}

// Call use(y, rows) for each row of the result, `rows` being at its row of the part.
template <class T, class Rows, class Use>
void each_row(const PartOfScanner<T>& part, Index rows, Index columns, int threads, Use use) {
    split_over_threads(rows, threads, [&](Index begin, Index end) {
        if (begin == end) return;
        Rows at_row(part, columns);
        for (Index y = begin; y < end; ++y) {
            at_row.go_to(y + part.first_row);
            use(y, at_row);
        }
    });
}

// The one scan of a part.
template <class T>
struct OnlyScan : DifferenceRows<T> {
    OnlyScan(const PartOfScanner<T>& part, Index columns)
        : DifferenceRows<T>(part.scans.front(), part.accuracy, columns) {}
};

}  // namespace

template <class T>
void scan_differences(const PartOfScanner<T>& part, Image<float> out, int threads) {
    const Index rows = out.rows / 4;
    each_row<T, OnlyScan<T>>(
        part, rows, out.columns, threads, [&](Index y, const OnlyScan<T>& scan) {
            const float* planes[] = {scan.score.data(), scan.value(), scan.page(), scan.data()};
            for (Index k = 0; k < 4; ++k)
                std::copy_n(planes[k], out.columns, out.row(k * rows + y));
        });
}

template <class T>
void scanner_evidence(const PartOfScanner<T>& part, Image<float> out, int threads) {
    const Index rows = out.rows / 3;
    each_row<T, EvidenceRows<T>>(
        part, rows, out.columns, threads, [&](Index y, EvidenceRows<T>& all) {
            all.find_shade();
            const Row* planes[] = {&all.evidence, &all.opacity, &all.shade};
            for (Index k = 0; k < 3; ++k)
                std::copy_n(planes[k]->data(), out.columns, out.row(k * rows + y));
        });
}

template <class T>
void scanner_codes(const PartOfScanner<T>& part, Image<std::uint8_t> out, int threads) {
    const bool two = part.scans.size() == 2;
    const Index rows = out.rows / (two ? 4 : 2);
    each_row<T, EvidenceRows<T>>(
        part, rows, out.columns, threads, [&](Index y, const EvidenceRows<T>& all) {
            encode(all.evidence.data(), all.opacity.data(), out.columns, out.row(y),
                   out.row(rows + y));
            for (Index k = 0; two && k < 2; ++k)
                encode_scan(all.scans[k].score.data(), all.scans[k].data(), part.polarity,
                            out.columns, out.row((2 + k) * rows + y));
        });
}

#define INSTANTIATE(T)                                                          \
    template void scan_differences(const PartOfScanner<T>&, Image<float>, int); \
    template void scanner_evidence(const PartOfScanner<T>&, Image<float>, int); \
    template void scanner_codes(const PartOfScanner<T>&, Image<std::uint8_t>, int);
INSTANTIATE(std::uint8_t)
INSTANTIATE(std::uint16_t)
INSTANTIATE(float)
#undef INSTANTIATE

}  // namespace dustbust
