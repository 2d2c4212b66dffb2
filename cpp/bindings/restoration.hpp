// Bindings: filling of masked pixels.
#pragma once

#include <functional>

#include "bindings/views.hpp"
#include "image/masked_pixels.hpp"
#include "restoration/box_fill.hpp"
#include "restoration/grain.hpp"
#include "restoration/kriging_fill.hpp"

namespace dustbust {
namespace {

template <class T>
void require_fit(Image<const T> image, const MaskedPixels& masked) {
    require(image.rows == masked.rows() && image.columns == masked.columns(),
            "image and masked must be of one size");
}

template <class T>
void define_box_fill(py::module_& m) {
    m.def(
        "box_fill",
        [](const Array<T>& image, const MaskedPixels& masked, py::ssize_t colours, py::ssize_t box,
           int passes, int threads) {
            const auto in = view(image, "image");
            require_fit(in, masked);
            require_colours(in, colours);
            require_range<py::ssize_t>(box, 1, largest_side, "box");
            require_range(passes, 0, 1000000, "passes");
            require_threads(threads);
            std::vector<float> values;
            std::ptrdiff_t left;
            {
                py::gil_scoped_release release;
                left = box_fill(in, masked, colours, box / 2, passes, threads, values);
            }
            return py::make_tuple(to_array(values, {masked.size(), colours}), left);
        },
        py::arg("image").noconvert(), py::arg("masked"), py::arg("colours"), py::arg("box"),
        py::arg("passes"), py::arg("threads"));
}

template <class T>
void define_grain(py::module_& m) {
    m.def(
        "grain",
        [](const Array<T>& image, const MaskedPixels& masked, const Array<float>& values,
           const Array<float>& share, int threads) {
            const auto in = view(image, "image");
            require_fit(in, masked);
            require(values.ndim() == 2, "values must be (N, colours)");
            require(masked.size() == values.shape(0), "values must be those of the masked pixels");
            require_colours(in, values.shape(1));
            require_list(share, values.shape(0), 0, "share");
            require_threads(threads);
            std::vector<float> result;
            {
                py::gil_scoped_release release;
                result = grain(in, masked, values.shape(1), values.data(), share.data(), threads);
            }
            return to_array(result, {values.shape(0), values.shape(1)});
        },
        py::arg("image").noconvert(), py::arg("masked"), py::arg("values").noconvert(),
        py::arg("share").noconvert(), py::arg("threads"));
}

template <class T>
void define_structured_fill(py::module_& m) {
    m.def(
        "structured_fill",
        [](const Array<T>& image, const MaskedPixels& masked, py::ssize_t colours, float scale,
           int threads) {
            const auto in = view(image, "image");
            require_fit(in, masked);
            require_colours(in, colours);
            require_positive(scale, "scale");
            require_threads(threads);
            Filled filled;
            {
                py::gil_scoped_release release;
                filled = structured_fill(in, masked, colours, scale, threads);
            }
            return py::make_tuple(to_array(filled.values, {masked.size(), colours}),
                                  filled.failures);
        },
        py::arg("image").noconvert(), py::arg("masked"), py::arg("colours"), py::arg("scale"),
        py::arg("threads"));
}

void define_masked_pixels(py::module_& m) {
    py::class_<MaskedPixels> pixels(m, "MaskedPixels");
    pixels.def(
        py::init([](const Array<std::int64_t>& positions, py::ssize_t rows, py::ssize_t columns) {
            require_range<py::ssize_t>(rows, 1, largest_side, "rows");
            require_range<py::ssize_t>(columns, 1, largest_side, "columns");
            require(rows * columns < most_pixels, "rows and columns are too many");
            require(positions.ndim() == 1, "positions must have one dimension");
            require_inside(positions, 0, rows * columns, "positions");
            const std::int64_t *begin = positions.data(), *end = begin + positions.size();
            require(std::adjacent_find(begin, end, std::greater_equal<>()) == end,
                    "positions must ascend");
            py::gil_scoped_release release;
            return MaskedPixels(std::vector<std::int64_t>(begin, end), rows, columns);
        }),
        py::arg("positions").noconvert(), py::arg("rows"), py::arg("columns"));
    m.def(
        "softened",
        [](const MaskedPixels& masked, double sigma, int threads) {
            require_range(sigma, 0.0, 1000.0, "sigma");
            require_threads(threads);
            std::vector<float> weights;
            {
                py::gil_scoped_release release;
                weights = softened(masked, masked.rows(), masked.columns(), sigma, threads);
            }
            return to_array(weights, {masked.size()});
        },
        py::arg("masked"), py::arg("sigma"), py::arg("threads"));
}

}  // namespace

inline void register_restoration(py::module_& m) {
    define_masked_pixels(m);
    define_box_fill<std::uint8_t>(m);
    define_box_fill<std::uint16_t>(m);
    define_box_fill<float>(m);
    define_structured_fill<std::uint8_t>(m);
    define_structured_fill<std::uint16_t>(m);
    define_structured_fill<float>(m);
    define_grain<std::uint8_t>(m);
    define_grain<std::uint16_t>(m);
    define_grain<float>(m);
}

}  // namespace dustbust
