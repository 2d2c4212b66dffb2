// Comparing two pictures away from some places.
#pragma once

#include <cstdint>

#include "base/image.hpp"

namespace dustbust {

// Whether two pictures of one size are equal except near `places` (bytes 0 or 1). Near is within
// `reach` columns, and in the same band of `reach` rows or an adjacent one.
bool equal_away_from(Image<const std::uint8_t> one, Image<const std::uint8_t> other,
                     Image<const std::uint8_t> places, Index reach);

}  // namespace dustbust
