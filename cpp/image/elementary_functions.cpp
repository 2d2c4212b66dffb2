#include "image/elementary_functions.hpp"

#include "base/elementary.hpp"
#include "base/target_clones.hpp"

namespace dustbust {

TARGET_CLONES
void exponentials(const float* in, std::ptrdiff_t count, float* out) {
    for (std::ptrdiff_t i = 0; i < count; ++i) out[i] = exponential(in[i]);
}

TARGET_CLONES
void logarithms(const float* in, std::ptrdiff_t count, float* out) {
    for (std::ptrdiff_t i = 0; i < count; ++i) out[i] = logarithm(in[i]);
}

}  // namespace dustbust
