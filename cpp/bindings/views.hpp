// Arrays of numpy as pictures, and the checks that all bindings share. A ValueError names the
// argument that is wrong. No argument leads to reading or writing out of bounds. Arrays are not
// converted: a wrong type is a TypeError.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/image.hpp"

namespace dustbust {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

constexpr Index most_pixels =
    std::numeric_limits<std::int32_t>::max();   // places in lists of pixels are 32 bits wide
constexpr Index largest_side = Index{1} << 24;  // px, of a picture or of a block of its grid

inline void require(bool condition, const std::string& otherwise) {
    if (!condition) throw std::invalid_argument(otherwise);
}

inline void require_threads(int threads) { require(threads >= 1, "threads must be at least 1"); }

template <class Number>
void require_range(Number value, Number lowest, Number highest, const char* name) {
    require(value >= lowest && value <= highest, std::string(name) + " must be " +
                                                     std::to_string(lowest) + " to " +
                                                     std::to_string(highest));
}

inline void require_finite(double value, const char* name) {
    require(std::isfinite(value), std::string(name) + " must be a finite number");
}

inline void require_positive(double value, const char* name) {
    require(std::isfinite(value) && value > 0,
            std::string(name) + " must be greater than 0 and finite");
}

inline void require_not_negative(double value, const char* name) {
    require(std::isfinite(value) && value >= 0,
            std::string(name) + " must be 0 or greater, and finite");
}

template <class T>
void require_all_finite(const Array<T>& array, const char* name) {
    const bool finite = std::all_of(array.data(), array.data() + array.size(),
                                    [](T value) { return std::isfinite(value); });
    require(finite, std::string(name) + " must hold finite numbers");
}

// `array` is a list of `size` numbers (for each of them, `width`).
template <class T>
void require_list(const Array<T>& array, py::ssize_t size, py::ssize_t width, const char* name) {
    const bool fits = width == 0
                          ? array.ndim() == 1 && array.shape(0) == size
                          : array.ndim() == 2 && array.shape(0) == size && array.shape(1) == width;
    require(fits, std::string(name) + " must be (" + std::to_string(size) +
                      (width == 0 ? ",)" : ", " + std::to_string(width) + ")"));
}

// Whether all numbers of a list are at least `lowest` and less than `end`.
template <class T>
void require_inside(const Array<T>& array, Index lowest, Index end, const char* name) {
    const bool inside = std::all_of(array.data(), array.data() + array.size(),
                                    [&](T value) { return value >= lowest && value < end; });
    require(inside, std::string(name) + " are out of range");
}

// The bytes of a bool array, all of them 0 or 1.
inline const std::uint8_t* bool_bytes(const Array<bool>& array, const char* name) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(array.data());
    const py::ssize_t size = array.size();
    unsigned all = 0;
    for (py::ssize_t i = 0; i < size; ++i) all |= bytes[i];
    require(all <= 1, std::string(name) + " has bytes that are neither 0 nor 1");
    return bytes;
}

// An array of two or three dimensions as a picture of 1 to 4 channels; two dimensions are one
// channel.
template <class T>
Image<const T> view(const Array<T>& array, const char* name) {
    require(array.ndim() == 2 || array.ndim() == 3,
            std::string(name) + " must have two or three dimensions");
    const Image<const T> image{array.data(), array.shape(0), array.shape(1),
                               array.ndim() == 3 ? array.shape(2) : 1};
    require(image.rows > 0 && image.columns > 0, std::string(name) + " has no pixels");
    require(image.channels >= 1 && image.channels <= 4,
            std::string(name) + " must have 1 to 4 channels");
    require(image.rows <= largest_side && image.columns <= largest_side,
            std::string(name) + " is too large");
    return image;
}

template <class T>
Image<T> mutable_view(Array<T>& array) {
    return {array.mutable_data(), array.shape(0), array.shape(1),
            array.ndim() == 3 ? array.shape(2) : 1};
}

// A new array of the shape of another.
template <class T, class U>
Array<T> shaped_like(const Array<U>& other) {
    return Array<T>(std::vector<py::ssize_t>(other.shape(), other.shape() + other.ndim()));
}

template <class T, class U>
void require_same_size(const Image<T>& one, const Image<U>& other, const char* what) {
    require(one.rows == other.rows && one.columns == other.columns,
            std::string(what) + " must be of one size");
}

// A bool array as bytes that are 0 or 1.
inline Image<const std::uint8_t> mask_view(const Array<bool>& mask, const char* name = "mask") {
    require(mask.ndim() == 2, std::string(name) + " must have two dimensions");
    require(mask.size() > 0, std::string(name) + " has no pixels");
    require(mask.size() < most_pixels, std::string(name) + " has too many pixels");
    return {bool_bytes(mask, name), mask.shape(0), mask.shape(1), 1};
}

template <class T>
Array<T> to_array(const std::vector<T>& values, std::vector<py::ssize_t> shape) {
    Array<T> result(std::move(shape));
    std::copy(values.begin(), values.end(), result.mutable_data());
    return result;
}

template <class T>
Image<const T> one_channel(const Array<T>& array, const char* name) {
    const auto in = view(array, name);
    require(in.channels == 1, std::string(name) + " must have one channel");
    return in;
}

// How many of the channels are colours: all, or all but an alpha.
template <class T>
void require_colours(const Image<const T>& image, py::ssize_t colours) {
    require((colours == 1 || colours == 3) && image.channels - colours >= 0 &&
                image.channels - colours <= 1,
            "colours must be 1 or 3, and all channels of image but an alpha");
}

// The pixels that count, or an empty view if all do.
template <class T>
Image<const std::uint8_t> known_view(const std::optional<Array<bool>>& known, Image<const T> image,
                                     const char* name) {
    if (!known) return {nullptr, image.rows, image.columns, 1};
    const auto in = mask_view(*known, name);
    require_same_size(in, image, "image and the pixels that count");
    return in;
}

template <class T>
std::vector<py::ssize_t> coarse_shape(Image<const T> image, py::ssize_t side) {
    require_range<py::ssize_t>(side, 1, largest_side, "side");
    return {(image.rows + side - 1) / side, (image.columns + side - 1) / side};
}

template <class T>
Array<float> on_coarse_grid(Image<const T> image, py::ssize_t side) {
    return Array<float>(coarse_shape(image, side));
}

template <class T>
Image<const float> coarse_view(const Array<float>& array, Image<const T> image, py::ssize_t side,
                               const char* name) {
    const auto in = one_channel(array, name);
    const auto shape = coarse_shape(image, side);
    require(in.rows == shape[0] && in.columns == shape[1],
            std::string(name) + " must have one number for each block");
    require_all_finite(array, name);
    return in;
}

template <class T>
std::vector<Image<const T>> views(const std::vector<Array<T>>& stack, const char* name) {
    require(!stack.empty(), std::string(name) + " must hold at least one picture");
    std::vector<Image<const T>> result;
    for (const auto& image : stack) {
        result.push_back(view(image, name));
        const auto &one = result.front(), &other = result.back();
        require(one.rows == other.rows && one.columns == other.columns &&
                    one.channels == other.channels && image.ndim() == stack[0].ndim(),
                std::string("the pictures of ") + name + " must have one shape");
    }
    return result;
}

}  // namespace dustbust
