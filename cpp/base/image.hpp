// The argument of every kernel: a view of a picture in memory that its caller owns.
#pragma once

#include <cstddef>
#include <limits>
#include <type_traits>

namespace dustbust {

using Index = std::ptrdiff_t;

// The number that stands for 1 in a picture of this type.
template <class T>
constexpr float largest_value =
    std::is_same_v<T, float> ? 1.0f : static_cast<float>(std::numeric_limits<T>::max());

// Rows by columns by channels, without gaps, the channel running fastest.
template <class T>
struct Image {
    T* data;
    std::ptrdiff_t rows, columns, channels;

    T* row(std::ptrdiff_t y) const { return data + y * columns * channels; }
    T& operator()(std::ptrdiff_t y, std::ptrdiff_t x, std::ptrdiff_t c = 0) const {
        return row(y)[x * channels + c];
    }
    std::ptrdiff_t size() const { return rows * columns * channels; }
};

}  // namespace dustbust
