#include "image/area_limits.hpp"

#include <algorithm>
#include <vector>

#include "base/lazy_zeros.hpp"

namespace dustbust {

namespace {

using Number = std::int32_t;  // of a pixel, in the order in which they are added
constexpr Number none = -1;

// Components that grow by pixels and merge. Each has a list of its pixels that wait for a value.
class Forest {
public:
    explicit Forest(std::size_t pixels)
        : parent_(pixels), area_(pixels, 1), first_(pixels), last_(pixels), next_(pixels, none) {}

    void add(Number pixel, bool waits) {
        parent_[pixel] = pixel;
        first_[pixel] = last_[pixel] = waits ? pixel : none;
    }

    Number root(Number at) {
        while (parent_[at] != at) at = parent_[at] = parent_[parent_[at]];
        return at;
    }

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

}  // namespace

void limit_areas(Image<float> plane, Image<const std::uint8_t> fixed, AreaLimits limits) {
    const auto level_of = [&](Index at) {
        const auto level =
            static_cast<int>(std::clamp(plane.data[at], 0.0f, 1.0f) / limits.step + 0.5f);
        return fixed.data[at] ? limits.highest : std::min(level, limits.highest);
    };
    // Positions by level, the highest first.
    std::vector<Index> ends(limits.highest + 2, 0);
    for (Index at = 0; at < plane.size(); ++at)
        if (const int level = level_of(at); level >= limits.lowest)
            ++ends[limits.highest - level + 1];
    for (int k = 0; k <= limits.highest; ++k) ends[k + 1] += ends[k];
    std::vector<Index> positions(ends.back()), at_level(ends);
    for (Index at = 0; at < plane.size(); ++at)
        if (const int level = level_of(at); level >= limits.lowest)
            positions[at_level[limits.highest - level]++] = at;

    Forest forest(positions.size());
    LazyZeros<Number> number(plane.size());  // of each pixel that was added, from 1
    const auto neighbour = [&](Index y, Index x) {
        const bool inside = y >= 0 && x >= 0 && y < plane.rows && x < plane.columns;
        return inside ? number[y * plane.columns + x] - 1 : none;
    };
    const auto add = [&](Number pixel, bool waits) {
        const Index at = positions[pixel], y = at / plane.columns, x = at % plane.columns;
        number[at] = pixel + 1;
        forest.add(pixel, waits);
        for (Index dy = -1; dy <= 1; ++dy)
            for (Index dx = -1; dx <= 1; ++dx)
                if (const Number other = neighbour(y + dy, x + dx); other != none)
                    forest.merge(other, pixel);
    };
    const auto lower = [&](Number pixel, int level) {
        float& value = plane.data[positions[pixel]];
        value = std::min(value, static_cast<float>(level) * limits.step);
    };
    for (int level = limits.highest; level >= limits.lowest; --level) {
        const auto first = static_cast<Number>(ends[limits.highest - level]),
                   last = static_cast<Number>(ends[limits.highest - level + 1]);
        for (Number pixel = first; pixel < last; ++pixel) add(pixel, level < limits.highest);
        for (Number pixel = first; pixel < last; ++pixel) {
            const Number root = forest.root(pixel), area = forest.area(root);
            if (area < limits.smallest && level > limits.lowest) continue;
            const bool fits = area >= limits.smallest && area <= limits.largest;
            forest.release(
                root, [&](Number waiting) { lower(waiting, fits ? level : limits.lowest - 1); });
        }
    }
    // What stayed too small and did not grow at the last level.
    for (Number pixel = 0; pixel < static_cast<Number>(positions.size()); ++pixel)
        forest.release(forest.root(pixel),
                       [&](Number waiting) { lower(waiting, limits.lowest - 1); });
}

}  // namespace dustbust
