// Arrays of numpy as pictures, and what bindings refuse.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/image.hpp"

namespace dustbust {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

// An array of two or three dimensions as a picture; two dimensions are one channel.
template <class T>
Image<const T> view(const Array<T>& array, const char* name) {
    if (array.ndim() != 2 && array.ndim() != 3) throw std::invalid_argument(std::string(name) + " must have two or three dimensions");
    return {array.data(), array.shape(0), array.shape(1), array.ndim() == 3 ? array.shape(2) : 1};
}

template <class T>
Image<T> mutable_view(Array<T>& array) {
    return {array.mutable_data(), array.shape(0), array.shape(1), array.ndim() == 3 ? array.shape(2) : 1};
}

// A new array of the shape of another.
template <class T, class U>
Array<T> shaped_like(const Array<U>& other) {
    return Array<T>(std::vector<py::ssize_t>(other.shape(), other.shape() + other.ndim()));
}

// A bool array as bytes that are 0 or 1.
inline Image<const std::uint8_t> mask_view(const Array<bool>& mask) {
    if (mask.ndim() != 2) throw std::invalid_argument("mask must have two dimensions");
    return {reinterpret_cast<const std::uint8_t*>(mask.data()), mask.shape(0), mask.shape(1), 1};
}

template <class T>
Array<T> to_array(const std::vector<T>& values, std::vector<py::ssize_t> shape) {
    Array<T> result(shape);
    std::copy(values.begin(), values.end(), result.mutable_data());
    return result;
}

inline Image<const float> one_channel(const Array<float>& array, const char* name) {
    const auto in = view(array, name);
    if (in.channels != 1) throw std::invalid_argument(std::string(name) + " must have one channel");
    return in;
}

// The pixels that count, or nothing when all do.
inline Image<const std::uint8_t> known_view(const std::optional<Array<bool>>& known, Image<const float> image) {
    if (!known) return {nullptr, image.rows, image.columns, 1};
    const auto in = mask_view(*known);
    if (in.rows != image.rows || in.columns != image.columns) throw std::invalid_argument("known must be of the size of image");
    return in;
}

inline std::vector<py::ssize_t> coarse_shape(Image<const float> image, py::ssize_t side) {
    if (side < 1) throw std::invalid_argument("side must be at least 1");
    return {(image.rows + side - 1) / side, (image.columns + side - 1) / side};
}

inline Array<float> on_coarse_grid(Image<const float> image, py::ssize_t side) { return Array<float>(coarse_shape(image, side)); }

inline Image<const float> coarse_view(const Array<float>& array, Image<const float> image, py::ssize_t side, const char* name) {
    const auto in = one_channel(array, name);
    const auto shape = coarse_shape(image, side);
    if (in.rows != shape[0] || in.columns != shape[1]) throw std::invalid_argument(std::string(name) + " must have one number per block");
    return in;
}

template <class T>
std::vector<Image<const T>> views(const std::vector<Array<T>>& stack) {
    std::vector<Image<const T>> result;
    for (const auto& image : stack) {
        result.push_back(view(image, "picture"));
        const auto &one = result.front(), &other = result.back();
        if (one.rows != other.rows || one.columns != other.columns || one.channels != other.channels)
            throw std::invalid_argument("pictures of a stack must have one shape");
    }
    if (result.empty()) throw std::invalid_argument("an empty stack");
    return result;
}

}  // namespace dustbust
