// Elementary functions of many numbers, see base/elementary.hpp.
#pragma once

#include <cstddef>

namespace dustbust {

void exponentials(const float* in, std::ptrdiff_t count, float* out);
void logarithms(const float* in, std::ptrdiff_t count, float* out);

}  // namespace dustbust
