#include "image/area_limits.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/parallel.hpp"
#include "base/target_clones.hpp"
#include "image/mask_runs.hpp"

namespace dustbust {

namespace {

using Number = std::int32_t;  // of a pixel or of a run, in reading order
constexpr Number none = -1;

TARGET_CLONES
void compare_row(const std::uint16_t* values, std::uint16_t least, Index columns,
                 std::uint8_t* reaches) {
    for (Index x = 0; x < columns; ++x) reaches[x] = values[x] >= least;
}

// Pixels side by side in one row that reach the lowest level.
struct Run {
    Number row, begin, end;
};

std::vector<Run> runs_of_rows(Image<const std::uint16_t> plane, std::uint16_t least, Index top,
                              Index bottom) {
    std::vector<Run> runs;
    std::vector<std::uint8_t> reaches(plane.columns);
    for (Index y = top; y < bottom; ++y) {
        compare_row(plane.row(y), least, plane.columns, reaches.data());
        each_run(reaches.data(), plane.columns, [&](Index begin, Index end) {
            runs.push_back(
                {static_cast<Number>(y), static_cast<Number>(begin), static_cast<Number>(end)});
        });
    }
    return runs;
}

// Those of all rows, in reading order.
std::vector<Run> runs_of(Image<const std::uint16_t> plane, std::uint16_t least, int threads) {
    const Index parts = std::clamp<Index>(threads, 1, most_threads);
    std::vector<std::vector<Run>> of_parts(parts);
    split_over_threads(parts, threads, [&](Index begin, Index end) {
        for (Index k = begin; k < end; ++k)
            of_parts[k] =
                runs_of_rows(plane, least, plane.rows * k / parts, plane.rows * (k + 1) / parts);
    });
    std::vector<Run> runs;
    for (const auto& part : of_parts) runs.insert(runs.end(), part.begin(), part.end());
    return runs;
}

// The root of a tree; the path to it is halved on the way.
Number root_of(std::vector<Number>& parent, Number at) {
    while (parent[at] != at) at = parent[at] = parent[parent[at]];
    return at;
}

// Runs that touch, also by a corner, in components: those of component k are, in reading order,
// from ends[k] to ends[k + 1].
struct Components {
    explicit Components(std::vector<Run> in_reading_order) {
        const auto count = static_cast<Number>(in_reading_order.size());
        const auto labels = labels_of(in_reading_order);
        for (const Number label : labels) ++ends[label + 1];
        for (std::size_t k = 1; k < ends.size(); ++k) ends[k] += ends[k - 1];
        auto next = ends;
        runs.resize(count);
        for (Number k = 0; k < count; ++k) runs[next[labels[k]]++] = in_reading_order[k];
    }

    std::vector<Run> runs;
    std::vector<Number> ends;

private:
    std::vector<Number> labels_of(const std::vector<Run>& all) {
        const auto count = static_cast<Number>(all.size());
        std::vector<Number> parent(count), labels(count);
        Number above = 0;  // the first run that may touch the present one from above
        for (Number k = 0; k < count; ++k) {
            const Run& run = all[k];
            parent[k] = k;
            while (all[above].row < run.row - 1 ||
                   (all[above].row == run.row - 1 && all[above].end < run.begin))
                ++above;
            for (Number j = above; all[j].row < run.row && all[j].begin <= run.end; ++j) {
                const Number a = root_of(parent, j), b = root_of(parent, k);
                parent[std::max(a, b)] = std::min(a, b);
            }
        }
        Number found = 0;
        for (Number k = 0; k < count; ++k) {
            const Number root = root_of(parent, k);
            labels[k] = root == k ? found++ : labels[root];
        }
        ends.assign(found + 1, 0);
        return labels;
    }
};

// Components that grow by pixels and merge. Each has a list of its pixels that wait for a value.
class Forest {
public:
    void clear(std::size_t pixels) {
        parent_.assign(pixels, none);
        next_.assign(pixels, none);
        area_.assign(pixels, 1);
        first_.resize(pixels);
        last_.resize(pixels);
    }

    void add(Number pixel, bool waits) {
        parent_[pixel] = pixel;
        first_[pixel] = last_[pixel] = waits ? pixel : none;
    }

    bool has(Number pixel) const { return parent_[pixel] != none; }

    Number root(Number at) { return root_of(parent_, at); }

    void merge(Number a, Number b) {
        a = root(a);
        b = root(b);
        if (a == b) return;
        if (area_[a] < area_[b]) std::swap(a, b);
        parent_[b] = a;
        area_[a] += area_[b];
        if (first_[b] == none) return;
        if (first_[a] == none) first_[a] = first_[b];
        else next_[last_[a]] = first_[b];
        last_[a] = last_[b];
    }

    Number area(Number root) const { return area_[root]; }

    template <class Visit>
    void release(Number root, const Visit& visit) {
        for (Number pixel = first_[root]; pixel != none;) {
            const Number following = next_[pixel];
            next_[pixel] = none;
            visit(pixel);
            pixel = following;
        }
        first_[root] = last_[root] = none;
    }

private:
    std::vector<Number> parent_, area_, first_, last_, next_;
};

// The pixels of a row above or below that touch a pixel lie side by side in the list.
struct Touching {
    Number begin, end;
};

class Opening {
public:
    Opening(Image<std::uint16_t> plane, AreaLimits limits)
        : plane_(plane), limits_(limits), ends_(limits.highest - limits.lowest + 2) {}

    // One component of the lowest level.
    void operator()(const Run* begin, const Run* end) {
        places_.clear();
        for (const Run* run = begin; run < end; ++run)
            for (Index x = run->begin; x < run->end; ++x)
                places_.push_back(run->row * plane_.columns + x);
        const auto count = static_cast<Number>(places_.size());
        if (count < limits_.smallest) {  // at higher levels its parts are smaller still
            for (Number pixel = 0; pixel < count; ++pixel)
                if (level_of(pixel) < limits_.highest) lower(pixel, limits_.lowest - 1);
            return;
        }
        sort_by_level();
        find_touching();
        forest_.clear(count);
        for (int level = limits_.highest; level >= limits_.lowest; --level) {
            const Number first = ends_[limits_.highest - level],
                         last = ends_[limits_.highest - level + 1];
            for (Number k = first; k < last; ++k) add(sorted_[k], level < limits_.highest);
            for (Number k = first; k < last; ++k) settle(sorted_[k], level);
        }
    }

private:
    int level_of(Number pixel) const {
        const int steps = plane_.data[places_[pixel]];
        return std::min((steps + limits_.step / 2) / limits_.step, limits_.highest);
    }

    // The highest level first: pixels of the level `highest - k` from ends_[k] to ends_[k + 1].
    void sort_by_level() {
        const auto count = static_cast<Number>(places_.size());
        std::fill(ends_.begin(), ends_.end(), 0);
        for (Number pixel = 0; pixel < count; ++pixel)
            ++ends_[limits_.highest - level_of(pixel) + 1];
        for (std::size_t k = 1; k < ends_.size(); ++k) ends_[k] += ends_[k - 1];
        next_ = ends_;
        sorted_.resize(count);
        for (Number pixel = 0; pixel < count; ++pixel)
            sorted_[next_[limits_.highest - level_of(pixel)]++] = pixel;
    }

    void find_touching() {
        const auto count = static_cast<Number>(places_.size());
        above_.resize(count);
        below_.assign(count, {0, 0});
        Number begin = 0, end = 0;
        for (Number pixel = 0; pixel < count; ++pixel) {
            const Index x = places_[pixel] % plane_.columns, up = places_[pixel] - plane_.columns;
            while (places_[begin] < up - (x > 0)) ++begin;
            end = std::max(begin, end);
            while (places_[end] <= up + (x + 1 < plane_.columns)) ++end;
            above_[pixel] = {begin, end};
            for (Number other = begin; other < end; ++other) {
                Touching& touching = below_[other];
                if (touching.end == 0) touching.begin = pixel;
                touching.end = pixel + 1;
            }
        }
    }

    void add(Number pixel, bool waits) {
        const Index at = places_[pixel], x = at % plane_.columns;
        forest_.add(pixel, waits);
        if (x > 0 && pixel > 0 && places_[pixel - 1] == at - 1) join(pixel - 1, pixel);
        if (x + 1 < plane_.columns && pixel + 1 < static_cast<Number>(places_.size()) &&
            places_[pixel + 1] == at + 1)
            join(pixel + 1, pixel);
        for (const Touching touching : {above_[pixel], below_[pixel]})
            for (Number other = touching.begin; other < touching.end; ++other) join(other, pixel);
    }

    void join(Number other, Number pixel) {
        if (forest_.has(other)) forest_.merge(other, pixel);
    }

    // Give the pixels that wait in the component of a pixel their value, if its area decides it.
    void settle(Number pixel, int level) {
        const Number root = forest_.root(pixel), area = forest_.area(root);
        if (area < limits_.smallest) return;  // it grows: all pixels together are not too few
        const int value = area <= limits_.largest ? level : limits_.lowest - 1;
        forest_.release(root, [&](Number each) { lower(each, value); });
    }

    void lower(Number pixel, int level) {
        std::uint16_t& value = plane_.data[places_[pixel]];
        value = static_cast<std::uint16_t>(std::min<int>(value, level * limits_.step));
    }

    Image<std::uint16_t> plane_;
    AreaLimits limits_;
    // Of the component at hand.
    std::vector<Index> places_;  // in the plane, ascending
    std::vector<Touching> above_, below_;
    std::vector<Number> sorted_, ends_, next_;
    Forest forest_;
};

}  // namespace

void limit_areas(Image<std::uint16_t> plane, AreaLimits limits, int threads) {
    // The least value that is rounded to the lowest level.
    const int least = limits.lowest * limits.step - limits.step / 2;
    const Image<const std::uint16_t> in{plane.data, plane.rows, plane.columns, 1};
    const Components components(runs_of(in, static_cast<std::uint16_t>(least), threads));
    // Each component is apart from the others.
    split_over_threads(components.ends.size() - 1, threads, [&](Index begin, Index end) {
        Opening opening(plane, limits);
        for (Index k = begin; k < end; ++k)
            opening(&components.runs[components.ends[k]], &components.runs[components.ends[k + 1]]);
    });
}

}  // namespace dustbust
