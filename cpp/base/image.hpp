// What every kernel works on: a picture in memory that belongs to somebody else.
#pragma once

#include <cstddef>

namespace dustbust {

using Index = std::ptrdiff_t;

// Rows by columns by channels, without gaps, the channel running fastest.
template <class T>
struct Image {
    T* data;
    std::ptrdiff_t rows, columns, channels;

    T* row(std::ptrdiff_t y) const { return data + y * columns * channels; }
    T& operator()(std::ptrdiff_t y, std::ptrdiff_t x, std::ptrdiff_t c = 0) const { return row(y)[x * channels + c]; }
    std::ptrdiff_t size() const { return rows * columns * channels; }
};

}  // namespace dustbust
