#include "estimation/opacity_map.hpp"

#include <algorithm>
#include <cmath>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"
#include "estimation/opacity_readings.hpp"

namespace dustbust {
namespace {

// Vector clones cannot be templates, so each is made for each type of sum.
#define MEANS(Sum)                                                                             \
    TARGET_CLONES void mean_row(const Sum* sum, GridLine weight, std::ptrdiff_t columns,       \
                                float* out) {                                                  \
        for (std::ptrdiff_t x = 0; x < columns; ++x) {                                         \
            const float whole = weight(x) * READING_STEPS;                                     \
            out[x] = static_cast<float>(sum[x]) / (whole > 1.0f ? whole : 1.0f);               \
        }                                                                                      \
    }                                                                                          \
    TARGET_CLONES void mean_row_with_gaps(const Sum* sum, GridLine weight, const Sum* missing, \
                                          std::ptrdiff_t columns, float* out) {                \
        for (std::ptrdiff_t x = 0; x < columns; ++x) {                                         \
            const float whole = (weight(x) - static_cast<float>(missing[x])) * READING_STEPS;  \
            out[x] = static_cast<float>(sum[x]) / (whole > 1.0f ? whole : 1.0f);               \
        }                                                                                      \
    }
MEANS(std::int32_t)
MEANS(std::int64_t)
#undef MEANS

TARGET_CLONES
void soften_down(const float* above, const float* row, const float* below, std::ptrdiff_t columns,
                 float* out) {
    for (std::ptrdiff_t x = 0; x < columns; ++x)
        out[x] = (above[x] + below[x]) * 0.25f + row[x] * 0.5f;
}

TARGET_CLONES
void soften_across(const float* in, std::ptrdiff_t columns, float* out) {
    for (std::ptrdiff_t x = 1; x < columns - 1; ++x)
        out[x] = (in[x - 1] + in[x + 1]) * 0.25f + in[x] * 0.5f;
    const std::ptrdiff_t last = columns - 1, second = std::min<std::ptrdiff_t>(1, last);
    out[0] = (in[0] + in[second]) * 0.25f + in[0] * 0.5f;
    out[last] = (in[last - second] + in[last]) * 0.25f + in[last] * 0.5f;
}

TARGET_CLONES
void keep_detail(const float* row, const float* smooth, GridLine floor, std::ptrdiff_t columns,
                 float* out) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        const float detail = row[x] - smooth[x], power = detail * detail, noise = floor(x);
        out[x] = smooth[x] + detail * power / (power + noise * noise);
    }
}

TARGET_CLONES
void compare_row(const float* row, GridLine floor, float least, std::ptrdiff_t columns,
                 std::uint8_t* out) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        const float limit = floor(x);
        out[x] = row[x] > (limit > least ? limit : least);
    }
}

// The rows of a map in memory.
class MapRows {
public:
    explicit MapRows(Image<const float> map) : map_(map) {}
    const float* operator()(std::ptrdiff_t y, float*) { return map_.row(y); }

private:
    Image<const float> map_;
};

// The rows of a map that are made from sums when they are needed.
template <class Sum>
class MeanRows {
public:
    MeanRows(const ReadingSums<Sum>& sums, const GridPlaces& down, const GridPlaces& along)
        : sums_(sums), weights_(sums.weights, sums.side, down, along) {}

    const float* operator()(std::ptrdiff_t y, float* row) {
        const auto line = weights_.line(y);
        const std::ptrdiff_t columns = sums_.readings.columns;
        if (sums_.missing.data)
            mean_row_with_gaps(sums_.readings.row(y), line, sums_.missing.row(y), columns, row);
        else mean_row(sums_.readings.row(y), line, columns, row);
        return row;
    }

private:
    const ReadingSums<Sum>& sums_;
    GridRows weights_;
};

// A map that is read row by row: `rows()` gives a reader for one thread.
struct StoredMap {
    Image<const float> map;
    std::ptrdiff_t rows = map.rows, columns = map.columns;

    MapRows reader() const { return MapRows(map); }
};

template <class Sum>
struct SummedMap {
    explicit SummedMap(const ReadingSums<Sum>& all)
        : sums(all),
          rows(all.readings.rows),
          columns(all.readings.columns),
          down(rows, all.weights.rows, all.side),
          along(columns, all.weights.columns, all.side) {}

    MeanRows<Sum> reader() const { return MeanRows<Sum>(sums, down, along); }

    const ReadingSums<Sum>& sums;
    std::ptrdiff_t rows, columns;
    GridPlaces down, along;
};

// The rows of a map and the softened rows, in ascending order: each is made once.
template <class Reader>
class SoftRows {
public:
    SoftRows(Reader reader, std::ptrdiff_t rows, std::ptrdiff_t columns)
        : reader_(std::move(reader)), rows_(rows), between_(columns), smooth_(columns) {
        for (auto& row : kept_) row.resize(columns);
    }

    void move_to(std::ptrdiff_t y) {
        const float* const above = row(std::max<std::ptrdiff_t>(y - 1, 0));
        const float* const below = row(std::min(y + 1, rows_ - 1));
        row_ = row(y);
        const auto columns = static_cast<std::ptrdiff_t>(smooth_.size());
        soften_down(above, row_, below, columns, between_.data());
        soften_across(between_.data(), columns, smooth_.data());
    }
    const float* row() const { return row_; }
    const float* smooth() const { return smooth_.data(); }

private:
    const float* row(std::ptrdiff_t y) {
        const std::ptrdiff_t slot = y % 3;
        if (numbers_[slot] != y) {
            numbers_[slot] = y;
            made_[slot] = reader_(y, kept_[slot].data());
        }
        return made_[slot];
    }

    Reader reader_;
    std::ptrdiff_t rows_;
    std::vector<float> kept_[3];
    const float* made_[3] = {};
    std::ptrdiff_t numbers_[3] = {-1, -1, -1};
    const float* row_ = nullptr;
    std::vector<float> between_, smooth_;
};

// The absolute value; 0 for not-a-number, which cannot be sorted.
float size_of(float value) {
    const float size = std::fabs(value);
    return size >= 0 ? size : 0.0f;
}

// The median; the mean of the two middle ones of an even number of values.
float median(std::vector<float>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2) return *middle;
    return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

// Medians of the tiles. `make_reader()` gives each thread a reader: moved to a row, it gives the
// values of that row.
template <class MakeReader>
void medians_of(std::ptrdiff_t rows, std::ptrdiff_t columns, std::ptrdiff_t tile,
                std::ptrdiff_t every, Image<float> medians, int threads, MakeReader make_reader) {
    split_over_threads(medians.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        auto reader = make_reader();
        std::vector<std::vector<float>> values(medians.columns);
        for (std::ptrdiff_t v = begin; v < end; ++v) {
            for (auto& of_tile : values) of_tile.clear();
            for (std::ptrdiff_t y = v * tile; y < std::min((v + 1) * tile, rows); y += every) {
                reader.move_to(y);
                for (std::ptrdiff_t u = 0; u < medians.columns; ++u)
                    for (std::ptrdiff_t x = u * tile; x < std::min((u + 1) * tile, columns);
                         x += every)
                        values[u].push_back(size_of(reader.value(x)));
            }
            for (std::ptrdiff_t u = 0; u < medians.columns; ++u) medians(v, u) = median(values[u]);
        }
    });
}

template <class Reader>
struct DetailReader : SoftRows<Reader> {
    using SoftRows<Reader>::SoftRows;
    float value(std::ptrdiff_t x) const { return this->row()[x] - this->smooth()[x]; }
};

struct ValueReader {
    Image<const float> map;
    const float* row = nullptr;

    void move_to(std::ptrdiff_t y) { row = map.row(y); }
    float value(std::ptrdiff_t x) const { return row[x]; }
};

template <class Map>
void detail_medians_of(const Map& map, std::ptrdiff_t tile, std::ptrdiff_t every,
                       Image<float> medians, int threads) {
    medians_of(map.rows, map.columns, tile, every, medians, threads, [&] {
        return DetailReader<decltype(map.reader())>(map.reader(), map.rows, map.columns);
    });
}

template <class Map>
void denoise_map(const Map& map, Image<const float> floor, std::ptrdiff_t tile, Image<float> out,
                 int threads) {
    const GridPlaces down(map.rows, floor.rows, tile), along(map.columns, floor.columns, tile);
    split_over_threads(map.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        SoftRows<decltype(map.reader())> rows(map.reader(), map.rows, map.columns);
        GridRows floors(floor, tile, down, along);
        for (std::ptrdiff_t y = begin; y < end; ++y) {
            rows.move_to(y);
            keep_detail(rows.row(), rows.smooth(), floors.line(y), map.columns, out.row(y));
        }
    });
}

}  // namespace

void tile_medians(Image<const float> map, std::ptrdiff_t tile, std::ptrdiff_t every,
                  Image<float> medians, int threads) {
    medians_of(map.rows, map.columns, tile, every, medians, threads,
               [&] { return ValueReader{map}; });
}

void detail_medians(Image<const float> map, std::ptrdiff_t tile, std::ptrdiff_t every,
                    Image<float> medians, int threads) {
    detail_medians_of(StoredMap{map}, tile, every, medians, threads);
}

template <class Sum>
void detail_medians(const ReadingSums<Sum>& sums, std::ptrdiff_t tile, std::ptrdiff_t every,
                    Image<float> medians, int threads) {
    detail_medians_of(SummedMap<Sum>(sums), tile, every, medians, threads);
}

void denoise(Image<const float> map, Image<const float> floor, std::ptrdiff_t tile,
             Image<float> out, int threads) {
    denoise_map(StoredMap{map}, floor, tile, out, threads);
}

template <class Sum>
void denoise(const ReadingSums<Sum>& sums, Image<const float> floor, std::ptrdiff_t tile,
             Image<float> out, int threads) {
    denoise_map(SummedMap<Sum>(sums), floor, tile, out, threads);
}

template <class Sum>
void mean_readings(const ReadingSums<Sum>& sums, Image<float> out, int threads) {
    const SummedMap<Sum> map(sums);
    split_over_threads(out.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        auto reader = map.reader();
        for (std::ptrdiff_t y = begin; y < end; ++y) reader(y, out.row(y));
    });
}

void stands_out(Image<const float> map, Image<const float> floor, std::ptrdiff_t tile, float least,
                Image<std::uint8_t> out, int threads) {
    const GridPlaces down(map.rows, floor.rows, tile), along(map.columns, floor.columns, tile);
    split_over_threads(map.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        GridRows floors(floor, tile, down, along);
        for (std::ptrdiff_t y = begin; y < end; ++y)
            compare_row(map.row(y), floors.line(y), least, map.columns, out.row(y));
    });
}

#define OF_SUMS(Sum)                                                                      \
    template void detail_medians(const ReadingSums<Sum>&, std::ptrdiff_t, std::ptrdiff_t, \
                                 Image<float>, int);                                      \
    template void denoise(const ReadingSums<Sum>&, Image<const float>, std::ptrdiff_t,    \
                          Image<float>, int);                                             \
    template void mean_readings(const ReadingSums<Sum>&, Image<float>, int);
OF_SUMS(std::int32_t)
OF_SUMS(std::int64_t)
#undef OF_SUMS

}  // namespace dustbust
