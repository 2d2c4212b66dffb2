// Exponential function and logarithm that are vectorised, and give the same bytes with every
// library and on every processor: S. L. Moshier, Cephes Mathematical Library, 1989,
// https://www.netlib.org/cephes (expf, logf).
#pragma once

#include <cstdint>
#include <cstring>

namespace dustbust {

// exp(x) for x between -80 and 80, to which x is limited; the relative error is below 2e-7.
inline __attribute__((always_inline)) float exponential(float x) {
    x = x > -80.0f ? x : -80.0f;  // also where it is not a number
    x = x < 80.0f ? x : 80.0f;
    const float turns = x * 1.44269504f;  // 1 / log(2)
    const auto whole = static_cast<std::int32_t>(turns + (turns < 0 ? -0.5f : 0.5f));
    const auto power = static_cast<float>(whole);
    const float rest = (x - power * 0.693359375f) + power * 2.12194440e-4f;  // log(2), in two parts
    float sum = 1.9875691500e-4f;
    sum = sum * rest + 1.3981999507e-3f;
    sum = sum * rest + 8.3334519073e-3f;
    sum = sum * rest + 4.1665795894e-2f;
    sum = sum * rest + 1.6666665459e-1f;
    sum = sum * rest + 5.0000001201e-1f;
    const std::int32_t bits = (whole + 127) << 23;
    float scale;
    std::memcpy(&scale, &bits, sizeof scale);
    return (sum * rest * rest + rest + 1.0f) * scale;
}

// log(x) for normal x > 0; the error is below 2e-7, relative to 1 or to the result.
inline __attribute__((always_inline)) float logarithm(float x) {
    std::int32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    const std::int32_t exponent = (bits - 0x3f3504f3) >> 23;  // as if x were around sqrt(1/2)
    const std::int32_t of_rest = bits - (exponent << 23);
    float rest;
    std::memcpy(&rest, &of_rest, sizeof rest);
    rest -= 1.0f;
    const float square = rest * rest;
    float sum = 7.0376836292e-2f;
    sum = sum * rest - 1.1514610310e-1f;
    sum = sum * rest + 1.1676998740e-1f;
    sum = sum * rest - 1.2420140846e-1f;
    sum = sum * rest + 1.4249322787e-1f;
    sum = sum * rest - 1.6668057665e-1f;
    sum = sum * rest + 2.0000714765e-1f;
    sum = sum * rest - 2.4999993993e-1f;
    sum = sum * rest + 3.3333331174e-1f;
    return rest + (sum * rest * square - 0.5f * square) +
           static_cast<float>(exponent) * 0.69314718f;
}

}  // namespace dustbust
