// Bindings: filling of masked pixels.
#pragma once

#include "bindings/views.hpp"
#include "image/masked_pixels.hpp"
#include "restoration/box_fill.hpp"
#include "restoration/grain.hpp"
#include "restoration/kriging_fill.hpp"

namespace dustbust {
namespace {

template <class T>
void define_box_fill(py::module_& m) {
    m.def(
        "box_fill",
        [](const Array<T>& image, const Array<bool>& mask, py::ssize_t colours, py::ssize_t box,
           int passes, double soften, int threads) {
            const auto in = view(image, "image");
            const auto where = mask_view(mask);
            require_same_size(in, where, "image and mask");
            require_colours(in, colours);
            require_range<py::ssize_t>(box, 1, largest_side, "box");
            require_range(passes, 0, 1000000, "passes");
            require_range(soften, 0.0, 1000.0, "soften");
            require_threads(threads);
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
            return py::make_tuple(to_array(positions, {count}), to_array(values, {count, colours}),
                                  to_array(weights, {count}), left);
        },
        py::arg("image").noconvert(), py::arg("mask").noconvert(), py::arg("colours"),
        py::arg("box"), py::arg("passes"), py::arg("soften"), py::arg("threads"));
}

template <class T>
void define_grain(py::module_& m) {
    m.def(
        "grain",
        [](const Array<T>& image, const Array<bool>& mask, const Array<bool>& unclean,
           const Array<float>& values, const Array<float>& share, int threads) {
            const auto in = view(image, "image");
            const auto where = mask_view(mask), avoid = mask_view(unclean, "unclean");
            require_same_size(in, where, "image and mask");
            require_same_size(in, avoid, "image and unclean");
            require(values.ndim() == 2, "values must be (N, colours)");
            require_colours(in, values.shape(1));
            require_list(share, values.shape(0), 0, "share");
            require_threads(threads);
            std::vector<float> result;
            {
                py::gil_scoped_release release;
                const MaskedPixels masked(where);
                require(masked.size() == values.shape(0),
                        "values must be those of the masked pixels");
                result =
                    grain(in, masked, avoid, values.shape(1), values.data(), share.data(), threads);
            }
            return to_array(result, {values.shape(0), values.shape(1)});
        },
        py::arg("image").noconvert(), py::arg("mask").noconvert(), py::arg("unclean").noconvert(),
        py::arg("values").noconvert(), py::arg("share").noconvert(), py::arg("threads"));
}

template <class T>
void define_structured_fill(py::module_& m) {
    m.def(
        "structured_fill",
        [](const Array<T>& image, const Array<bool>& mask, py::ssize_t colours, float scale,
           int threads) {
            const auto in = view(image, "image");
            const auto where = mask_view(mask);
            require_same_size(in, where, "image and mask");
            require_colours(in, colours);
            require_positive(scale, "scale");
            require_threads(threads);
            Filled filled;
            {
                py::gil_scoped_release release;
                filled = structured_fill(in, where, colours, scale, threads);
            }
            const auto count = static_cast<py::ssize_t>(filled.positions.size());
            return py::make_tuple(to_array(filled.positions, {count}),
                                  to_array(filled.values, {count, colours}), filled.failures);
        },
        py::arg("image").noconvert(), py::arg("mask").noconvert(), py::arg("colours"),
        py::arg("scale"), py::arg("threads"));
}

}  // namespace

inline void register_restoration(py::module_& m) {
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
