#include "image/area_limits.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "image/masked_pixels.hpp"

namespace dustbust {

namespace {

using Number = std::int32_t;  // of a pixel that may be added, in reading order
constexpr Number none = -1;

// Components that grow by pixels and merge. Each has a list of its pixels that wait for a value.
class Forest {
public:
    explicit Forest(std::size_t pixels)
        : parent_(pixels, none),
          area_(pixels, 1),
          first_(pixels),
          last_(pixels),
          next_(pixels, none) {}

    void add(Number pixel, bool waits) {
        parent_[pixel] = pixel;
        first_[pixel] = last_[pixel] = waits ? pixel : none;
    }

    bool has(Number pixel) const { return pixel != none && parent_[pixel] != none; }

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
    const float lowest = (static_cast<float>(limits.lowest) - 0.5f) * limits.step;
    std::vector<std::int64_t> positions;
    for (Index at = 0; at < plane.size(); ++at)
        if (plane.data[at] >= lowest || fixed.data[at]) positions.push_back(at);
    const MaskedPixels pixels(std::move(positions), plane.rows, plane.columns);
    const auto level_of = [&](std::int64_t at) {
        const auto level =
            static_cast<int>(std::clamp(plane.data[at], 0.0f, 1.0f) / limits.step + 0.5f);
        return fixed.data[at] ? limits.highest : std::min(level, limits.highest);
    };
    // Pixels by level, the highest first.
    std::vector<Index> ends(limits.highest + 2, 0);
    for (const std::int64_t at : pixels.positions())
        if (const int level = level_of(at); level >= limits.lowest)
            ++ends[limits.highest - level + 1];
    for (int k = 0; k <= limits.highest; ++k) ends[k + 1] += ends[k];
    std::vector<Number> order(ends.back());
    std::vector<Index> at_level(ends);
    for (Number pixel = 0; pixel < static_cast<Number>(pixels.size()); ++pixel)
        if (const int level = level_of(pixels.positions()[pixel]); level >= limits.lowest)
            order[at_level[limits.highest - level]++] = pixel;

    Forest forest(pixels.size());
    const auto add = [&](Number pixel, bool waits) {
        const Index at = pixels.positions()[pixel], y = at / plane.columns, x = at % plane.columns;
        forest.add(pixel, waits);
        for (Index v = std::max<Index>(y - 1, 0); v < std::min(y + 2, plane.rows); ++v)
            for (Index u = std::max<Index>(x - 1, 0); u < std::min(x + 2, plane.columns); ++u)
                if (const auto other = static_cast<Number>(pixels(v, u)); forest.has(other))
                    forest.merge(other, pixel);
    };
    const auto lower = [&](Number pixel, int level) {
        float& value = plane.data[pixels.positions()[pixel]];
        value = std::min(value, static_cast<float>(level) * limits.step);
    };
    for (int level = limits.highest; level >= limits.lowest; --level) {
        const auto first = order.begin() + ends[limits.highest - level],
                   last = order.begin() + ends[limits.highest - level + 1];
        for (auto pixel = first; pixel < last; ++pixel) add(*pixel, level < limits.highest);
        for (auto pixel = first; pixel < last; ++pixel) {
            const Number root = forest.root(*pixel), area = forest.area(root);
            if (area < limits.smallest && level > limits.lowest) continue;
            const bool fits = area >= limits.smallest && area <= limits.largest;
            forest.release(
                root, [&](Number waiting) { lower(waiting, fits ? level : limits.lowest - 1); });
        }
    }
    // What stayed too small and did not grow at the last level.
    for (const Number pixel : order)
        forest.release(forest.root(pixel),
                       [&](Number waiting) { lower(waiting, limits.lowest - 1); });
}

}  // namespace dustbust
