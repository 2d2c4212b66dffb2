// Bindings: registration of scans.
#pragma once

#include "bindings/views.hpp"
#include "registration/band_solver.hpp"
#include "registration/details.hpp"
#include "registration/patches.hpp"
#include "registration/resample.hpp"
#include "registration/warp.hpp"

namespace dustbust {
namespace {

// A picture whose places fit into 32 bits.
Image<const float> small_enough(const Array<float>& array, const char* name) {
    const auto in = one_channel(array, name);
    require(in.size() < most_pixels, std::string(name) + " has too many pixels");
    return in;
}

Warp warp_of(const Array<double>& matrix, const Array<float>& distortion,
             std::pair<double, double> pitch, bool inverse) {
    require(
        matrix.ndim() == 2 && matrix.shape(0) >= 2 && matrix.shape(0) <= 3 && matrix.shape(1) == 3,
        "matrix must be (2, 3) or (3, 3)");
    require_all_finite(matrix, "matrix");
    require(distortion.ndim() == 3 && distortion.shape(2) == 2 &&
                (distortion.shape(0) == 0 || distortion.shape(1) > 0),
            "distortion must be (rows, columns, 2)");
    require_all_finite(distortion, "distortion");
    require_positive(pitch.first, "pitch");
    require_positive(pitch.second, "pitch");
    Warp warp{{},
              {distortion.data(), distortion.shape(0), distortion.shape(1), 2},
              pitch.first,
              pitch.second,
              inverse};
    std::copy_n(matrix.data(), 6, warp.m);
    return warp;
}

using Box = std::tuple<py::ssize_t, py::ssize_t, py::ssize_t, py::ssize_t>;

// Left, top, width, height.
void require_box(const Box& box) {
    const auto [left, top, width, height] = box;
    require_range<py::ssize_t>(left, -largest_side, largest_side, "box");
    require_range<py::ssize_t>(top, -largest_side, largest_side, "box");
    require_range<py::ssize_t>(width, 1, largest_side, "box");
    require_range<py::ssize_t>(height, 1, largest_side, "box");
}

template <class T>
void define_resample(py::module_& m) {
    m.def(
        "resample",
        [](const Array<T>& image, bool alpha, const Array<double>& matrix,
           const Array<float>& distortion, std::pair<double, double> pitch, bool inverse, Box box,
           const Array<double>& gain, const Array<double>& offset, float largest, float opaque,
           int threads) {
            const auto in = view(image, "image");
            const auto [left, top, width, height] = box;
            const py::ssize_t colours = in.channels - (alpha ? 1 : 0);
            require(colours >= 1 && colours <= 3, "image must have 1 to 3 colours");
            require_list(gain, colours, 0, "gain");
            require_list(offset, colours, 0, "offset");
            for (py::ssize_t c = 0; c < colours; ++c) {
                require_range(gain.data()[c], -1e6, 1e6, "gain");
                require_range(offset.data()[c], -1e6, 1e6, "offset");
            }
            require_box(box);
            if constexpr (!std::is_same_v<T, float>) {
                require(largest > 0 && largest <= largest_value<T>,
                        "largest must be greater than 0 and no more than the image can hold");
                require(opaque > 0 && opaque <= largest_value<T>,
                        "opaque must be greater than 0 and no more than the image can hold");
            }
            require_not_negative(largest, "largest");
            require_not_negative(opaque, "opaque");
            require_threads(threads);
            const Warp warp = warp_of(matrix, distortion, pitch, inverse);
            Array<T> result({height, width, colours + 1});
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            resample(in, alpha, warp, left, top, gain.data(), offset.data(), largest, opaque, out,
                     threads);
            return result;
        },
        py::arg("image").noconvert(), py::arg("alpha"), py::arg("matrix"), py::arg("distortion"),
        py::arg("pitch"), py::arg("inverse"), py::arg("box"), py::arg("gain"), py::arg("offset"),
        py::arg("largest"), py::arg("opaque"), py::arg("threads"));
}

Image<const std::int32_t> pairs_of(const Array<std::int32_t>& pairs) {
    require(pairs.ndim() == 2 && pairs.shape(1) == 2, "points and corners must be (n, 2)");
    return {pairs.data(), pairs.shape(0), 2, 1};
}

}  // namespace

inline void register_registration(py::module_& m) {
    define_resample<std::uint8_t>(m);
    define_resample<std::uint16_t>(m);
    define_resample<float>(m);

    m.def(
        "resample_marks",
        [](const Array<std::uint8_t>& marks, const Array<double>& matrix,
           const Array<float>& distortion, std::pair<double, double> pitch, bool inverse, Box box,
           int threads) {
            const auto in = one_channel(marks, "marks");
            require_box(box);
            require_threads(threads);
            const Warp warp = warp_of(matrix, distortion, pitch, inverse);
            const auto [left, top, width, height] = box;
            Array<std::uint8_t> result({height, width});
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            resample_marks(in, warp, left, top, out, threads);
            return result;
        },
        py::arg("marks").noconvert(), py::arg("matrix"), py::arg("distortion"), py::arg("pitch"),
        py::arg("inverse"), py::arg("box"), py::arg("threads"));

    m.attr("CELL_SIDE") = cell_side;
    m.attr("PATCH_CELLS") = patch_cells;

    m.def(
        "find_details",
        [](const Array<float>& luminance, py::ssize_t radius, int threads) {
            const auto in = view(luminance, "luminance");
            require(in.channels == 2, "luminance must be (H, W, 2)");
            require_range<py::ssize_t>(radius, 1, 10000, "radius");
            require_threads(threads);
            Array<float> result({in.rows, in.columns});
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            find_details(in, radius, out, threads);
            return result;
        },
        py::arg("luminance").noconvert(), py::arg("radius"), py::arg("threads"));

    m.def(
        "match_patches",
        [](const Array<float>& first, const Array<float>& second, const Array<double>& matrix,
           const Array<float>& distortion, std::pair<double, double> pitch,
           const Array<std::int32_t>& corners, float gain, float limit, int threads) {
            const auto a = one_channel(first, "first"), b = small_enough(second, "second");
            require_finite(gain, "gain");
            require(limit > 0, "limit must be greater than 0");
            require_threads(threads);
            const auto warp = warp_of(matrix, distortion, pitch, false);
            const auto patches = pairs_of(corners);
            Array<double> result({patches.rows, patch_cells * patch_cells, match_terms});
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            match_patches(a, b, warp, patches, gain, limit, out, threads);
            return result;
        },
        py::arg("first").noconvert(), py::arg("second").noconvert(), py::arg("matrix"),
        py::arg("distortion"), py::arg("pitch"), py::arg("corners"), py::arg("gain"),
        py::arg("limit"), py::arg("threads"));

    m.def(
        "compare_patches",
        [](const Array<float>& first, const Array<float>& second,
           const Array<std::int32_t>& corners, std::ptrdiff_t side, int threads) {
            const auto a = one_channel(first, "first"), b = one_channel(second, "second");
            require_range<py::ssize_t>(side, 1, largest_side, "side");
            require_threads(threads);
            const auto patches = pairs_of(corners);
            Array<double> result({patches.rows, std::ptrdiff_t(6)});
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            compare_patches(a, b, patches, side, out, threads);
            return result;
        },
        py::arg("first").noconvert(), py::arg("second").noconvert(), py::arg("corners"),
        py::arg("side"), py::arg("threads"));

    m.def(
        "warp_points",
        [](const Array<float>& second, const Array<double>& matrix, const Array<float>& distortion,
           std::pair<double, double> pitch, const Array<std::int32_t>& points, int threads) {
            const auto b = small_enough(second, "second");
            require_threads(threads);
            const auto warp = warp_of(matrix, distortion, pitch, false);
            const auto at = pairs_of(points);
            Array<float> result(at.rows);
            float* out = result.mutable_data();
            py::gil_scoped_release release;
            warp_points(b, warp, at, out, threads);
            return result;
        },
        py::arg("second").noconvert(), py::arg("matrix"), py::arg("distortion"), py::arg("pitch"),
        py::arg("points"), py::arg("threads"));

    m.def(
        "solve_band",
        [](const Array<double>& band, const Array<double>& right) {
            require(band.ndim() == 2 && right.ndim() == 2 && right.shape(0) == band.shape(0),
                    "band must be (n, width), right (n, columns)");
            require(band.size() > 0 && right.size() > 0, "band and right must not be empty");
            require_all_finite(band, "band");
            require_all_finite(right, "right");
            Array<double> factor({band.shape(0), band.shape(1)}),
                solution({right.shape(0), right.shape(1)});
            std::copy_n(band.data(), band.size(), factor.mutable_data());
            std::copy_n(right.data(), right.size(), solution.mutable_data());
            const auto rows = mutable_view(factor), out = mutable_view(solution);
            py::gil_scoped_release release;
            solve_band(rows, out);
            return solution;
        },
        py::arg("band"), py::arg("right"));
}

}  // namespace dustbust
