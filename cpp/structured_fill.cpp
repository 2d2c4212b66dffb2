// The picture is cut into cells of 4 x 4 pixels. The pixels of a cell are predicted together, by kriging, from the known
// pixels nearest to it. What is near is measured along and across the structure around the cell: the metric is that
// of the mean structure tensor of the known pixels there, so a line or an edge that runs into a hair is near its other end.
// A cell deep inside a large particle has no known pixel near it. It is first filled in the picture of half the size
// (and there, if need be, in a quarter), and its guessed pixels serve the cells around it as if they were known.
// Only cells near masked pixels are ever looked at, and the work for each is bounded.
#include "structured_fill.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "kriging.hpp"
#include "parallel.hpp"
#include "runs_of_mask.hpp"
#include "zero_plane.hpp"

namespace dustbust {
namespace {

constexpr std::ptrdiff_t side = 4;              // of a cell, px
constexpr std::ptrdiff_t margin = 4;            // cells around a masked one whose pixels may be used
constexpr std::ptrdiff_t reach = side * margin - side / 2;      // px from the middle of a cell to the farthest pixel used
constexpr double pi = 3.14159265358979323846;
constexpr int few = 24;                         // a cell with fewer known pixels within two cells is deep inside the dust
constexpr float known_noise = 0.5f, guessed_noise = 2.0f;       // grain, in units of the variogram at 1 px

enum State : std::uint8_t { unseen = 0, known, hole, guessed };

// Sums over the known pixels of a cell, and over those among them whose gradient is known.
struct Cell {
    float xx = 0, xy = 0, yy = 0, gradients = 0, known = 0;
};

struct Offset {
    std::int16_t dy, dx;
};

// Pixels around a cell, the nearest to its middle first, when steps along `angle` count `stretch` times less.
std::vector<Offset> nearest_first(double angle, double stretch) {
    struct Candidate {
        double distance;
        Offset offset;
    };
    std::vector<Candidate> candidates;
    const double middle = (side - 1) / 2.0;
    for (std::ptrdiff_t dy = -reach; dy < reach + side; ++dy)
        for (std::ptrdiff_t dx = -reach; dx < reach + side; ++dx) {
            const double y = dy - middle, x = dx - middle;
            const double along = (x * std::cos(angle) + y * std::sin(angle)) / stretch, across = y * std::cos(angle) - x * std::sin(angle);
            if (x * x + y * y <= reach * reach)
                candidates.push_back({std::hypot(along, across), {static_cast<std::int16_t>(dy), static_cast<std::int16_t>(dx)}});
        }
    std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.distance < b.distance - 1e-9; });
    std::vector<Offset> offsets;
    for (const auto& candidate : candidates) offsets.push_back(candidate.offset);
    return offsets;
}

constexpr int directions = 8;

const std::array<std::vector<Offset>, directions + 1>& nearest_tables() {
    static const auto tables = [] {
        std::array<std::vector<Offset>, directions + 1> result;
        for (int d = 0; d < directions; ++d) result[d] = nearest_first(d * pi / directions, 1.5);
        result[directions] = nearest_first(0, 1);
        return result;
    }();
    return tables;
}

// A picture of which only the surroundings of holes are loaded.
class Level {
public:
    Level(std::ptrdiff_t rows, std::ptrdiff_t columns, std::ptrdiff_t colours)
        : rows(rows), columns(columns), colours(colours), cell_rows((rows + side - 1) / side), cell_columns((columns + side - 1) / side),
          values_(rows * columns * colours), states_(rows * columns), cells_(cell_rows * cell_columns), loaded_(cell_rows * cell_columns) {}
    virtual ~Level() = default;

    // Have the pixels of these cells in memory.
    void ensure(const std::vector<std::int64_t>& cells, int threads) {
        std::vector<std::int64_t> missing;
        for (const auto at : cells)
            if (!loaded_[at]) loaded_[at] = 1, missing.push_back(at);
        before_loading(missing, threads);
        split_over_threads(missing.size(), threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
            for (std::ptrdiff_t k = begin; k < end; ++k)
                each_pixel(missing[k], [&](std::ptrdiff_t y, std::ptrdiff_t x) { states_[y * columns + x] = load(y, x, value(y, x)); });
        });
    }

    // The cells at most `distance` cells away from some of `cells`, each once.
    std::vector<std::int64_t> around(const std::vector<std::int64_t>& cells, std::ptrdiff_t distance) const {
        ZeroPlane<std::uint8_t> listed(cell_rows * cell_columns);
        std::vector<std::int64_t> result;
        for (const auto at : cells) {
            const std::ptrdiff_t row = at / cell_columns, column = at % cell_columns;
            for (std::ptrdiff_t v = std::max<std::ptrdiff_t>(row - distance, 0); v <= std::min(row + distance, cell_rows - 1); ++v)
                for (std::ptrdiff_t u = std::max<std::ptrdiff_t>(column - distance, 0); u <= std::min(column + distance, cell_columns - 1); ++u)
                    if (!listed[v * cell_columns + u]) listed[v * cell_columns + u] = 1, result.push_back(v * cell_columns + u);
        }
        return result;
    }

    template <class Visit>
    void each_pixel(std::int64_t cell, Visit visit) const {
        const std::ptrdiff_t top = cell / cell_columns * side, left = cell % cell_columns * side;
        for (std::ptrdiff_t y = top; y < std::min(top + side, rows); ++y)
            for (std::ptrdiff_t x = left; x < std::min(left + side, columns); ++x) visit(y, x);
    }

    State state(std::ptrdiff_t y, std::ptrdiff_t x) const { return static_cast<State>(states_[y * columns + x]); }
    void set_guess(std::ptrdiff_t y, std::ptrdiff_t x) { states_[y * columns + x] = guessed; }
    float* value(std::ptrdiff_t y, std::ptrdiff_t x) { return &values_[(y * columns + x) * colours]; }
    const float* value(std::ptrdiff_t y, std::ptrdiff_t x) const { return &values_[(y * columns + x) * colours]; }

    // Predict the holes in these cells, as far as there is anything to predict them from.
    void fill(const std::vector<std::int64_t>& wanted, int threads);

    const std::ptrdiff_t rows, columns, colours, cell_rows, cell_columns;

protected:
    // Write the value of a pixel and say what it is.
    virtual State load(std::ptrdiff_t y, std::ptrdiff_t x, float* value) const = 0;
    virtual void before_loading(const std::vector<std::int64_t>&, int) {}

private:
    void measure(std::int64_t at);
    Metric metric_at(std::int64_t at, double sigma, int& table) const;
    void guess_from_half_size(const std::vector<std::int64_t>& deep, int threads);
    void predict(std::int64_t at, float* predicted, std::uint8_t* done) const;

    ZeroPlane<float> values_;
    ZeroPlane<std::uint8_t> states_;
    ZeroPlane<Cell> cells_;
    ZeroPlane<std::uint8_t> loaded_;
};

template <class T>
class Picture : public Level {
public:
    Picture(Image<const T> image, Image<const std::uint8_t> mask, std::ptrdiff_t colours, float scale)
        : Level(image.rows, image.columns, colours), image_(image), mask_(mask), scale_(scale) {}

protected:
    State load(std::ptrdiff_t y, std::ptrdiff_t x, float* value) const override {
        const T* pixel = image_.row(y) + x * image_.channels;
        if (image_.channels > colours && pixel[colours] == 0) return unseen;
        if (mask_(y, x)) return hole;
        for (std::ptrdiff_t c = 0; c < colours; ++c) value[c] = pixel[c] * scale_;
        return known;
    }

private:
    Image<const T> image_;
    Image<const std::uint8_t> mask_;
    float scale_;
};

// Means of the known pixels among 2 x 2 pixels.
class HalfSize : public Level {
public:
    explicit HalfSize(Level& whole) : Level((whole.rows + 1) / 2, (whole.columns + 1) / 2, whole.colours), whole_(whole) {}

protected:
    void before_loading(const std::vector<std::int64_t>& cells, int threads) override {
        std::vector<std::int64_t> parts;
        for (const auto at : cells)
            for (int part = 0; part < 4; ++part) {
                const std::ptrdiff_t row = at / cell_columns * 2 + part / 2, column = at % cell_columns * 2 + part % 2;
                if (row < whole_.cell_rows && column < whole_.cell_columns) parts.push_back(row * whole_.cell_columns + column);
            }
        whole_.ensure(parts, threads);
    }

    State load(std::ptrdiff_t y, std::ptrdiff_t x, float* value) const override {
        int count = 0, holes = 0;
        for (std::ptrdiff_t v = 2 * y; v < std::min(2 * y + 2, whole_.rows); ++v)
            for (std::ptrdiff_t u = 2 * x; u < std::min(2 * x + 2, whole_.columns); ++u) {
                if (whole_.state(v, u) == hole) ++holes;
                if (whole_.state(v, u) != known) continue;
                ++count;
                for (std::ptrdiff_t c = 0; c < colours; ++c) value[c] += whole_.value(v, u)[c];
            }
        for (std::ptrdiff_t c = 0; c < colours && count; ++c) value[c] /= count;
        return count ? known : holes ? hole : unseen;
    }

private:
    Level& whole_;
};

// Products of the gradients of a cell's pixels, over all colours (S. Di Zenzo, "A note on the gradient of a multi-image",
// 1986), by the operator of H. Scharr, 2000, where all nine pixels are known.
void Level::measure(std::int64_t at) {
    Cell cell;
    each_pixel(at, [&](std::ptrdiff_t y, std::ptrdiff_t x) {
        if (state(y, x) != known) return;
        ++cell.known;
        if (y == 0 || x == 0 || y + 1 == rows || x + 1 == columns) return;
        for (std::ptrdiff_t v = y - 1; v <= y + 1; ++v)
            for (std::ptrdiff_t u = x - 1; u <= x + 1; ++u)
                if (state(v, u) != known) return;
        ++cell.gradients;
        for (std::ptrdiff_t c = 0; c < colours; ++c) {
            const auto p = [&](std::ptrdiff_t dy, std::ptrdiff_t dx) { return value(y + dy, x + dx)[c]; };
            const float gx = (3 * (p(-1, 1) - p(-1, -1)) + 10 * (p(0, 1) - p(0, -1)) + 3 * (p(1, 1) - p(1, -1))) / 32;
            const float gy = (3 * (p(1, -1) - p(-1, -1)) + 10 * (p(1, 0) - p(-1, 0)) + 3 * (p(1, 1) - p(-1, 1))) / 32;
            cell.xx += gx * gx, cell.xy += gx * gy, cell.yy += gy * gy;
        }
    });
    cells_[at] = cell;
}

// The metric of the structure around a cell: lengths across it count more than along it.
Metric Level::metric_at(std::int64_t at, double sigma, int& table) const {
    const std::ptrdiff_t row = at / cell_columns, column = at % cell_columns;
    float xx = 0, xy = 0, yy = 0, weights = 0;
    float bell[2 * margin + 1];
    for (std::ptrdiff_t d = -margin; d <= margin; ++d) bell[d + margin] = static_cast<float>(std::exp(-0.5 * d * d / (sigma * sigma)));
    for (std::ptrdiff_t v = std::max<std::ptrdiff_t>(row - margin, 0); v <= std::min(row + margin, cell_rows - 1); ++v)
        for (std::ptrdiff_t u = std::max<std::ptrdiff_t>(column - margin, 0); u <= std::min(column + margin, cell_columns - 1); ++u) {
            const Cell& cell = cells_[v * cell_columns + u];
            const float weight = bell[v - row + margin] * bell[u - column + margin];
            xx += weight * cell.xx, xy += weight * cell.xy, yy += weight * cell.yy, weights += weight * cell.gradients;
        }
    table = directions;
    if (weights < 1e-3f) return {};
    const float tiny = 1.5e-4f;     // squared gradients below those of noise of 1 % tell no direction
    const float half = (xx + yy) / (2 * weights), difference = (xx - yy) / (2 * weights), mixed = xy / weights;
    const float radius = std::sqrt(difference * difference + mixed * mixed);
    const float ratio = std::min((half + radius + tiny) / (std::max(half - radius, 0.0f) + tiny), 8.0f);
    if (radius <= 0) return {};
    // Eigenvalues ratio and 1 / ratio; (cos, sin) of twice the angle of the gradient.
    const float cosine = difference / radius, sine = mixed / radius;
    const float mean = (ratio + 1 / ratio) / 2, spread = (ratio - 1 / ratio) / 2;
    if (ratio > 1.5f) {
        const double along = 0.5 * std::atan2(sine, cosine) + pi / 2;
        table = static_cast<int>(std::lround(along / pi * directions) + directions) % directions;
    }
    return {mean + spread * cosine, spread * sine, mean - spread * cosine};
}

void Level::predict(std::int64_t at, float* predicted, std::uint8_t* done) const {
    const std::ptrdiff_t top = at / cell_columns * side, left = at % cell_columns * side;
    int table;
    const Metric metric = metric_at(at, 1.0, table);

    Neighbours near;
    for (const Offset offset : nearest_tables()[table]) {
        const std::ptrdiff_t y = top + offset.dy, x = left + offset.dx;
        if (y < 0 || x < 0 || y >= rows || x >= columns) continue;
        const State what = state(y, x);
        if (what != known && what != guessed) continue;
        near.x[near.count] = offset.dx, near.y[near.count] = offset.dy;
        near.noise[near.count] = what == known ? known_noise : guessed_noise;
        for (std::ptrdiff_t c = 0; c < colours; ++c) near.value[c][near.count] = value(y, x)[c];
        if (++near.count == Neighbours::most) break;
    }
    if (near.count == 0) return;

    Places places;
    for (int p = 0; p < Places::count; ++p) places.x[p] = p % side, places.y[p] = p / side;
    const Prediction result = krige(near, static_cast<int>(colours), places, metric);
    for (int p = 0; p < Places::count; ++p)
        for (std::ptrdiff_t c = 0; c < colours; ++c) predicted[p * colours + c] = result.value[c][p];
    *done = 1;
}

void Level::guess_from_half_size(const std::vector<std::int64_t>& deep, int threads) {
    HalfSize half(*this);
    std::vector<std::int64_t> coarse;
    for (const auto at : deep) coarse.push_back(at / cell_columns / 2 * half.cell_columns + at % cell_columns / 2);
    half.fill(half.around(coarse, 1), threads);
    split_over_threads(deep.size(), threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t k = begin; k < end; ++k)
            each_pixel(deep[k], [&](std::ptrdiff_t y, std::ptrdiff_t x) {
                if (state(y, x) != hole) return;
                // Linear between the middles of the half-size pixels: 3/4 of the one it is in, 1/4 of its neighbour.
                std::array<float, Neighbours::most_colours> sum{};
                float weights = 0;
                for (std::ptrdiff_t v : {y / 2, y / 2 + (y % 2 ? 1 : -1)})
                    for (std::ptrdiff_t u : {x / 2, x / 2 + (x % 2 ? 1 : -1)}) {
                        if (v < 0 || u < 0 || v >= half.rows || u >= half.columns) continue;
                        if (half.state(v, u) != known && half.state(v, u) != guessed) continue;
                        const float weight = (v == y / 2 ? 0.75f : 0.25f) * (u == x / 2 ? 0.75f : 0.25f);
                        for (std::ptrdiff_t c = 0; c < colours; ++c) sum[c] += weight * half.value(v, u)[c];
                        weights += weight;
                    }
                if (weights == 0) return;
                for (std::ptrdiff_t c = 0; c < colours; ++c) value(y, x)[c] = sum[c] / weights;
                set_guess(y, x);
            });
    });
}

void Level::fill(const std::vector<std::int64_t>& wanted, int threads) {
    const auto region = around(wanted, margin);
    ensure(region, threads);
    split_over_threads(region.size(), threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t k = begin; k < end; ++k) measure(region[k]);
    });

    std::vector<std::int64_t> deep, shallow;
    const bool last = rows <= 2 * side && columns <= 2 * side;
    for (const auto at : wanted) {
        float count = 0;
        const std::ptrdiff_t row = at / cell_columns, column = at % cell_columns;
        for (std::ptrdiff_t v = std::max<std::ptrdiff_t>(row - 2, 0); v <= std::min(row + 2, cell_rows - 1); ++v)
            for (std::ptrdiff_t u = std::max<std::ptrdiff_t>(column - 2, 0); u <= std::min(column + 2, cell_columns - 1); ++u)
                count += cells_[v * cell_columns + u].known;
        (count < few && !last ? deep : shallow).push_back(at);
    }
    if (!deep.empty()) guess_from_half_size(deep, threads);

    const std::ptrdiff_t stride = side * side * colours;
    std::vector<float> predicted(shallow.size() * stride);
    std::vector<std::uint8_t> done(shallow.size(), 0);
    split_over_threads(shallow.size(), threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t k = begin; k < end; ++k) predict(shallow[k], &predicted[k * stride], &done[k]);
    });
    for (std::size_t k = 0; k < shallow.size(); ++k) {
        if (!done[k]) continue;
        const std::ptrdiff_t top = shallow[k] / cell_columns * side, left = shallow[k] % cell_columns * side;
        each_pixel(shallow[k], [&](std::ptrdiff_t y, std::ptrdiff_t x) {
            if (state(y, x) != hole) return;
            const float* from = &predicted[k * stride + ((y - top) * side + x - left) * colours];
            std::copy(from, from + colours, value(y, x));
            set_guess(y, x);
        });
    }
}

}  // namespace

template <class T>
Filled structured_fill(Image<const T> image, Image<const std::uint8_t> mask, std::ptrdiff_t colours, float scale, int threads) {
    Filled result;
    Picture<T> picture(image, mask, colours, scale);
    ZeroPlane<std::uint8_t> listed(picture.cell_rows * picture.cell_columns);
    std::vector<std::int64_t> wanted;
    for (std::ptrdiff_t y = 0; y < mask.rows; ++y)
        each_run(mask.row(y), mask.columns, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
            for (std::ptrdiff_t x = begin; x < end; ++x) {
                result.positions.push_back(y * mask.columns + x);
                const std::ptrdiff_t cell = y / side * picture.cell_columns + x / side;
                if (!listed[cell]) listed[cell] = 1, wanted.push_back(cell);
            }
        });
    picture.fill(wanted, threads);

    result.values.resize(result.positions.size() * colours);
    for (std::size_t k = 0; k < result.positions.size(); ++k) {
        const std::ptrdiff_t y = result.positions[k] / mask.columns, x = result.positions[k] % mask.columns;
        const bool filled = picture.state(y, x) == guessed;
        const T* before = image.row(y) + x * image.channels;
        for (std::ptrdiff_t c = 0; c < colours; ++c)
            result.values[k * colours + c] = filled ? picture.value(y, x)[c] / scale : static_cast<float>(before[c]);
        result.failures += !filled;
    }
    return result;
}

template Filled structured_fill(Image<const std::uint8_t>, Image<const std::uint8_t>, std::ptrdiff_t, float, int);
template Filled structured_fill(Image<const std::uint16_t>, Image<const std::uint8_t>, std::ptrdiff_t, float, int);
template Filled structured_fill(Image<const float>, Image<const std::uint8_t>, std::ptrdiff_t, float, int);

}  // namespace dustbust
