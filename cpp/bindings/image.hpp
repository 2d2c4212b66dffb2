// Bindings: kernels on single pictures and masks.
#pragma once

#include "bindings/views.hpp"
#include "image/area_limits.hpp"
#include "image/block_grid.hpp"
#include "image/box_blur.hpp"
#include "image/connected_components.hpp"
#include "image/dilate.hpp"
#include "image/elementary_functions.hpp"
#include "image/luminance.hpp"
#include "image/masked_pixels.hpp"
#include "image/median_filter.hpp"
#include "image/rec601.hpp"

namespace dustbust {
namespace {

template <class T>
void define_blocks(py::module_& m) {
    m.def(
        "block_means",
        [](const Array<T>& image, const std::optional<Array<bool>>& known, py::ssize_t side,
           int threads) {
            const auto in = one_channel(image, "image");
            const auto where = known_view(known, in, "known");
            require_threads(threads);
            auto mean = on_coarse_grid(in, side), share = on_coarse_grid(in, side);
            const auto mean_view = mutable_view(mean), share_view = mutable_view(share);
            {
                py::gil_scoped_release release;
                block_means(in, where, side, mean_view, share_view, threads);
            }
            return py::make_tuple(mean, share);
        },
        py::arg("image").noconvert(), py::arg("known").noconvert(), py::arg("side"),
        py::arg("threads"));

    m.def(
        "block_spread",
        [](const Array<T>& image, const std::optional<Array<bool>>& known,
           const Array<float>& background, py::ssize_t side, py::ssize_t every, float limit,
           int threads) {
            require_range<py::ssize_t>(every, 1, largest_side, "every");
            require(limit > 0, "limit must be greater than 0");
            const auto in = one_channel(image, "image");
            const auto where = known_view(known, in, "known");
            require_threads(threads);
            const auto coarse = coarse_view(background, in, side, "background");
            auto spread = on_coarse_grid(in, side);
            const auto out = mutable_view(spread);
            py::gil_scoped_release release;
            block_spread(in, where, coarse, side, every, limit, out, threads);
            return spread;
        },
        py::arg("image").noconvert(), py::arg("known").noconvert(),
        py::arg("background").noconvert(), py::arg("side"), py::arg("every"), py::arg("limit"),
        py::arg("threads"));
}

template <class T>
void define_luminance(py::module_& m) {
    m.def(
        "reduce_luminance",
        [](const Array<T>& image, bool alpha, py::ssize_t factor, float largest, int threads) {
            const auto in = view(image, "image");
            require_threads(threads);
            require_range<py::ssize_t>(factor, 1, std::min(in.rows, in.columns), "factor");
            require(in.channels >= (alpha ? 2 : 1), "image has no alpha");
            require_positive(largest, "largest");
            Array<float> result({in.rows / factor, in.columns / factor, py::ssize_t(2)});
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            reduce_luminance(in, alpha, factor, largest, out, threads);
            return result;
        },
        py::arg("image").noconvert(), py::arg("alpha"), py::arg("factor"), py::arg("largest"),
        py::arg("threads"));
    m.def(
        "luminance",
        [](const Array<T>& image, int threads) {
            const auto in = view(image, "image");
            require(in.channels >= 3, "image must have colours");
            require_threads(threads);
            Array<LuminanceOf<T>> result({in.rows, in.columns});
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            luminance(in, out, threads);
            return result;
        },
        py::arg("image").noconvert(), py::arg("threads"));
}

}  // namespace

// A function of one number, for each number of an array.
template <class Function>
void define_elementary(py::module_& m, const char* name, Function function) {
    m.def(
        name,
        [function](const Array<float>& values) {
            auto result = shaped_like<float>(values);
            const float* const from = values.data();
            float* const to = result.mutable_data();
            py::gil_scoped_release release;
            function(from, values.size(), to);
            return result;
        },
        py::arg("values").noconvert());
}

inline void register_image(py::module_& m) {
    m.attr("REC601") = py::make_tuple(red_weight, green_weight, blue_weight);
    define_elementary(m, "exponential", exponentials);
    define_elementary(m, "logarithm", logarithms);
    m.def(
        "box_blur",
        [](const Array<float>& image, py::ssize_t radius, int threads) {
            const auto in = one_channel(image, "image");
            require_range<py::ssize_t>(radius, 0, largest_side, "radius");
            require_threads(threads);
            auto result = shaped_like<float>(image);
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            box_blur(in, out, radius, threads);
            return result;
        },
        py::arg("image").noconvert(), py::arg("radius"), py::arg("threads"));

    m.def(
        "dilate",
        [](const Array<bool>& mask, int radius, int threads) {
            const auto in = mask_view(mask);
            require_range(radius, 0, 32767, "radius");
            require_threads(threads);
            auto result = shaped_like<bool>(mask);
            const Image<std::uint8_t> out{reinterpret_cast<std::uint8_t*>(result.mutable_data()),
                                          in.rows, in.columns, 1};
            py::gil_scoped_release release;
            dilate(in, out, radius, threads);
            return result;
        },
        py::arg("mask").noconvert(), py::arg("radius"), py::arg("threads"));

    m.def(
        "window_median",
        [](const Array<float>& image, int radius, int threads) {
            const auto in = one_channel(image, "image");
            require_range(radius, 0, 5, "radius");
            require_threads(threads);
            auto result = shaped_like<float>(image);
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            window_median(in, out, radius, threads);
            return result;
        },
        py::arg("image").noconvert(), py::arg("radius"), py::arg("threads"));

    m.def(
        "interpolate",
        [](const Array<float>& coarse, py::ssize_t side, py::ssize_t rows, py::ssize_t columns,
           int threads) {
            require_range<py::ssize_t>(rows, 1, largest_side, "rows");
            require_range<py::ssize_t>(columns, 1, largest_side, "columns");
            require_threads(threads);
            const auto in =
                coarse_view(coarse, Image<const float>{nullptr, rows, columns, 1}, side, "coarse");
            Array<float> result(std::vector<py::ssize_t>{rows, columns});
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            interpolate(in, side, out, threads);
            return result;
        },
        py::arg("coarse").noconvert(), py::arg("side"), py::arg("rows"), py::arg("columns"),
        py::arg("threads"));

    m.def(
        "connected_components",
        [](const Array<bool>& mask, const Array<bool>& cores) {
            const auto where = mask_view(mask), core = mask_view(cores, "cores");
            require_same_size(where, core, "mask and cores");
            Components all;
            std::int32_t particles = 0;
            {
                py::gil_scoped_release release;
                const MaskedPixels masked(where);
                all = connected_components(masked, where.columns);
                particles = all.count;
                if (core.data != where.data) {
                    const MaskedPixels inner(core);
                    const Components small = connected_components(inner, where.columns);
                    std::vector<std::int32_t> places;
                    places.reserve(inner.size());
                    for (const auto at : inner.positions()) {
                        const auto place = masked(at / where.columns, at % where.columns);
                        if (place < 0)
                            throw std::invalid_argument("cores must lie inside the mask");
                        places.push_back(static_cast<std::int32_t>(place));
                    }
                    all.labels = nearest_particle(all.neighbours, places, small.labels);
                    particles = small.count;
                }
            }
            const auto count = static_cast<py::ssize_t>(all.labels.size());
            return py::make_tuple(to_array(all.labels, {count}),
                                  to_array(all.neighbours, {count, 4}), particles);
        },
        py::arg("mask").noconvert(), py::arg("cores").noconvert());

    m.def(
        "particles",
        [](const Array<bool>& mask) {
            const auto where = mask_view(mask);
            Particles found;
            {
                py::gil_scoped_release release;
                found = particles_of(where);
            }
            const auto pixels = static_cast<py::ssize_t>(found.labels.size());
            return py::make_tuple(to_array(found.positions, {pixels}),
                                  to_array(found.labels, {pixels}), found.count);
        },
        py::arg("mask").noconvert());

    m.def(
        "limit_areas",
        [](Array<std::uint16_t>& plane, py::ssize_t smallest, py::ssize_t largest, int step,
           int lowest, int highest, int threads) {
            const auto in = one_channel(plane, "plane");
            require_threads(threads);
            require(in.size() < std::numeric_limits<std::int32_t>::max(), "plane is too large");
            require_range<py::ssize_t>(smallest, 0, in.size() + 1, "smallest");
            require_range<py::ssize_t>(largest, 0, in.size() + 1, "largest");
            require_range(step, 1, 65535, "step");
            require_range(highest, 1, 65535 / step, "highest");
            require_range(lowest, 1, highest, "lowest");
            const auto out = mutable_view(plane);
            py::gil_scoped_release release;
            limit_areas(out, {smallest, largest, step, lowest, highest}, threads);
        },
        py::arg("plane").noconvert(), py::arg("smallest"), py::arg("largest"), py::arg("step"),
        py::arg("lowest"), py::arg("highest"), py::arg("threads"));

    define_blocks<std::uint8_t>(m);
    define_blocks<std::uint16_t>(m);
    define_blocks<float>(m);
    define_luminance<std::uint8_t>(m);
    define_luminance<std::uint16_t>(m);
    define_luminance<float>(m);
}

}  // namespace dustbust
