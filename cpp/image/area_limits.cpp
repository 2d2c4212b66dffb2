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

// Pixels by level, the highest first. Those of the level `highest - k` are from ends[k] to
// ends[k + 1].
struct ByLevel {
    std::vector<Number> pixels;
    std::vector<Index> ends;
};

class Opening {
public:
    Opening(Image<float> plane, Image<const std::uint8_t> fixed, AreaLimits limits)
        : plane_(plane),
          fixed_(fixed),
          limits_(limits),
          pixels_(candidates(), plane.rows, plane.columns),
          forest_(pixels_.size()) {}

    void run() {
        const ByLevel sorted = by_level();
        for (int level = limits_.highest; level >= limits_.lowest; --level) {
            const auto first = sorted.pixels.begin() + sorted.ends[limits_.highest - level],
                       last = sorted.pixels.begin() + sorted.ends[limits_.highest - level + 1];
            for (auto pixel = first; pixel < last; ++pixel) add(*pixel, level < limits_.highest);
            for (auto pixel = first; pixel < last; ++pixel) settle(*pixel, level);
        }
        // Components that stayed too small and did not grow at the last level.
        for (const Number pixel : sorted.pixels) lower(forest_.root(pixel), limits_.lowest - 1);
    }

private:
    // Positions of the pixels that reach the lowest level.
    std::vector<std::int64_t> candidates() const {
        const float lowest = (static_cast<float>(limits_.lowest) - 0.5f) * limits_.step;
        std::vector<std::int64_t> positions;
        for (Index at = 0; at < plane_.size(); ++at)
            if (plane_.data[at] >= lowest || fixed_.data[at]) positions.push_back(at);
        return positions;
    }

    int level_of(Number pixel) const {
        const std::int64_t at = pixels_.positions()[pixel];
        if (fixed_.data[at]) return limits_.highest;
        const float value = std::clamp(plane_.data[at], 0.0f, 1.0f);
        return std::min(static_cast<int>(value / limits_.step + 0.5f), limits_.highest);
    }

    ByLevel by_level() const {
        const auto count = static_cast<Number>(pixels_.size());
        ByLevel sorted{{}, std::vector<Index>(limits_.highest + 2, 0)};
        for (Number pixel = 0; pixel < count; ++pixel)
            if (const int level = level_of(pixel); level >= limits_.lowest)
                ++sorted.ends[limits_.highest - level + 1];
        for (int k = 0; k <= limits_.highest; ++k) sorted.ends[k + 1] += sorted.ends[k];
        sorted.pixels.resize(sorted.ends.back());
        std::vector<Index> next(sorted.ends);
        for (Number pixel = 0; pixel < count; ++pixel)
            if (const int level = level_of(pixel); level >= limits_.lowest)
                sorted.pixels[next[limits_.highest - level]++] = pixel;
        return sorted;
    }

    void add(Number pixel, bool waits) {
        const Index at = pixels_.positions()[pixel], y = at / plane_.columns,
                    x = at % plane_.columns;
        forest_.add(pixel, waits);
        for (Index v = std::max<Index>(y - 1, 0); v < std::min(y + 2, plane_.rows); ++v)
            for (Index u = std::max<Index>(x - 1, 0); u < std::min(x + 2, plane_.columns); ++u)
                if (const auto other = static_cast<Number>(pixels_(v, u)); forest_.has(other))
                    forest_.merge(other, pixel);
    }

    // Give the pixels that wait in the component of a pixel their value, if its area decides it.
    void settle(Number pixel, int level) {
        const Number root = forest_.root(pixel), area = forest_.area(root);
        if (area < limits_.smallest && level > limits_.lowest) return;
        const bool fits = area >= limits_.smallest && area <= limits_.largest;
        lower(root, fits ? level : limits_.lowest - 1);
    }

    void lower(Number root, int level) {
        const float most = static_cast<float>(level) * limits_.step;
        forest_.release(root, [&](Number pixel) {
            float& value = plane_.data[pixels_.positions()[pixel]];
            value = std::min(value, most);
        });
    }

    Image<float> plane_;
    Image<const std::uint8_t> fixed_;
    AreaLimits limits_;
    MaskedPixels pixels_;
    Forest forest_;
};

}  // namespace

void limit_areas(Image<float> plane, Image<const std::uint8_t> fixed, AreaLimits limits) {
    Opening(plane, fixed, limits).run();
}

}  // namespace dustbust
