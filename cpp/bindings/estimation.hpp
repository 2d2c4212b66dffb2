// Bindings: readings of the opacity of dust.
#pragma once

#include "bindings/views.hpp"
#include "estimation/luminance_sum.hpp"
#include "estimation/opacity_map.hpp"
#include "estimation/opacity_readings.hpp"

namespace dustbust {
namespace {

void require_weights(const Array<float>& weight) {
    const bool fit = std::all_of(weight.data(), weight.data() + weight.size(),
                                 [](float w) { return w >= 0 && w <= WHOLE_WEIGHT; });
    require(fit, "weight must be 0 to " + std::to_string(WHOLE_WEIGHT));
}

template <class T, class Sum>
void define_readings(py::module_& m) {
    m.def(
        "add_readings",
        [](const std::vector<Array<T>>& images,
           const std::vector<std::optional<Array<bool>>>& has_data,
           const std::vector<Array<float>>& backgrounds, const std::vector<Array<float>>& gains,
           const std::vector<Array<float>>& weights, const std::vector<int>& signs,
           py::ssize_t side, float lowest, Array<Sum>& sum, std::optional<Array<Sum>> missing,
           int threads) {
            const std::size_t count = images.size();
            require(count > 0, "images must not be empty");
            require(has_data.size() == count && backgrounds.size() == count &&
                        gains.size() == count && weights.size() == count && signs.size() == count,
                    "there must be one of each for each of the images");
            require_threads(threads);
            require_range(lowest, -1.0f, 1.0f, "lowest");
            require(sum.ndim() == 2, "sum must have two dimensions");
            require(!missing || missing->ndim() == 2, "missing must have two dimensions");
            const auto out = mutable_view(sum), not_read = missing ? mutable_view(*missing) : out;
            require_same_size(out, not_read, "sum and missing");
            std::vector<FrameToRead<T>> frames;
            for (std::size_t k = 0; k < count; ++k) {
                const auto in = one_channel(images[k], "images");
                require_same_size(in, out, "images and sum");
                require(!has_data[k] || missing, "missing must be given with has_data");
                require(signs[k] == 1 || signs[k] == -1, "signs must be 1 or -1");
                require_weights(weights[k]);
                frames.push_back({in, known_view(has_data[k], in, "has_data"),
                                  coarse_view(backgrounds[k], in, side, "backgrounds"),
                                  coarse_view(gains[k], in, side, "gains"),
                                  coarse_view(weights[k], in, side, "weights"), signs[k]});
            }
            py::gil_scoped_release release;
            add_readings(frames, side, lowest, out, not_read, threads);
        },
        py::arg("images").noconvert(), py::arg("has_data").noconvert(),
        py::arg("backgrounds").noconvert(), py::arg("gains").noconvert(),
        py::arg("weights").noconvert(), py::arg("signs"), py::arg("side"), py::arg("lowest"),
        py::arg("sum").noconvert(), py::arg("missing").noconvert(), py::arg("threads"));
}

template <class T>
void define_particle_readings(py::module_& m) {
    m.def(
        "particle_readings",
        [](const Array<T>& image, const Array<float>& background, const Array<float>& gain,
           const Array<float>& variance, py::ssize_t side, float lowest,
           const Array<std::int64_t>& positions, const Array<std::int32_t>& labels,
           const Array<float>& expected, py::ssize_t particles) {
            const auto in = one_channel(image, "image");
            const auto backgrounds = coarse_view(background, in, side, "background"),
                       gains = coarse_view(gain, in, side, "gain"),
                       variances = coarse_view(variance, in, side, "variance");
            const auto pixels = positions.size();
            require_range<py::ssize_t>(particles, 0, in.size(), "particles");
            require_list(positions, pixels, 0, "positions");
            require_list(labels, pixels, 0, "labels");
            require_list(expected, pixels, 0, "expected");
            require_inside(positions, 0, in.size(), "positions");
            require_inside(labels, 0, particles, "labels");
            require_range(lowest, -1.0f, 1.0f, "lowest");
            Array<double> reading(particles), spread(particles);
            std::fill_n(reading.mutable_data(), particles, 0.0);
            std::fill_n(spread.mutable_data(), particles, 0.0);
            const auto positions_begin = positions.data();
            const auto labels_begin = labels.data();
            const auto expected_begin = expected.data();
            const auto reading_begin = reading.mutable_data(), spread_begin = spread.mutable_data();
            {
                py::gil_scoped_release release;
                particle_readings(in, backgrounds, gains, variances, side, lowest, positions_begin,
                                  labels_begin, expected_begin, pixels, reading_begin,
                                  spread_begin);
            }
            return py::make_tuple(reading, spread);
        },
        py::arg("image").noconvert(), py::arg("background").noconvert(),
        py::arg("gain").noconvert(), py::arg("variance").noconvert(), py::arg("side"),
        py::arg("lowest"), py::arg("positions").noconvert(), py::arg("labels").noconvert(),
        py::arg("expected").noconvert(), py::arg("particles"));
}

template <class T, class Sum>
void define_sum(py::module_& m) {
    m.def(
        "add_frame",
        [](const Array<T>& image, const std::optional<Array<bool>>& has_data, Array<Sum>& sum,
           std::optional<Array<std::int32_t>> frames, int threads) {
            const auto in = one_channel(image, "image");
            const auto where = known_view(has_data, in, "has_data");
            require_threads(threads);
            require_list(sum, in.rows, in.columns, "sum");
            require(!has_data || frames, "frames must be given with has_data");
            if (frames) require_list(*frames, in.rows, in.columns, "frames");
            const auto out = mutable_view(sum);
            const Image<std::int32_t> counts =
                frames ? mutable_view(*frames)
                       : Image<std::int32_t>{nullptr, in.rows, in.columns, 1};
            py::gil_scoped_release release;
            add_frame(in, where, out, counts, threads);
        },
        py::arg("image").noconvert(), py::arg("has_data").noconvert(), py::arg("sum").noconvert(),
        py::arg("frames").noconvert(), py::arg("threads"));
}

// The arguments `readings`, `weights`, `side` and `missing`: the sums over a run.
template <class Sum>
ReadingSums<Sum> reading_sums(const Array<Sum>& readings, const Array<float>& weights,
                              py::ssize_t side, const std::optional<Array<Sum>>& missing) {
    const auto in = one_channel(readings, "readings");
    if (missing) require_list(*missing, in.rows, in.columns, "missing");
    return {in,
            coarse_view(weights, in, side, "weights"),
            side,
            {missing ? missing->data() : nullptr, in.rows, in.columns, 1}};
}

template <class T>
Array<float> on_tiles(Image<const T> image, py::ssize_t tile, py::ssize_t every) {
    require_range<py::ssize_t>(every, 1, largest_side, "every");
    return on_coarse_grid(image, tile);
}

template <class Sum>
void define_map_of_sums(py::module_& m) {
    m.def(
        "mean_readings",
        [](const Array<Sum>& readings, const Array<float>& weights, py::ssize_t side,
           const std::optional<Array<Sum>>& missing, int threads) {
            const auto sums = reading_sums(readings, weights, side, missing);
            require_threads(threads);
            auto result = shaped_like<float>(readings);
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            mean_readings(sums, out, threads);
            return result;
        },
        py::arg("readings").noconvert(), py::arg("weights").noconvert(), py::arg("side"),
        py::arg("missing").noconvert(), py::arg("threads"));
    m.def(
        "detail_medians_of_sums",
        [](const Array<Sum>& readings, const Array<float>& weights, py::ssize_t side,
           const std::optional<Array<Sum>>& missing, py::ssize_t tile, py::ssize_t every,
           int threads) {
            const auto sums = reading_sums(readings, weights, side, missing);
            require_threads(threads);
            auto result = on_tiles(sums.readings, tile, every);
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            detail_medians(sums, tile, every, out, threads);
            return result;
        },
        py::arg("readings").noconvert(), py::arg("weights").noconvert(), py::arg("side"),
        py::arg("missing").noconvert(), py::arg("tile"), py::arg("every"), py::arg("threads"));
    m.def(
        "denoise_sums",
        [](const Array<Sum>& readings, const Array<float>& weights, py::ssize_t side,
           const std::optional<Array<Sum>>& missing, const Array<float>& floor, py::ssize_t tile,
           int threads) {
            const auto sums = reading_sums(readings, weights, side, missing);
            require_threads(threads);
            const auto floors = coarse_view(floor, sums.readings, tile, "floor");
            auto result = shaped_like<float>(readings);
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            denoise(sums, floors, tile, out, threads);
            return result;
        },
        py::arg("readings").noconvert(), py::arg("weights").noconvert(), py::arg("side"),
        py::arg("missing").noconvert(), py::arg("floor").noconvert(), py::arg("tile"),
        py::arg("threads"));
}

void define_map(py::module_& m) {
    const auto define_medians = [&m](const char* name, auto medians) {
        m.def(
            name,
            [medians](const Array<float>& map, py::ssize_t tile, py::ssize_t every, int threads) {
                const auto in = one_channel(map, "map");
                require_threads(threads);
                auto result = on_tiles(in, tile, every);
                const auto out = mutable_view(result);
                py::gil_scoped_release release;
                medians(in, tile, every, out, threads);
                return result;
            },
            py::arg("map").noconvert(), py::arg("tile"), py::arg("every"), py::arg("threads"));
    };
    define_medians("tile_medians", [](auto... arguments) { tile_medians(arguments...); });
    define_medians("detail_medians", [](auto... arguments) { detail_medians(arguments...); });
    m.def(
        "denoise",
        [](const Array<float>& map, const Array<float>& floor, py::ssize_t tile, int threads) {
            const auto in = one_channel(map, "map");
            require_threads(threads);
            const auto floors = coarse_view(floor, in, tile, "floor");
            auto result = shaped_like<float>(map);
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            denoise(in, floors, tile, out, threads);
            return result;
        },
        py::arg("map").noconvert(), py::arg("floor").noconvert(), py::arg("tile"),
        py::arg("threads"));
    m.def(
        "stands_out",
        [](const Array<float>& map, const Array<float>& floor, py::ssize_t tile, float least,
           int threads) {
            const auto in = one_channel(map, "map");
            require_threads(threads);
            require_finite(least, "least");
            const auto floors = coarse_view(floor, in, tile, "floor");
            auto result = shaped_like<bool>(map);
            const Image<std::uint8_t> out{reinterpret_cast<std::uint8_t*>(result.mutable_data()),
                                          in.rows, in.columns, 1};
            py::gil_scoped_release release;
            stands_out(in, floors, tile, least, out, threads);
            return result;
        },
        py::arg("map").noconvert(), py::arg("floor").noconvert(), py::arg("tile"), py::arg("least"),
        py::arg("threads"));
}

}  // namespace

inline void register_estimation(py::module_& m) {
    define_readings<std::uint8_t, std::int32_t>(m);
    define_readings<std::uint16_t, std::int32_t>(m);
    define_readings<float, std::int32_t>(m);
    define_readings<std::uint8_t, std::int64_t>(m);
    define_readings<std::uint16_t, std::int64_t>(m);
    define_readings<float, std::int64_t>(m);
    define_particle_readings<std::uint8_t>(m);
    define_particle_readings<std::uint16_t>(m);
    define_particle_readings<float>(m);
    define_sum<std::uint8_t, std::int32_t>(m);
    define_sum<std::uint16_t, std::int32_t>(m);
    define_sum<std::uint8_t, std::int64_t>(m);
    define_sum<std::uint16_t, std::int64_t>(m);
    define_sum<float, std::int64_t>(m);
    define_map_of_sums<std::int32_t>(m);
    define_map_of_sums<std::int64_t>(m);
    define_map(m);
    m.attr("SUM_STEPS") = SUM_STEPS;
    m.attr("FRAMES_IN_SUM") = FRAMES_IN_SUM;
    m.attr("READING_STEPS") = READING_STEPS;
    m.attr("WHOLE_WEIGHT") = WHOLE_WEIGHT;
    m.attr("FRAMES_IN_32_BIT") = FRAMES_IN_32_BIT;
}

}  // namespace dustbust
