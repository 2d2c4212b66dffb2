// The module dustbust._kernels. The only file that knows Python: each binding makes views and an output,
// lets go of the interpreter lock, calls the kernel and returns the output.
// Arguments are checked in Python, by core/dustbust; here only shapes that would read out of bounds are refused.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "box_blur.hpp"
#include "box_fill.hpp"
#include "dilate.hpp"
#include "masked_pixels.hpp"

namespace py = pybind11;
using namespace dustbust;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

// An array of two or three dimensions as a picture; two dimensions are one channel.
template <class T>
static Image<const T> view(const Array<T>& array, const char* name) {
    if (array.ndim() != 2 && array.ndim() != 3) throw std::invalid_argument(std::string(name) + " must have two or three dimensions");
    return {array.data(), array.shape(0), array.shape(1), array.ndim() == 3 ? array.shape(2) : 1};
}

template <class T>
static Image<T> mutable_view(Array<T>& array) {
    return {array.mutable_data(), array.shape(0), array.shape(1), array.ndim() == 3 ? array.shape(2) : 1};
}

// A new array of the shape of another.
template <class T, class U>
static Array<T> shaped_like(const Array<U>& other) {
    return Array<T>(std::vector<py::ssize_t>(other.shape(), other.shape() + other.ndim()));
}

// A bool array as bytes that are 0 or 1.
static Image<const std::uint8_t> mask_view(const Array<bool>& mask) {
    if (mask.ndim() != 2) throw std::invalid_argument("mask must have two dimensions");
    return {reinterpret_cast<const std::uint8_t*>(mask.data()), mask.shape(0), mask.shape(1), 1};
}

template <class T>
static Array<T> to_array(const std::vector<T>& values, std::vector<py::ssize_t> shape) {
    Array<T> result(shape);
    std::copy(values.begin(), values.end(), result.mutable_data());
    return result;
}

template <class T>
static void define_box_fill(py::module_& m) {
    m.def("box_fill", [](const Array<T>& image, const Array<bool>& mask, py::ssize_t colours, py::ssize_t box, int passes, double soften,
                         int threads) {
        const auto in = view(image, "image");
        const auto where = mask_view(mask);
        if (in.rows != where.rows || in.columns != where.columns || colours > in.channels)
            throw std::invalid_argument("image and mask must be of one size");
        std::vector<std::int64_t> positions;
        std::vector<float> values, weights;
        std::ptrdiff_t left;
        {
            py::gil_scoped_release release;
            const MaskedPixels masked(where);
            left = box_fill(in, masked, colours, box / 2, passes, threads, values);
            weights = softened(masked, in.rows, in.columns, soften, threads);
            positions = masked.positions();
        }
        const auto count = static_cast<py::ssize_t>(positions.size());
        return py::make_tuple(to_array(positions, {count}), to_array(values, {count, colours}), to_array(weights, {count}), left);
    }, py::arg("image").noconvert(), py::arg("mask").noconvert(), py::arg("colours"), py::arg("box"), py::arg("passes"), py::arg("soften"),
       py::arg("threads"));
}

PYBIND11_MODULE(_kernels, m) {
    m.doc() = "Compiled kernels of dustbust; use the functions of the package instead.";

    m.def("box_blur", [](const Array<float>& image, py::ssize_t radius, int threads) {
        const auto in = view(image, "image");
        if (in.channels != 1) throw std::invalid_argument("image must have one channel");
        auto result = shaped_like<float>(image);
        const auto out = mutable_view(result);
        py::gil_scoped_release release;
        box_blur(in, out, radius, threads);
        return result;
    }, py::arg("image").noconvert(), py::arg("radius"), py::arg("threads"));

    m.def("dilate", [](const Array<bool>& mask, int radius, int threads) {
        const auto in = mask_view(mask);
        auto result = shaped_like<bool>(mask);
        const Image<std::uint8_t> out{reinterpret_cast<std::uint8_t*>(result.mutable_data()), in.rows, in.columns, 1};
        py::gil_scoped_release release;
        dilate(in, out, radius, threads);
        return result;
    }, py::arg("mask").noconvert(), py::arg("radius"), py::arg("threads"));

    define_box_fill<std::uint8_t>(m);
    define_box_fill<std::uint16_t>(m);
    define_box_fill<float>(m);
}
