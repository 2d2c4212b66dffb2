// Bindings: registration of scans.
#include "bindings/topics.hpp"
#include "bindings/views.hpp"
#include "registration/band_solver.hpp"
#include "registration/details.hpp"
#include "registration/patches.hpp"
#include "registration/resample.hpp"
#include "registration/warp.hpp"

namespace dustbust {
namespace {

Warp warp_of(const Array<double>& matrix, const Array<float>& bend, std::pair<double, double> pitch, bool inverse) {
    if (matrix.size() < 6 || bend.ndim() != 3) throw std::invalid_argument("a warp needs a matrix of 2 x 3 and a bend of 3 dimensions");
    Warp warp{{}, view(bend, "bend"), pitch.first, pitch.second, inverse};
    if (warp.bend.rows && (warp.bend.channels != 2 || warp.bend.columns < 1)) throw std::invalid_argument("bend must be (rows, columns, 2)");
    std::copy_n(matrix.data(), 6, warp.m);
    return warp;
}

template <class T>
void define_resample(py::module_& m) {
    m.def("resample", [](const Array<T>& image, bool alpha, const Array<double>& matrix, const Array<float>& bend, std::pair<double, double> pitch,
                         bool inverse, std::tuple<py::ssize_t, py::ssize_t, py::ssize_t, py::ssize_t> box, const Array<double>& gain,
                         const Array<double>& offset, float largest, float opaque, int threads) {
        const auto in = view(image, "image");
        const auto [left, top, width, height] = box;
        const py::ssize_t colours = in.channels - (alpha ? 1 : 0);
        if (colours < 1 || colours > 3 || gain.size() != colours || offset.size() != colours)
            throw std::invalid_argument("resample: gain and offset need one number for each of 1 to 3 colours");
        const Warp warp = warp_of(matrix, bend, pitch, inverse);
        Array<T> result({height, width, colours + 1});
        const auto out = mutable_view(result);
        py::gil_scoped_release release;
        resample(in, alpha, warp, left, top, gain.data(), offset.data(), largest, opaque, out, threads);
        return result;
    }, py::arg("image").noconvert(), py::arg("alpha"), py::arg("matrix"), py::arg("bend"), py::arg("pitch"), py::arg("inverse"), py::arg("box"),
       py::arg("gain"), py::arg("offset"), py::arg("largest"), py::arg("opaque"), py::arg("threads"));
}

Image<const std::int32_t> pairs_of(const Array<std::int32_t>& pairs) {
    if (pairs.ndim() != 2 || pairs.shape(1) != 2) throw std::invalid_argument("points must be (n, 2)");
    return {pairs.data(), pairs.shape(0), 2, 1};
}

}  // namespace

void register_registration(py::module_& m) {
    define_resample<std::uint8_t>(m);
    define_resample<std::uint16_t>(m);
    define_resample<float>(m);

    m.attr("cell_side") = cell_side;
    m.attr("patch_cells") = patch_cells;

    m.def("find_details", [](const Array<float>& luminance, py::ssize_t radius, int threads) {
        const auto in = view(luminance, "luminance");
        if (in.channels != 2 || radius < 1) throw std::invalid_argument("find_details: luminance must be (H, W, 2), radius at least 1");
        Array<float> result({in.rows, in.columns});
        const auto out = mutable_view(result);
        py::gil_scoped_release release;
        find_details(in, radius, out, threads);
        return result;
    }, py::arg("luminance").noconvert(), py::arg("radius"), py::arg("threads"));

    m.def("match_patches", [](const Array<float>& first, const Array<float>& second, const Array<double>& matrix, const Array<float>& bend,
                              std::pair<double, double> pitch, const Array<std::int32_t>& corners, float gain, float limit, int threads) {
        const auto a = view(first, "first"), b = view(second, "second");
        if (a.channels != 1 || b.channels != 1) throw std::invalid_argument("match_patches: details must be (H, W)");
        const auto warp = warp_of(matrix, bend, pitch, false);
        const auto patches = pairs_of(corners);
        Array<double> result({patches.rows, patch_cells * patch_cells, match_terms});
        const auto out = mutable_view(result);
        py::gil_scoped_release release;
        match_patches(a, b, warp, patches, gain, limit, out, threads);
        return result;
    }, py::arg("first").noconvert(), py::arg("second").noconvert(), py::arg("matrix"), py::arg("bend"), py::arg("pitch"), py::arg("corners"),
       py::arg("gain"), py::arg("limit"), py::arg("threads"));

    m.def("compare_patches", [](const Array<float>& first, const Array<float>& second, const Array<std::int32_t>& corners, std::ptrdiff_t side,
                                int threads) {
        const auto a = view(first, "first"), b = view(second, "second");
        if (a.channels != 1 || b.channels != 1) throw std::invalid_argument("compare_patches: details must be (H, W)");
        const auto patches = pairs_of(corners);
        Array<double> result({patches.rows, std::ptrdiff_t(6)});
        const auto out = mutable_view(result);
        py::gil_scoped_release release;
        compare_patches(a, b, patches, side, out, threads);
        return result;
    }, py::arg("first").noconvert(), py::arg("second").noconvert(), py::arg("corners"), py::arg("side"), py::arg("threads"));

    m.def("warp_points", [](const Array<float>& second, const Array<double>& matrix, const Array<float>& bend, std::pair<double, double> pitch,
                            const Array<std::int32_t>& points, int threads) {
        const auto b = view(second, "second");
        if (b.channels != 1) throw std::invalid_argument("warp_points: details must be (H, W)");
        const auto warp = warp_of(matrix, bend, pitch, false);
        const auto at = pairs_of(points);
        Array<float> result(at.rows);
        float* out = result.mutable_data();
        py::gil_scoped_release release;
        warp_points(b, warp, at, out, threads);
        return result;
    }, py::arg("second").noconvert(), py::arg("matrix"), py::arg("bend"), py::arg("pitch"), py::arg("points"), py::arg("threads"));

    m.def("solve_band", [](const Array<double>& band, const Array<double>& right) {
        if (band.ndim() != 2 || right.ndim() != 2 || right.shape(0) != band.shape(0) || band.shape(1) < 1)
            throw std::invalid_argument("solve_band: band must be (n, width), right (n, columns)");
        Array<double> factor({band.shape(0), band.shape(1)}), solution({right.shape(0), right.shape(1)});
        std::copy_n(band.data(), band.size(), factor.mutable_data());
        std::copy_n(right.data(), right.size(), solution.mutable_data());
        const auto rows = mutable_view(factor), out = mutable_view(solution);
        py::gil_scoped_release release;
        solve_band(rows, out);
        return solution;
    }, py::arg("band"), py::arg("right"));
}

}  // namespace dustbust
