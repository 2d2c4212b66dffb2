// The module dustbust._kernels. The only file that knows Python: each binding makes views and an output,
// lets go of the interpreter lock, calls the kernel and returns the output.
// Arguments are checked in Python, by core/dustbust; here only shapes that would read out of bounds are refused.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "box_blur.hpp"
#include "box_fill.hpp"
#include "clean_mean.hpp"
#include "combine.hpp"
#include "dilate.hpp"
#include "grain.hpp"
#include "jpeg_coefficients.hpp"
#include "jpeg_repair.hpp"
#include "masked_pixels.hpp"
#include "match.hpp"
#include "membranes.hpp"
#include "particles.hpp"
#include "readings.hpp"
#include "resample.hpp"
#include "sighting.hpp"
#include "structured_fill.hpp"
#include "window_median.hpp"

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

// ---- estimate: readings of the dust --------------------------------------------------------------------------------------

static Image<const float> one_channel(const Array<float>& array, const char* name) {
    const auto in = view(array, name);
    if (in.channels != 1) throw std::invalid_argument(std::string(name) + " must have one channel");
    return in;
}

// The pixels that count, or nothing when all do.
static Image<const std::uint8_t> known_view(const std::optional<Array<bool>>& known, Image<const float> image) {
    if (!known) return {nullptr, image.rows, image.columns, 1};
    const auto in = mask_view(*known);
    if (in.rows != image.rows || in.columns != image.columns) throw std::invalid_argument("known must be of the size of image");
    return in;
}

static std::vector<py::ssize_t> coarse_shape(Image<const float> image, py::ssize_t side) {
    if (side < 1) throw std::invalid_argument("side must be at least 1");
    return {(image.rows + side - 1) / side, (image.columns + side - 1) / side};
}

static Array<float> on_coarse_grid(Image<const float> image, py::ssize_t side) { return Array<float>(coarse_shape(image, side)); }

static Image<const float> coarse_view(const Array<float>& array, Image<const float> image, py::ssize_t side, const char* name) {
    const auto in = one_channel(array, name);
    const auto shape = coarse_shape(image, side);
    if (in.rows != shape[0] || in.columns != shape[1]) throw std::invalid_argument(std::string(name) + " must have one number per block");
    return in;
}

static void define_estimate(py::module_& m) {
    m.def("window_median", [](const Array<float>& image, int radius, int threads) {
        const auto in = one_channel(image, "image");
        auto result = shaped_like<float>(image);
        const auto out = mutable_view(result);
        py::gil_scoped_release release;
        window_median(in, out, radius, threads);
        return result;
    }, py::arg("image").noconvert(), py::arg("radius"), py::arg("threads"));

    m.def("block_means", [](const Array<float>& image, const std::optional<Array<bool>>& known, py::ssize_t side, int threads) {
        const auto in = one_channel(image, "image");
        const auto where = known_view(known, in);
        auto mean = on_coarse_grid(in, side), share = on_coarse_grid(in, side);
        const auto mean_view = mutable_view(mean), share_view = mutable_view(share);
        {
            py::gil_scoped_release release;
            block_means(in, where, side, mean_view, share_view, threads);
        }
        return py::make_tuple(mean, share);
    }, py::arg("image").noconvert(), py::arg("known").noconvert(), py::arg("side"), py::arg("threads"));

    m.def("block_spread", [](const Array<float>& image, const std::optional<Array<bool>>& known, const Array<float>& background,
                             py::ssize_t side, py::ssize_t every, float limit, int threads) {
        if (every < 1) throw std::invalid_argument("every must be at least 1");
        const auto in = one_channel(image, "image");
        const auto where = known_view(known, in);
        const auto coarse = coarse_view(background, in, side, "background");
        auto spread = on_coarse_grid(in, side);
        const auto out = mutable_view(spread);
        py::gil_scoped_release release;
        block_spread(in, where, coarse, side, every, limit, out, threads);
        return spread;
    }, py::arg("image").noconvert(), py::arg("known").noconvert(), py::arg("background").noconvert(), py::arg("side"), py::arg("every"), py::arg("limit"),
       py::arg("threads"));

    m.def("add_readings", [](const Array<float>& image, const std::optional<Array<bool>>& seen, const Array<float>& background,
                             const Array<float>& gain, const Array<float>& weight, py::ssize_t side, float lowest, int times,
                             Array<std::int64_t>& sum, std::optional<Array<std::int64_t>> unseen, int threads) {
        const auto in = one_channel(image, "image");
        const auto where = known_view(seen, in);
        const auto backgrounds = coarse_view(background, in, side, "background"), gains = coarse_view(gain, in, side, "gain"),
                   weights = coarse_view(weight, in, side, "weight");
        const auto out = mutable_view(sum), missing = unseen ? mutable_view(*unseen) : out;
        for (const auto& each : {out, missing})
            if (each.rows != in.rows || each.columns != in.columns || each.channels != 1)
                throw std::invalid_argument("sum and unseen must be of the size of image");
        if (seen && !unseen) throw std::invalid_argument("unseen must be given with seen");
        py::gil_scoped_release release;
        add_readings(in, where, backgrounds, gains, weights, side, lowest, times, out, missing, threads);
    }, py::arg("image").noconvert(), py::arg("seen").noconvert(), py::arg("background").noconvert(), py::arg("gain").noconvert(),
       py::arg("weight").noconvert(), py::arg("side"), py::arg("lowest"), py::arg("times"), py::arg("sum").noconvert(),
       py::arg("unseen").noconvert(), py::arg("threads"));
    m.attr("READING_STEPS") = READING_STEPS;

    m.def("particle_readings", [](const Array<float>& image, const Array<float>& background, const Array<float>& gain,
                                  const Array<float>& variance, py::ssize_t side, float lowest, const Array<std::int64_t>& positions,
                                  const Array<std::int32_t>& labels, const Array<float>& expected, py::ssize_t particles) {
        const auto in = one_channel(image, "image");
        const auto backgrounds = coarse_view(background, in, side, "background"), gains = coarse_view(gain, in, side, "gain"),
                   variances = coarse_view(variance, in, side, "variance");
        const auto pixels = positions.size();
        if (labels.size() != pixels || expected.size() != pixels) throw std::invalid_argument("positions, labels and expected must be of one size");
        for (py::ssize_t k = 0; k < pixels; ++k)
            if (positions.data()[k] < 0 || positions.data()[k] >= in.size() || labels.data()[k] < 0 || labels.data()[k] >= particles)
                throw std::invalid_argument("positions or labels are out of range");
        Array<double> reading(particles), spread(particles);
        std::fill_n(reading.mutable_data(), particles, 0.0);
        std::fill_n(spread.mutable_data(), particles, 0.0);
        const auto positions_begin = positions.data();
        const auto labels_begin = labels.data();
        const auto expected_begin = expected.data();
        const auto reading_begin = reading.mutable_data(), spread_begin = spread.mutable_data();
        {
            py::gil_scoped_release release;
            particle_readings(in, backgrounds, gains, variances, side, lowest, positions_begin, labels_begin, expected_begin, pixels,
                              reading_begin, spread_begin);
        }
        return py::make_tuple(reading, spread);
    }, py::arg("image").noconvert(), py::arg("background").noconvert(), py::arg("gain").noconvert(), py::arg("variance").noconvert(),
       py::arg("side"), py::arg("lowest"), py::arg("positions").noconvert(), py::arg("labels").noconvert(), py::arg("expected").noconvert(),
       py::arg("particles"));

    m.def("interpolate", [](const Array<float>& coarse, py::ssize_t side, py::ssize_t rows, py::ssize_t columns, int threads) {
        Array<float> result(std::vector<py::ssize_t>{rows, columns});
        const auto out = mutable_view(result);
        const auto in = coarse_view(coarse, Image<const float>{out.data, rows, columns, 1}, side, "coarse");
        py::gil_scoped_release release;
        interpolate(in, side, out, threads);
        return result;
    }, py::arg("coarse").noconvert(), py::arg("side"), py::arg("rows"), py::arg("columns"), py::arg("threads"));
}

// ---- stacks of scans --------------------------------------------------------------------------------------------------

static Mode mode_of(const std::string& name) {
    static const std::map<std::string, Mode> modes = {
        {"maximum", Mode::maximum}, {"minimum", Mode::minimum}, {"mean", Mode::mean}, {"median", Mode::median}, {"range", Mode::range},
        {"standard deviation", Mode::standard_deviation}, {"variance", Mode::variance}, {"sum", Mode::sum}, {"entropy", Mode::entropy},
        {"skewness", Mode::skewness}, {"kurtosis", Mode::kurtosis}};
    return modes.at(name);
}

template <class T>
static std::vector<Image<const T>> views(const std::vector<Array<T>>& stack) {
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

static Warp warp_of(const Array<double>& matrix, const Array<float>& bend, std::pair<double, double> pitch, bool inverse) {
    if (matrix.size() < 6 || bend.ndim() != 3) throw std::invalid_argument("a warp needs a matrix of 2 x 3 and a bend of 3 dimensions");
    Warp warp{{}, view(bend, "bend"), pitch.first, pitch.second, inverse};
    if (warp.bend.rows && (warp.bend.channels != 2 || warp.bend.columns < 1)) throw std::invalid_argument("bend must be (rows, columns, 2)");
    std::copy_n(matrix.data(), 6, warp.m);
    return warp;
}

template <class T>
static void register_stacking(py::module_& m) {
    m.def("combine", [](const std::vector<Array<T>>& stack, const std::string& mode, bool alpha, int threads) {
        const auto in = views(stack);
        const Mode how = mode_of(mode);
        auto result = shaped_like<T>(stack.front());
        const auto out = mutable_view(result);
        py::gil_scoped_release release;
        combine(in, how, alpha, out, threads);
        return result;
    }, py::arg("stack").noconvert(), py::arg("mode"), py::arg("alpha"), py::arg("threads"));

    m.def("statistic", [](const std::vector<Array<T>>& stack, const std::string& mode, bool alpha, int threads) {
        const auto in = views(stack);
        const Mode how = mode_of(mode);
        auto result = shaped_like<float>(stack.front());
        const auto out = mutable_view(result);
        py::gil_scoped_release release;
        statistic(in, how, alpha, out, threads);
        return result;
    }, py::arg("stack").noconvert(), py::arg("mode"), py::arg("alpha"), py::arg("threads"));

    m.def("clean_mean", [](const std::vector<Array<T>>& stack, const std::vector<Array<std::uint8_t>>& dust, py::ssize_t margin,
                           std::pair<float, float> tolerance, int polarity, float largest, int threads) {
        const auto in = views(stack);
        const auto lies = views(dust);
        const auto& first = in.front();
        if (lies.size() != in.size() || lies.front().rows != first.rows || lies.front().columns != first.columns || lies.front().channels != 2 ||
            margin < 0 || first.rows <= 2 * margin || first.channels < 2)
            throw std::invalid_argument("clean_mean: stack and dust must fit");
        Array<T> page({first.rows - 2 * margin, first.columns, first.channels});
        Array<std::uint8_t> outcome({first.rows - 2 * margin, first.columns});
        const auto out = mutable_view(page);
        const auto outcomes = mutable_view(outcome);
        {
            py::gil_scoped_release release;
            clean_mean(in, lies, margin, {tolerance.first, tolerance.second}, polarity, largest, out, outcomes, threads);
        }
        return py::make_tuple(page, outcome);
    }, py::arg("stack").noconvert(), py::arg("dust").noconvert(), py::arg("margin"), py::arg("tolerance"), py::arg("polarity"), py::arg("largest"),
       py::arg("threads"));

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

    m.def("reduce_luminance", [](const Array<T>& image, bool alpha, py::ssize_t factor, float largest, int threads) {
        const auto in = view(image, "image");
        if (factor < 1 || in.channels < (alpha ? 2 : 1)) throw std::invalid_argument("reduce_luminance: factor must be at least 1");
        Array<float> result({in.rows / factor, in.columns / factor, py::ssize_t(2)});
        const auto out = mutable_view(result);
        py::gil_scoped_release release;
        reduce_luminance(in, alpha, factor, largest, out, threads);
        return result;
    }, py::arg("image").noconvert(), py::arg("alpha"), py::arg("factor"), py::arg("largest"), py::arg("threads"));
}

static Image<const std::int32_t> pairs_of(const Array<std::int32_t>& pairs) {
    if (pairs.ndim() != 2 || pairs.shape(1) != 2) throw std::invalid_argument("points must be (n, 2)");
    return {pairs.data(), pairs.shape(0), 2, 1};
}

static void register_matching(py::module_& m) {
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

template <class T>
static void define_grain(py::module_& m) {
    m.def("grain", [](const Array<T>& image, const Array<bool>& mask, const Array<bool>& unclean, const Array<float>& values,
                      const Array<float>& share, int threads) {
        const auto in = view(image, "image");
        const auto where = mask_view(mask), avoid = mask_view(unclean);
        if (in.rows != where.rows || in.columns != where.columns || in.rows != avoid.rows || in.columns != avoid.columns)
            throw std::invalid_argument("image and masks must be of one size");
        if (values.ndim() != 2 || values.shape(1) > in.channels || values.shape(1) > 3 || share.ndim() != 1 || share.size() != values.shape(0))
            throw std::invalid_argument("values and share must be of one length");
        std::vector<float> result;
        {
            py::gil_scoped_release release;
            const MaskedPixels masked(where);
            if (masked.size() != values.shape(0)) throw std::invalid_argument("values must be those of the masked pixels");
            result = grain(in, masked, avoid, values.shape(1), values.data(), share.data(), threads);
        }
        return to_array(result, {values.shape(0), values.shape(1)});
    }, py::arg("image").noconvert(), py::arg("mask").noconvert(), py::arg("unclean").noconvert(), py::arg("values").noconvert(),
       py::arg("share").noconvert(), py::arg("threads"));
}

template <class T>
static void define_structured_fill(py::module_& m) {
    m.def("structured_fill", [](const Array<T>& image, const Array<bool>& mask, py::ssize_t colours, float scale, int threads) {
        const auto in = view(image, "image");
        const auto where = mask_view(mask);
        if (in.rows != where.rows || in.columns != where.columns || colours > in.channels || (colours != 1 && colours != 3))
            throw std::invalid_argument("image and mask must be of one size");
        Filled filled;
        {
            py::gil_scoped_release release;
            filled = structured_fill(in, where, colours, scale, threads);
        }
        const auto count = static_cast<py::ssize_t>(filled.positions.size());
        return py::make_tuple(to_array(filled.positions, {count}), to_array(filled.values, {count, colours}), filled.failures);
    }, py::arg("image").noconvert(), py::arg("mask").noconvert(), py::arg("colours"), py::arg("scale"), py::arg("threads"));
}

// ---- restore: dust pixel by pixel, and what lies around it ----------------------------------------------------------------
template <class T>
static void define_membranes(py::class_<Membranes>& c) {
    c.def("__call__", [](const Membranes& membranes, const Array<T>& image, py::ssize_t colours, float scale,
                         const std::optional<Array<bool>>& unknown, int threads) {
        const auto in = view(image, "image");
        const auto silent = unknown ? mask_view(*unknown) : Image<const std::uint8_t>{nullptr, in.rows, in.columns, 1};
        if (in.rows != membranes.rows() || in.columns != membranes.columns() || in.rows != silent.rows || in.columns != silent.columns ||
            colours > in.channels)
            throw std::invalid_argument("image and masks must be of one size");
        Array<float> observed({membranes.size(), colours}), filled({membranes.size(), colours}), spread(membranes.size());
        const auto seen = mutable_view(observed), out = mutable_view(filled);
        float* const spreads = spread.mutable_data();
        {
            py::gil_scoped_release release;
            for (std::ptrdiff_t i = 0; i < membranes.size(); ++i)
                for (std::ptrdiff_t k = 0; k < colours; ++k)
                    seen(i, k) = static_cast<float>(in.data[membranes.positions()[i] * in.channels + k]) * scale;
            membranes(in, colours, scale, silent, out.data, spreads, threads);
        }
        return py::make_tuple(observed, filled, spread);
    }, py::arg("image").noconvert(), py::arg("colours"), py::arg("scale"), py::arg("unknown").noconvert(), py::arg("threads"));
}

static SeenDust seen_dust(const Array<float>& observed, const Array<float>& density, const Array<std::int32_t>& labels,
                          const Array<std::int32_t>* neighbours, const Array<bool>& dark, const Array<float>& responses,
                          std::pair<float, float> limits) {
    if (observed.ndim() != 2 || density.size() != observed.shape(0) || labels.size() != density.size() ||
        (neighbours && neighbours->size() != 4 * density.size()))
        throw std::invalid_argument("observed must be (N, colours), density and labels (N,), neighbours (N, 4)");
    if (responses.size() != 4 * observed.shape(1)) throw std::invalid_argument("responses must be (2, colours, 2)");
    const auto inside = [](const Array<std::int32_t>& places, std::int32_t lowest, py::ssize_t end) {
        return std::all_of(places.data(), places.data() + places.size(), [&](std::int32_t k) { return k >= lowest && k < end; });
    };
    if (!inside(labels, 0, dark.size()) || (neighbours && !inside(*neighbours, -1, density.size())))
        throw std::invalid_argument("labels or neighbours are out of range");
    return {density.size(), dark.size(), static_cast<int>(observed.shape(1)), observed.data(), density.data(), labels.data(),
            neighbours ? neighbours->data() : nullptr, reinterpret_cast<const std::uint8_t*>(dark.data()),
            reinterpret_cast<const Response*>(responses.data()), {limits.first, limits.second}};
}

static void define_restore(py::module_& m) {
    m.def("particles", [](const Array<bool>& mask, const Array<bool>& cores) {
        const auto where = mask_view(mask), core = mask_view(cores);
        if (where.rows != core.rows || where.columns != core.columns) throw std::invalid_argument("mask and cores must be of one size");
        Particles all, small;
        std::vector<std::int32_t> labels, places;
        {
            py::gil_scoped_release release;
            const MaskedPixels masked(where), inner(core);
            all = particles(masked, where.rows, where.columns);
            small = particles(inner, where.rows, where.columns);
            places.reserve(inner.size());
            for (const auto at : inner.positions()) {
                const auto place = masked(at / where.columns, at % where.columns);
                if (place < 0) throw std::invalid_argument("cores must lie inside the mask");
                places.push_back(static_cast<std::int32_t>(place));
            }
            labels = nearest_particle(all.neighbours, places, small.labels);
        }
        const auto count = static_cast<py::ssize_t>(labels.size());
        return py::make_tuple(to_array(labels, {count}), to_array(all.neighbours, {count, 4}), small.count);
    }, py::arg("mask").noconvert(), py::arg("cores").noconvert());

    m.def("response_sums", [](const Array<float>& observed, const Array<float>& filled, const Array<float>& density, const Array<float>& spread,
                              float lift, float fade, std::pair<float, float> limits) {
        const auto pixels = observed.size();
        if (filled.size() != pixels || density.size() != pixels || spread.size() != pixels)
            throw std::invalid_argument("observed, filled, density and spread must be of one length");
        py::gil_scoped_release release;
        return response_sums(observed.data(), filled.data(), density.data(), spread.data(), pixels, {lift, fade}, {limits.first, limits.second});
    }, py::arg("observed").noconvert(), py::arg("filled").noconvert(), py::arg("density").noconvert(), py::arg("spread").noconvert(),
       py::arg("lift"), py::arg("fade"), py::arg("limits"));

    m.def("roughness", [](const Array<float>& observed, const Array<float>& density, const Array<std::int32_t>& labels,
                          const Array<std::int32_t>& neighbours, const Array<bool>& dark, const Array<float>& responses,
                          std::pair<float, float> limits, float faintest, int threads) {
        const SeenDust dust = seen_dust(observed, density, labels, &neighbours, dark, responses, limits);
        std::vector<float> said;
        {
            py::gil_scoped_release release;
            said = roughness(dust, faintest, threads);
        }
        return to_array(said, {density.size()});
    }, py::arg("observed").noconvert(), py::arg("density").noconvert(), py::arg("labels").noconvert(), py::arg("neighbours").noconvert(),
       py::arg("dark").noconvert(), py::arg("responses").noconvert(), py::arg("limits"), py::arg("faintest"), py::arg("threads"));

    m.def("unmix", [](const Array<float>& observed, const Array<float>& density, const Array<std::int32_t>& labels, const Array<bool>& dark,
                      const Array<float>& responses, std::pair<float, float> limits, const Array<bool>& here, const Array<float>& filled,
                      const Array<float>& spread, const Array<float>& error, float noise, float response_error, int threads) {
        const SeenDust dust = seen_dust(observed, density, labels, nullptr, dark, responses, limits);
        if (here.size() != density.size() || filled.size() != observed.size() || spread.size() != density.size() || error.size() != density.size())
            throw std::invalid_argument("here, filled, spread and error must fit the dust");
        auto unmixed = shaped_like<float>(observed), weight = shaped_like<float>(observed);
        const auto values = mutable_view(unmixed), weights = mutable_view(weight);
        const auto* present = reinterpret_cast<const std::uint8_t*>(here.data());
        {
            py::gil_scoped_release release;
            unmix(dust, present, filled.data(), spread.data(), error.data(), noise, response_error, values.data, weights.data, threads);
        }
        return py::make_tuple(unmixed, weight);
    }, py::arg("observed").noconvert(), py::arg("density").noconvert(), py::arg("labels").noconvert(), py::arg("dark").noconvert(),
       py::arg("responses").noconvert(), py::arg("limits"), py::arg("here").noconvert(), py::arg("filled").noconvert(), py::arg("spread").noconvert(),
       py::arg("error").noconvert(), py::arg("noise"), py::arg("response_error"), py::arg("threads"));

    py::class_<Membranes> membranes(m, "Membranes");
    membranes.def(py::init([](const Array<bool>& mask) {
        const auto where = mask_view(mask);
        py::gil_scoped_release release;
        return Membranes(where);
    }), py::arg("mask").noconvert());
    membranes.def_property_readonly("positions", [](const Membranes& self) { return to_array(self.positions(), {self.size()}); });
    define_membranes<std::uint8_t>(membranes);
    define_membranes<std::uint16_t>(membranes);
    define_membranes<float>(membranes);
}

// ---- JPEG coefficients ----------------------------------------------------------------------------------------------------
static void register_jpeg(py::module_& m) {
    m.def("read_jpeg", [](const py::bytes& data) {
        const std::string_view file = data;
        auto jpeg = [&] {
            py::gil_scoped_release release;
            return read_jpeg(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
        }();
        py::list components;
        for (auto& component : jpeg.components) {
            Array<std::uint16_t> quantisation({8, 8}, component.quantisation.data());
            auto* blocks = new std::vector<Block>(std::move(component.blocks));
            py::capsule owner(blocks, [](void* pointer) { delete static_cast<std::vector<Block>*>(pointer); });
            Array<std::int16_t> values({component.rows, component.columns, py::ssize_t{8}, py::ssize_t{8}}, blocks->data()->data(), owner);
            components.append(py::make_tuple(component.identifier, component.horizontal, component.vertical, quantisation, values));
        }
        return components;
    }, py::arg("data"));

    using Component = std::tuple<int, int, int, Array<std::uint16_t>, Array<std::int16_t>>;
    m.def("repair_jpeg", [](std::vector<Component>& components, const Array<std::uint8_t>& before, const Array<std::uint8_t>& after,
                            const Array<float>& of_colours, const Array<float>& levels) {
        const auto old = view(before, "before"), wanted = view(after, "after");
        const auto count = static_cast<py::ssize_t>(components.size());
        if (old.rows != wanted.rows || old.columns != wanted.columns || old.channels != wanted.channels)
            throw std::invalid_argument("before and after must be of one shape");
        if (of_colours.ndim() != 2 || of_colours.shape(0) != count || of_colours.shape(1) != wanted.channels || levels.size() != count)
            throw std::invalid_argument("of_colours must be (components, colours), levels (components,)");
        std::vector<RepairedComponent> repaired;
        for (auto& [identifier, horizontal, vertical, quantisation, blocks] : components) {
            if (quantisation.size() != 64 || blocks.ndim() != 4 || blocks.shape(2) * blocks.shape(3) != 64 || horizontal < 1 || vertical < 1)
                throw std::invalid_argument("a component needs a table of 8 x 8 and blocks of 8 x 8");
            const auto k = static_cast<py::ssize_t>(repaired.size());
            repaired.push_back({horizontal, vertical, quantisation.data(), reinterpret_cast<Block*>(blocks.mutable_data()), blocks.shape(0),
                                blocks.shape(1), of_colours.data(k, 0), levels.data()[k]});
        }
        py::gil_scoped_release release;
        repair_jpeg(old, wanted, repaired);
    }, py::arg("components").noconvert(), py::arg("before").noconvert(), py::arg("after").noconvert(), py::arg("of_colours").noconvert(),
       py::arg("levels").noconvert());

    m.def("write_jpeg", [](const py::bytes& data, const std::vector<Array<std::int16_t>>& blocks) {
        const std::string_view file = data;
        std::vector<BlocksView> views;
        for (const auto& array : blocks) {
            if (array.size() % 64) throw std::invalid_argument("blocks must be of 8 x 8 coefficients");
            views.push_back({reinterpret_cast<const Block*>(array.data()), static_cast<std::size_t>(array.size() / 64)});
        }
        std::string result = [&] {
            py::gil_scoped_release release;
            return write_jpeg(reinterpret_cast<const std::uint8_t*>(file.data()), file.size(), views);
        }();
        return py::bytes(result);
    }, py::arg("data"), py::arg("blocks"));
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

    define_estimate(m);
    define_box_fill<std::uint8_t>(m);
    define_box_fill<std::uint16_t>(m);
    define_box_fill<float>(m);
    define_structured_fill<std::uint8_t>(m);
    define_structured_fill<std::uint16_t>(m);
    define_structured_fill<float>(m);
    define_grain<std::uint8_t>(m);
    define_grain<std::uint16_t>(m);
    define_grain<float>(m);

    register_stacking<std::uint8_t>(m);
    register_stacking<std::uint16_t>(m);
    register_stacking<float>(m);
    register_matching(m);

    define_restore(m);
    register_jpeg(m);
}
