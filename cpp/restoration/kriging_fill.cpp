// The picture is cut into cells of 4 x 4 pixels. The pixels of a cell are predicted together, by
// kriging, from the known pixels nearest to it. Nearness is measured along and across the structure
// around the cell: the metric is that of the mean structure tensor of the known pixels there, so a
// line or an edge that runs into a hair is near its other end. A cell deep inside a large particle
// has no known pixel near it. It is first filled in the picture of half the size (and there, if
// need be, in a quarter), and its guessed pixels serve the cells around it as if they were known.
// Only cells near masked pixels are read, and the work for each is bounded.
#include "restoration/kriging_fill.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/lazy_zeros.hpp"
#include "base/parallel.hpp"
#include "restoration/kriging.hpp"

namespace dustbust {
namespace {

constexpr double pi = 3.14159265358979323846;
constexpr std::ptrdiff_t side = 4;    // of a cell, px
constexpr std::ptrdiff_t margin = 2;  // cells around a masked one whose structure counts
constexpr std::ptrdiff_t reach = 14;  // px from the middle of a cell to the farthest pixel used
constexpr int few = 24;  // a cell with fewer known pixels within two cells is deep inside the dust

// Grain and sensor noise, in units of the variogram at 1 px. Guessed pixels are smooth, but less
// certain than known ones.
constexpr float known_noise = 1.0f, guessed_noise = 3.0f;
constexpr float no_neighbour = 1e6f;  // the noise of a value that has no weight

// A cell and the pixels next to it.
template <int colours>
struct CellAndRing {
    float value[side + 2][(side + 2) * colours];  // a row's pixels without gaps
    std::uint8_t known[side + 2][side + 2];       // 0 or 1
};

// A picture, or a smaller version of one, of which only the surroundings of holes are read.
template <int colours>
class Source {
public:
    Source(std::ptrdiff_t rows, std::ptrdiff_t columns) : rows(rows), columns(columns) {}
    virtual ~Source() = default;

    // Make the pixels of a rectangle ready to be read.
    virtual void prepare(std::ptrdiff_t top, std::ptrdiff_t left, std::ptrdiff_t bottom,
                         std::ptrdiff_t right) = 0;
    virtual bool is_hole(std::ptrdiff_t y, std::ptrdiff_t x) const = 0;
    // The value of a pixel that is not a hole; false if there is none.
    virtual bool read(std::ptrdiff_t y, std::ptrdiff_t x, float* value) const = 0;

    // The cell at (top, left) and one pixel around it, and which of these pixels are known.
    virtual void read_cell(std::ptrdiff_t top, std::ptrdiff_t left,
                           CellAndRing<colours>& cell) const {
        for (std::ptrdiff_t y = 0; y < side + 2; ++y)
            for (std::ptrdiff_t x = 0; x < side + 2; ++x) {
                const std::ptrdiff_t v = top + y - 1, u = left + x - 1;
                float* value = cell.value[y] + x * colours;
                cell.known[y][x] = v >= 0 && u >= 0 && v < rows && u < columns && read(v, u, value);
                if (!cell.known[y][x]) std::fill_n(value, colours, 0.0f);
            }
    }

    const std::ptrdiff_t rows, columns;
};

template <class T, int colours>
class Picture final : public Source<colours> {
public:
    Picture(Image<const T> image, const MaskedPixels& masked, float scale)
        : Source<colours>(image.rows, image.columns),
          image_(image),
          masked_(masked),
          scale_(scale) {}

    void prepare(std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t) override {}

    bool is_hole(std::ptrdiff_t y, std::ptrdiff_t x) const override {
        return masked_.contains(y, x) && has_data(y, x);
    }

    bool read(std::ptrdiff_t y, std::ptrdiff_t x, float* value) const override {
        if (masked_.contains(y, x) || !has_data(y, x)) return false;
        const T* pixel = image_.row(y) + x * image_.channels;
        for (std::ptrdiff_t c = 0; c < colours; ++c) value[c] = pixel[c] * scale_;
        return true;
    }

    void read_cell(std::ptrdiff_t top, std::ptrdiff_t left,
                   CellAndRing<colours>& cell) const override {
        if (top < 1 || left < 1 || top + side >= this->rows || left + side >= this->columns ||
            image_.channels != colours)
            return Source<colours>::read_cell(top, left, cell);
        for (std::ptrdiff_t y = 0; y < side + 2; ++y) {
            const T* pixels = image_.row(top + y - 1) + (left - 1) * colours;
            for (std::ptrdiff_t k = 0; k < (side + 2) * colours; ++k)
                cell.value[y][k] = pixels[k] * scale_;
            for (std::ptrdiff_t x = 0; x < side + 2; ++x)
                cell.known[y][x] = !masked_.contains(top + y - 1, left + x - 1);
        }
    }

private:
    bool has_data(std::ptrdiff_t y, std::ptrdiff_t x) const {
        return image_.channels == colours || image_(y, x, colours) != 0;
    }

    Image<const T> image_;
    const MaskedPixels& masked_;
    float scale_;
};

// Means of the known pixels among 2 x 2 pixels. A hole is where none is known.
template <int colours>
class HalfSize final : public Source<colours> {
public:
    using Source<colours>::rows;
    using Source<colours>::columns;

    explicit HalfSize(Source<colours>& whole)
        : Source<colours>((whole.rows + 1) / 2, (whole.columns + 1) / 2),
          whole_(whole),
          values_(rows * columns * colours),
          states_(rows * columns) {}

    void prepare(std::ptrdiff_t top, std::ptrdiff_t left, std::ptrdiff_t bottom,
                 std::ptrdiff_t right) override {
        whole_.prepare(2 * top, 2 * left, std::min(2 * bottom, whole_.rows),
                       std::min(2 * right, whole_.columns));
        for (std::ptrdiff_t y = top; y < bottom; ++y)
            for (std::ptrdiff_t x = left; x < right; ++x)
                if (!states_[y * columns + x]) states_[y * columns + x] = load(y, x);
    }

    bool is_hole(std::ptrdiff_t y, std::ptrdiff_t x) const override {
        return states_[y * columns + x] == hole;
    }

    bool read(std::ptrdiff_t y, std::ptrdiff_t x, float* value) const override {
        if (states_[y * columns + x] != known) return false;
        std::copy_n(&values_[(y * columns + x) * colours], colours, value);
        return true;
    }

private:
    enum State : std::uint8_t { not_loaded, nothing, known, hole };

    State load(std::ptrdiff_t y, std::ptrdiff_t x) {
        float* sum = &values_[(y * columns + x) * colours];
        int count = 0, holes = 0;
        for (std::ptrdiff_t v = 2 * y; v < std::min(2 * y + 2, whole_.rows); ++v)
            for (std::ptrdiff_t u = 2 * x; u < std::min(2 * x + 2, whole_.columns); ++u) {
                float value[colours];
                if (whole_.is_hole(v, u)) ++holes;
                else if (whole_.read(v, u, value)) {
                    ++count;
                    for (std::ptrdiff_t c = 0; c < colours; ++c) sum[c] += value[c];
                }
            }
        for (std::ptrdiff_t c = 0; c < colours && count; ++c) sum[c] /= count;
        return count ? known : holes ? hole : nothing;
    }

    Source<colours>& whole_;
    LazyZeros<float> values_;
    LazyZeros<std::uint8_t> states_;
};

struct Offset {
    std::int8_t dy, dx;
};

// Pixels around a cell, the nearest to its middle first, when steps along `angle` count `stretch`
// times less.
std::vector<Offset> nearest_first(double angle, double stretch) {
    struct Candidate {
        double distance;
        Offset offset;
    };
    std::vector<Candidate> candidates;
    const double middle = (side - 1) / 2.0;
    for (int dy = -reach; dy < reach + side; ++dy)
        for (int dx = -reach; dx < reach + side; ++dx) {
            const double y = dy - middle, x = dx - middle;
            const double along = (x * std::cos(angle) + y * std::sin(angle)) / stretch,
                         across = y * std::cos(angle) - x * std::sin(angle);
            if (std::hypot(x, y) <= reach)
                candidates.push_back(
                    {std::hypot(along, across),
                     {static_cast<std::int8_t>(dy), static_cast<std::int8_t>(dx)}});
        }
    // Distances that differ only by rounding count as equal, so that the order is the same on every
    // machine.
    for (auto& candidate : candidates) candidate.distance = std::round(candidate.distance * 1e6);
    std::stable_sort(
        candidates.begin(), candidates.end(),
        [](const Candidate& a, const Candidate& b) { return a.distance < b.distance; });
    std::vector<Offset> offsets;
    offsets.reserve(candidates.size());
    for (const auto& candidate : candidates) offsets.push_back(candidate.offset);
    return offsets;
}

constexpr int directions = 8;

// One table for each direction of the structure, and a round one.
const std::array<std::vector<Offset>, directions + 1>& nearest_tables() {
    static const auto tables = [] {
        std::array<std::vector<Offset>, directions + 1> result;
        for (int d = 0; d < directions; ++d) result[d] = nearest_first(d * pi / directions, 2);
        result[directions] = nearest_first(0, 1);
        return result;
    }();
    return tables;
}

// Lengths across the structure count more than lengths along it.
struct Metric {
    float xx = 1, xy = 0, yy = 1;
    int table = directions;  // which of the tables lists the nearest pixels
};

template <class Picture, int colours>
class Filler {
public:
    Filler(Picture& picture, int threads)
        : cell_rows((picture.rows + side - 1) / side),
          cell_columns((picture.columns + side - 1) / side),
          picture_(picture),
          threads_(threads),
          cells_(cell_rows * cell_columns),
          slots_(cell_rows * cell_columns) {}

    // Predict the holes in these cells, as far as there are values to predict them from.
    void fill(const std::vector<std::int64_t>& wanted);

    // The predicted value of a pixel of the wanted cells, or null.
    const float* predicted(std::ptrdiff_t y, std::ptrdiff_t x) const {
        const std::ptrdiff_t slot = slots_[y / side * cell_columns + x / side] - 1;
        return slot < 0 || !ready_[slot]
                   ? nullptr
                   : &predicted_[((slot * side + y % side) * side + x % side) * colours];
    }

    // The value of a pixel, known or predicted.
    bool value(std::ptrdiff_t y, std::ptrdiff_t x, float* value) const {
        if (picture_.read(y, x, value)) return true;
        const float* guess = picture_.is_hole(y, x) ? predicted(y, x) : nullptr;
        if (guess) std::copy_n(guess, colours, value);
        return guess;
    }

    // The same for a pixel that may lie outside the picture: false there.
    bool value_inside(std::ptrdiff_t y, std::ptrdiff_t x, float* to) const {
        return y >= 0 && x >= 0 && y < picture_.rows && x < picture_.columns && value(y, x, to);
    }

    // The cells at most `distance` cells away from some of `cells`, each once.
    std::vector<std::int64_t> around(const std::vector<std::int64_t>& cells,
                                     std::ptrdiff_t distance) const {
        LazyZeros<std::uint8_t> listed(cell_rows * cell_columns);
        std::vector<std::int64_t> result;
        for (const auto at : cells)
            each_cell_around(at, distance, [&](std::ptrdiff_t cell) {
                if (!listed[cell]) listed[cell] = 1, result.push_back(cell);
            });
        return result;
    }

    const std::ptrdiff_t cell_rows, cell_columns;

private:
    // Sums over the known pixels of a cell, and over those among them whose gradient is known.
    struct Cell {
        float xx = 0, xy = 0, yy = 0, gradients = 0, known = 0;
    };

    template <class Visit>
    void each_cell_around(std::int64_t at, std::ptrdiff_t distance, Visit visit) const {
        const std::ptrdiff_t row = at / cell_columns, column = at % cell_columns;
        const std::ptrdiff_t right = std::min(column + distance, cell_columns - 1),
                             bottom = std::min(row + distance, cell_rows - 1);
        for (std::ptrdiff_t v = std::max<std::ptrdiff_t>(row - distance, 0); v <= bottom; ++v)
            for (std::ptrdiff_t u = std::max<std::ptrdiff_t>(column - distance, 0); u <= right; ++u)
                visit(v * cell_columns + u);
    }

    Cell measure(std::int64_t at) const;
    Metric metric_at(std::int64_t at) const;
    void gather(std::int64_t at, bool guesses, Kriging& kriging, int lane, bool& found) const;
    void guess_from_half_size(const std::vector<std::int64_t>& deep);
    std::vector<std::uint8_t> predict(const std::vector<std::int64_t>& cells, bool guesses);
    void store(const Kriging& kriging, int lane, std::int64_t at);

    Picture& picture_;
    const int threads_;
    LazyZeros<Cell> cells_;
    LazyZeros<std::int32_t> slots_;  // 1 + where in the two lists below a cell stands
    std::vector<float> predicted_;
    std::vector<std::uint8_t> ready_;
};

// Products of the gradients of a cell's pixels, over all colours (S. Di Zenzo, "A note on the
// gradient of a multi-image", 1986), by the operator of H. Scharr, 2000, where all nine pixels are
// known.
template <class Picture, int colours>
typename Filler<Picture, colours>::Cell Filler<Picture, colours>::measure(std::int64_t at) const {
    constexpr std::ptrdiff_t step = colours, length = side * step;
    CellAndRing<colours> around;
    picture_.read_cell(at / cell_columns * side, at % cell_columns * side, around);
    Cell cell;
    float xx[length] = {}, xy[length] = {}, yy[length] = {};
    for (std::ptrdiff_t y = 0; y < side; ++y) {
        const std::uint8_t *upper = around.known[y], *same = around.known[y + 1],
                           *lower = around.known[y + 2];
        float use[length];
        for (std::ptrdiff_t x = 0; x < side; ++x) {
            const auto column = [&](std::ptrdiff_t u) { return upper[u] & same[u] & lower[u]; };
            const int all = column(x) & column(x + 1) & column(x + 2);
            cell.gradients += all;
            cell.known += same[x + 1];
            for (std::ptrdiff_t c = 0; c < step; ++c) use[x * step + c] = all;
        }
        const float *above = around.value[y], *beside = around.value[y + 1],
                    *below = around.value[y + 2];
        for (std::ptrdiff_t k = 0; k < length; ++k) {
            const float falling = below[k + 2 * step] - above[k],
                        rising = above[k + 2 * step] - below[k];
            const float gx =
                (3 * (falling + rising) + 10 * (beside[k + 2 * step] - beside[k])) * use[k];
            const float gy =
                (3 * (falling - rising) + 10 * (below[k + step] - above[k + step])) * use[k];
            xx[k] += gx * gx, xy[k] += gx * gy, yy[k] += gy * gy;
        }
    }
    for (std::ptrdiff_t k = 0; k < length; ++k)
        cell.xx += xx[k], cell.xy += xy[k], cell.yy += yy[k];
    cell.xx /= 1024, cell.xy /= 1024, cell.yy /= 1024;  // the operator's weights add up to 32
    return cell;
}

// The metric of the structure around a cell.
template <class Picture, int colours>
Metric Filler<Picture, colours>::metric_at(std::int64_t at) const {
    static const auto bell = [] {
        std::array<float, 2 * margin * margin + 1>
            result;  // by the square of the distance in cells; standard deviation 1 cell
        for (std::size_t square = 0; square < result.size(); ++square)
            result[square] = static_cast<float>(std::exp(-0.5 * square));
        return result;
    }();
    const std::ptrdiff_t row = at / cell_columns, column = at % cell_columns;
    Cell sum;
    each_cell_around(at, margin, [&](std::ptrdiff_t other) {
        const Cell& cell = cells_[other];
        const std::ptrdiff_t dy = other / cell_columns - row, dx = other % cell_columns - column;
        const float weight = bell[dy * dy + dx * dx];
        sum.xx += weight * cell.xx, sum.xy += weight * cell.xy, sum.yy += weight * cell.yy,
            sum.gradients += weight * cell.gradients;
    });
    const float half = (sum.xx + sum.yy) / (2 * sum.gradients),
                difference = (sum.xx - sum.yy) / (2 * sum.gradients);
    const float mixed = sum.xy / sum.gradients,
                radius = std::sqrt(difference * difference + mixed * mixed);
    // Not a number where no gradient is known.
    if (!(radius > 0) || !std::isfinite(radius)) return {};
    const float tiny = 1.5e-4f;  // squared gradients below those of noise of 1 % tell no direction
    const float ratio =
        std::min((half + radius + tiny) / (std::max(half - radius, 0.0f) + tiny), 8.0f);

    // The eigenvalues are ratio, across the structure, and 1 / ratio; the vector is that of twice
    // the angle.
    const float cosine = difference / radius, sine = mixed / radius;
    const float mean = (ratio + 1 / ratio) / 2, spread = (ratio - 1 / ratio) / 2;
    Metric metric{mean + spread * cosine, spread * sine, mean - spread * cosine, directions};
    if (ratio > 1.5f) {
        const double along = 0.5 * std::atan2(sine, cosine) + pi / 2;
        metric.table =
            static_cast<int>(std::lround(along / pi * directions) + directions) % directions;
    }
    return metric;
}

template <class Picture, int colours>
void Filler<Picture, colours>::gather(std::int64_t at, bool guesses, Kriging& kriging, int lane,
                                      bool& found) const {
    const std::ptrdiff_t top = at / cell_columns * side, left = at % cell_columns * side;
    const Metric metric = metric_at(at);
    kriging.xx[lane] = metric.xx, kriging.xy[lane] = metric.xy, kriging.yy[lane] = metric.yy;

    int count = 0;
    float mean[colours] = {};
    const auto put = [&](Offset offset, const float* value, float noise) {
        kriging.x[count][lane] = offset.dx, kriging.y[count][lane] = offset.dy,
        kriging.noise[count][lane] = noise;
        for (std::ptrdiff_t c = 0; c < colours; ++c) kriging.value[c][count][lane] = value[c];
        ++count;
    };
    const bool inside = top >= reach && left >= reach && top + side + reach <= picture_.rows &&
                        left + side + reach <= picture_.columns;
    for (const Offset offset : nearest_tables()[metric.table]) {
        const std::ptrdiff_t y = top + offset.dy, x = left + offset.dx;
        if (!inside && (y < 0 || x < 0 || y >= picture_.rows || x >= picture_.columns)) continue;
        float value[colours];
        float noise = known_noise;
        if (!picture_.read(y, x, value)) {
            const float* guess = guesses && picture_.is_hole(y, x) ? predicted(y, x) : nullptr;
            if (!guess) continue;
            std::copy_n(guess, colours, value);
            noise = guessed_noise;
        }
        for (std::ptrdiff_t c = 0; c < colours; ++c) mean[c] += value[c];
        put(offset, value, noise);
        if (count == Kriging::neighbours) break;
    }
    found = count > 0;
    for (float& value : mean) value /= std::max(count, 1);
    while (count < Kriging::neighbours) put({0, 0}, mean, no_neighbour);
}

// The value at a pixel from a picture of half the size, linear between the middles of its pixels:
// 3/4 of the one it is in, 1/4 of its neighbour. False, and 0, if none of them has a value.
template <class HalfFiller, int colours>
bool guess_between(const HalfFiller& half, std::ptrdiff_t y, std::ptrdiff_t x, float* to) {
    float sum[colours] = {}, weights = 0;
    for (const std::ptrdiff_t v : {y / 2, y / 2 + (y % 2 ? 1 : -1)})
        for (const std::ptrdiff_t u : {x / 2, x / 2 + (x % 2 ? 1 : -1)}) {
            float value[colours];
            if (!half.value_inside(v, u, value)) continue;
            const float weight = (v == y / 2 ? 0.75f : 0.25f) * (u == x / 2 ? 0.75f : 0.25f);
            for (std::ptrdiff_t c = 0; c < colours; ++c) sum[c] += weight * value[c];
            weights += weight;
        }
    for (std::ptrdiff_t c = 0; c < colours; ++c) to[c] = weights > 0 ? sum[c] / weights : 0;
    return weights > 0;
}

// A guess at cells without known pixels near them, from the picture of half the size.
template <class Picture, int colours>
void Filler<Picture, colours>::guess_from_half_size(const std::vector<std::int64_t>& deep) {
    HalfSize<colours> half(
        static_cast<Source<colours>&>(picture_));  // of a half-size picture too, not a copy of it
    Filler<HalfSize<colours>, colours> filler(half, threads_);
    std::vector<std::int64_t> coarse;
    coarse.reserve(deep.size());
    for (const auto at : deep)
        coarse.push_back(at / cell_columns / 2 * filler.cell_columns + at % cell_columns / 2);
    filler.fill(filler.around(coarse, 1));

    for (const auto at : deep) {
        const std::ptrdiff_t top = at / cell_columns * side, left = at % cell_columns * side,
                             slot = slots_[at] - 1;
        bool all = true;
        for (std::ptrdiff_t y = top; y < std::min(top + side, picture_.rows); ++y)
            for (std::ptrdiff_t x = left; x < std::min(left + side, picture_.columns); ++x) {
                float* to = &predicted_[((slot * side + y % side) * side + x % side) * colours];
                const bool found =
                    guess_between<Filler<HalfSize<colours>, colours>, colours>(filler, y, x, to);
                if (picture_.is_hole(y, x)) all &= found;
            }
        ready_[slot] = all;
    }
}

template <class Picture, int colours>
void Filler<Picture, colours>::fill(const std::vector<std::int64_t>& wanted) {
    constexpr std::ptrdiff_t stride = side * side * colours;
    predicted_.resize(wanted.size() * stride);
    ready_.assign(wanted.size(), 0);
    for (std::size_t slot = 0; slot < wanted.size(); ++slot)
        slots_[wanted[slot]] = static_cast<std::int32_t>(slot + 1);

    const auto region = around(wanted, margin);
    for (const auto at : region) {
        const std::ptrdiff_t top = at / cell_columns * side, left = at % cell_columns * side;
        picture_.prepare(top, left, std::min(top + side, picture_.rows),
                         std::min(left + side, picture_.columns));
    }
    split_over_threads(region.size(), threads_, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t k = begin; k < end; ++k) cells_[region[k]] = measure(region[k]);
    });

    std::vector<std::int64_t> deep, shallow;
    const bool last = picture_.rows <= 2 * side && picture_.columns <= 2 * side;
    for (const auto at : wanted) {
        float count = 0;
        each_cell_around(at, 2, [&](std::ptrdiff_t other) { count += cells_[other].known; });
        (count < few && !last ? deep : shallow).push_back(at);
    }
    if (!deep.empty()) guess_from_half_size(deep);

    const auto found = predict(shallow, !deep.empty());
    // Only now do predicted cells count as guessed, so that it does not matter in which order they
    // were done.
    for (std::size_t k = 0; k < shallow.size(); ++k) ready_[slots_[shallow[k]] - 1] = found[k];
}

// Predict cells by kriging, several at once. `guesses`: whether there are guessed pixels to use.
// Tells of each cell whether there were values near it.
template <class Picture, int colours>
std::vector<std::uint8_t> Filler<Picture, colours>::predict(const std::vector<std::int64_t>& cells,
                                                            bool guesses) {
    std::vector<std::uint8_t> found(cells.size(), 0);
    const std::ptrdiff_t batches = (cells.size() + Kriging::lanes - 1) / Kriging::lanes;
    split_over_threads(batches, threads_, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        Kriging kriging;
        for (int p = 0; p < Kriging::places; ++p) {
            const int row = p / side, column = p % side;
            kriging.place_x[p] = static_cast<float>(column);
            kriging.place_y[p] = static_cast<float>(row);
        }
        for (std::ptrdiff_t batch = begin; batch < end; ++batch) {
            const std::size_t first = batch * Kriging::lanes;
            for (int lane = 0; lane < Kriging::lanes; ++lane) {
                bool any = false;
                gather(cells[std::min(first + lane, cells.size() - 1)], guesses, kriging, lane,
                       any);
                if (first + lane < cells.size()) found[first + lane] = any;
            }
            kriging.solve(colours);
            for (int lane = 0; lane < Kriging::lanes && first + lane < cells.size(); ++lane)
                store(kriging, lane, cells[first + lane]);
        }
    });
    return found;
}

// Keep the prediction of a cell.
template <class Picture, int colours>
void Filler<Picture, colours>::store(const Kriging& kriging, int lane, std::int64_t at) {
    float* to = &predicted_[(slots_[at] - 1) * side * side * colours];
    for (int p = 0; p < Kriging::places; ++p)
        for (std::ptrdiff_t c = 0; c < colours; ++c) *to++ = kriging.predicted[c][p][lane];
}

template <int colours, class T>
Filled fill(Image<const T> image, const MaskedPixels& masked, float scale, int threads) {
    Filled result;
    Picture<T, colours> picture(image, masked, scale);
    Filler<Picture<T, colours>, colours> filler(picture, threads);
    std::vector<std::int64_t> wanted;
    LazyZeros<std::uint8_t> listed(filler.cell_rows * filler.cell_columns);
    for (const auto at : masked.positions()) {
        const std::ptrdiff_t cell =
            at / image.columns / side * filler.cell_columns + at % image.columns / side;
        if (!listed[cell]) listed[cell] = 1, wanted.push_back(cell);
    }
    filler.fill(wanted);

    const auto& positions = masked.positions();
    result.values.resize(positions.size() * colours);
    for (std::size_t k = 0; k < positions.size(); ++k) {
        const std::ptrdiff_t y = positions[k] / image.columns, x = positions[k] % image.columns;
        const bool hole = picture.is_hole(y, x);
        const float* filled = hole ? filler.predicted(y, x) : nullptr;
        for (std::ptrdiff_t c = 0; c < colours; ++c)
            result.values[k * colours + c] =
                filled ? filled[c] / scale : static_cast<float>(image(y, x, c));
        result.failures += hole && !filled;
    }
    return result;
}

}  // namespace

template <class T>
Filled structured_fill(Image<const T> image, const MaskedPixels& masked, std::ptrdiff_t colours,
                       float scale, int threads) {
    return colours == 3 ? fill<3>(image, masked, scale, threads)
                        : fill<1>(image, masked, scale, threads);
}

template Filled structured_fill(Image<const std::uint8_t>, const MaskedPixels&, std::ptrdiff_t,
                                float, int);
template Filled structured_fill(Image<const std::uint16_t>, const MaskedPixels&, std::ptrdiff_t,
                                float, int);
template Filled structured_fill(Image<const float>, const MaskedPixels&, std::ptrdiff_t, float,
                                int);

}  // namespace dustbust
