// Bindings: readings of the opacity of dust.
#pragma once

#include "bindings/views.hpp"
#include "estimation/opacity_readings.hpp"

namespace dustbust {
namespace {

// Sums of weights are whole numbers of 64 bits, to which each frame adds at most this.
constexpr float largest_weight = 65535;

void require_weights(const Array<float>& weight) {
    const bool fit = std::all_of(weight.data(), weight.data() + weight.size(),
                                 [](float w) { return w >= 0 && w <= largest_weight; });
    require(fit, "weight must be 0 to 65535");
}

}  // namespace

inline void register_estimation(py::module_& m) {
    m.def(
        "add_readings",
        [](const Array<float>& image, const std::optional<Array<bool>>& has_data,
           const Array<float>& background, const Array<float>& gain, const Array<float>& weight,
           py::ssize_t side, float lowest, int sign, Array<std::int64_t>& sum,
           std::optional<Array<std::int64_t>> missing, int threads) {
            const auto in = one_channel(image, "image");
            const auto where = known_view(has_data, in, "has_data");
            require_threads(threads);
            require_range(lowest, -1.0f, 1.0f, "lowest");
            require(sign == 1 || sign == -1, "sign must be 1 or -1");
            require_weights(weight);
            require_list(sum, in.rows, in.columns, "sum");
            require(!missing || missing->ndim() == 2, "missing must have two dimensions");
            require(!has_data || missing, "missing must be given with has_data");
            const auto backgrounds = coarse_view(background, in, side, "background"),
                       gains = coarse_view(gain, in, side, "gain"),
                       weights = coarse_view(weight, in, side, "weight");
            const auto out = mutable_view(sum), not_read = missing ? mutable_view(*missing) : out;
            for (const auto& each : {out, not_read})
                require_same_size(each, in, "image, sum and missing");
            py::gil_scoped_release release;
            add_readings(in, where, backgrounds, gains, weights, side, lowest, sign, out, not_read,
                         threads);
        },
        py::arg("image").noconvert(), py::arg("has_data").noconvert(),
        py::arg("background").noconvert(), py::arg("gain").noconvert(),
        py::arg("weight").noconvert(), py::arg("side"), py::arg("lowest"), py::arg("sign"),
        py::arg("sum").noconvert(), py::arg("missing").noconvert(), py::arg("threads"));
    m.attr("READING_STEPS") = READING_STEPS;

    m.def(
        "particle_readings",
        [](const Array<float>& image, const Array<float>& background, const Array<float>& gain,
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

}  // namespace dustbust
