#include "files/jpeg_repair.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace dustbust {
namespace {

constexpr Index side = 8;  // of a block
constexpr float largest =
    1023;  // coefficient that sequential JPEG can hold (ITU-T T.81, table F.2)

using Values = std::array<float, side * side>;

// Rows: the cosines of ITU-T T.81, section A.3.3, so that C * values * C^T is the transform of a
// block.
const Values& cosines() {
    static const Values table = [] {
        Values result;
        for (Index k = 0; k < side; ++k)
            for (Index x = 0; x < side; ++x)
                result[k * side + x] =
                    static_cast<float>(std::cos((2 * x + 1) * k * 3.14159265358979323846 / 16) *
                                       (k ? 0.5 : std::sqrt(0.125)));
        return result;
    }();
    return table;
}

Values product(const Values& a, const Values& b) {
    Values result{};
    for (Index y = 0; y < side; ++y)
        for (Index k = 0; k < side; ++k)
            for (Index x = 0; x < side; ++x)
                result[y * side + x] += a[y * side + k] * b[k * side + x];
    return result;
}

Values transposed(const Values& a) {
    Values result;
    for (Index y = 0; y < side; ++y)
        for (Index x = 0; x < side; ++x) result[x * side + y] = a[y * side + x];
    return result;
}

class Repair {
public:
    Repair(Image<const std::uint8_t> before, Image<const std::uint8_t> after)
        : before_(before), after_(after) {}

    // Is any pixel of a rectangle another one?
    bool changed(Index top, Index left, Index height, Index width) const {
        const Index bytes = (std::min(left + width, after_.columns) - left) * after_.channels;
        for (Index y = top; y < std::min(top + height, after_.rows); ++y)
            if (std::memcmp(&before_(y, left), &after_(y, left), bytes) != 0) return true;
        return false;
    }

    // The block at (row, column) of a component; a value of it stands for `height` x `width`
    // pixels.
    void block(const RepairedComponent& component, Index row, Index column, Index height,
               Index width) const {
        const Index top = row * side * height, left = column * side * width;
        if (top >= after_.rows || left >= after_.columns ||
            !changed(top, left, side * height, side * width))
            return;
        JpegBlock& block = component.blocks[row * component.columns + column];
        Values stored;
        for (Index k = 0; k < side * side; ++k)
            stored[k] = static_cast<float>(block[k]) * component.quantisation[k];
        stored = product(product(backwards_, stored), cosines());

        Values difference;
        for (Index y = 0; y < side; ++y)
            for (Index x = 0; x < side; ++x) {
                float sum = 0;
                bool any = false;
                for (Index v = top + y * height; v < top + (y + 1) * height; ++v)
                    for (Index u = left + x * width; u < left + (x + 1) * width; ++u) {
                        // Beyond the border the last pixels are repeated, as encoders do.
                        const Index at = std::min(v, after_.rows - 1),
                                    beside = std::min(u, after_.columns - 1);
                        const std::uint8_t *old = &before_(at, beside),
                                           *wanted = &after_(at, beside);
                        for (Index c = 0; c < after_.channels; ++c) {
                            any |= old[c] != wanted[c];
                            sum += component.of_colours[c] * wanted[c];
                        }
                    }
                difference[y * side + x] =
                    any ? sum / (height * width) - component.level - stored[y * side + x] : 0.0f;
            }
        difference = product(product(cosines(), difference), backwards_);
        for (Index k = 0; k < side * side; ++k) {
            const float repaired =
                block[k] + std::nearbyint(difference[k] / component.quantisation[k]);
            block[k] = static_cast<std::int16_t>(std::clamp(repaired, -largest, largest));
        }
    }

private:
    const Image<const std::uint8_t> before_, after_;
    const Values backwards_ = transposed(cosines());
};

}  // namespace

void repair_jpeg(Image<const std::uint8_t> before, Image<const std::uint8_t> after,
                 const std::vector<RepairedComponent>& components) {
    int tallest = 1, widest = 1;
    for (const auto& component : components) {
        tallest = std::max(tallest, component.vertical);
        widest = std::max(widest, component.horizontal);
    }
    const Repair repair(before, after);
    for (const auto& component : components)
        for (Index row = 0; row < component.rows; ++row) {
            const Index height = tallest / component.vertical,
                        width = widest / component.horizontal;
            if (row * side * height >= after.rows ||
                !repair.changed(row * side * height, 0, side * height, after.columns))
                continue;
            for (Index column = 0; column < component.columns; ++column)
                repair.block(component, row, column, height, width);
        }
}

}  // namespace dustbust
