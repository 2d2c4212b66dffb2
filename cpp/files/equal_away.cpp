#include "files/equal_away.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "image/mask_runs.hpp"

namespace dustbust {

bool equal_away_from(Image<const std::uint8_t> one, Image<const std::uint8_t> other,
                     Image<const std::uint8_t> places, Index reach) {
    const Index columns = one.columns, bands = (one.rows + reach - 1) / reach;
    std::vector<std::uint8_t> away(bands * columns, 1);
    for (Index y = 0; y < one.rows; ++y)
        each_run(places.row(y), columns, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
            const Index band = y / reach, left = std::max<Index>(begin - reach, 0),
                        right = std::min(end + reach, columns);
            for (Index b = std::max<Index>(band - 1, 0); b < std::min(band + 2, bands); ++b)
                std::fill(away.begin() + b * columns + left, away.begin() + b * columns + right,
                          std::uint8_t{0});
        });
    bool equal = true;
    for (Index y = 0; y < one.rows && equal; ++y)
        each_run(away.data() + y / reach * columns, columns,
                 [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                     const auto bytes = static_cast<std::size_t>((end - begin) * one.channels);
                     equal = equal && std::memcmp(&one(y, begin), &other(y, begin), bytes) == 0;
                 });
    return equal;
}

}  // namespace dustbust
