// Bindings: readings of the opacity of dust.
#include "bindings/topics.hpp"
#include "bindings/views.hpp"
#include "estimation/opacity_readings.hpp"

namespace dustbust {
void register_estimation(py::module_& m) {
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
}

}  // namespace dustbust
