// The module dustbust._kernels. The only file that knows Python: each binding makes views and an output,
// lets go of the interpreter lock, calls the kernel and returns the output.
// Arguments are checked in Python, by core/dustbust; here only shapes that would read out of bounds are refused.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <stdexcept>
#include <string>

#include "box_blur.hpp"

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
}
