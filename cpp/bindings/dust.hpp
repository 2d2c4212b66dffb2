// Bindings: dust pixel by pixel, and the picture around it.
#pragma once

#include "bindings/views.hpp"
#include "dust/density_readings.hpp"
#include "dust/likelihood.hpp"
#include "dust/mask_grey.hpp"
#include "dust/membrane.hpp"
#include "dust/response_fit.hpp"
#include "dust/shift_fit.hpp"
#include "dust/unmix.hpp"

namespace dustbust {
namespace {

template <class T>
void define_membranes(py::class_<Membranes>& c) {
    c.def(
        "__call__",
        [](const Membranes& membranes, const Array<T>& image, py::ssize_t colours, float scale,
           const std::optional<Array<bool>>& unknown, int threads) {
            const auto in = view(image, "image");
            const auto left_out = unknown
                                      ? mask_view(*unknown, "unknown")
                                      : Image<const std::uint8_t>{nullptr, in.rows, in.columns, 1};
            require(in.rows == membranes.rows() && in.columns == membranes.columns(),
                    "image and mask must be of one size");
            require_same_size(in, left_out, "image and unknown");
            require_colours(in, colours);
            require_positive(scale, "scale");
            require_threads(threads);
            Array<float> observed({membranes.size(), colours}), filled({membranes.size(), colours}),
                spread(membranes.size());
            const auto observed_values = mutable_view(observed), out = mutable_view(filled);
            float* const spreads = spread.mutable_data();
            {
                py::gil_scoped_release release;
                for (std::ptrdiff_t i = 0; i < membranes.size(); ++i)
                    for (std::ptrdiff_t k = 0; k < colours; ++k)
                        observed_values(i, k) =
                            static_cast<float>(
                                in.data[membranes.positions()[i] * in.channels + k]) *
                            scale;
                membranes(in, colours, scale, left_out, out.data, spreads, threads);
            }
            return py::make_tuple(observed, filled, spread);
        },
        py::arg("image").noconvert(), py::arg("colours"), py::arg("scale"),
        py::arg("unknown").noconvert(), py::arg("threads"));
    c.def(
        "together",
        [](const Membranes& membranes, const std::vector<Array<T>>& images, float scale,
           int threads) {
            const auto pictures = views(images, "images");
            require(pictures.size() <= most_together, "images must be 8 at most");
            require(
                pictures[0].rows == membranes.rows() && pictures[0].columns == membranes.columns(),
                "images and mask must be of one size");
            require(pictures[0].channels == 1, "images must have one channel");
            require_positive(scale, "scale");
            require_threads(threads);
            const auto count = static_cast<py::ssize_t>(pictures.size());
            Array<float> observed({membranes.size(), count}), filled({membranes.size(), count}),
                spread({membranes.size(), count});
            float *const values = observed.mutable_data(), *const fills = filled.mutable_data(),
                         *const spreads = spread.mutable_data();
            {
                py::gil_scoped_release release;
                std::vector<const T*> data;
                data.reserve(pictures.size());
                for (const auto& picture : pictures) data.push_back(picture.data);
                for (std::ptrdiff_t i = 0; i < membranes.size(); ++i)
                    for (std::ptrdiff_t k = 0; k < count; ++k)
                        values[i * count + k] =
                            static_cast<float>(data[k][membranes.positions()[i]]) * scale;
                membranes.together(data, scale, fills, spreads, threads);
            }
            return py::make_tuple(observed, filled, spread);
        },
        py::arg("images").noconvert(), py::arg("scale"), py::arg("threads"));
}

template <class T>
void define_round_grey(py::module_& m) {
    m.def(
        "round_grey",
        [](const Array<T>& grey, int limit, int coarse, int threads) {
            const auto in = one_channel(grey, "grey");
            require_range(limit, 0, MASK_STEPS + 1, "limit");
            require(coarse >= 1 && coarse <= MASK_STEPS && (coarse & (coarse - 1)) == 0,
                    "coarse must be a power of two");
            require_threads(threads);
            auto result = shaped_like<float>(grey);
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            round_grey(in, limit, coarse, out, threads);
            return result;
        },
        py::arg("grey").noconvert(), py::arg("limit"), py::arg("coarse"), py::arg("threads"));
}

ObservedDust observed_dust(const Array<float>& observed, const Array<float>& density,
                           const Array<std::int32_t>& labels, const Array<std::int32_t>* neighbours,
                           const Array<bool>& dark, const Array<float>& responses) {
    require(observed.ndim() == 2 && (observed.shape(1) == 1 || observed.shape(1) == 3),
            "observed must be (N, 1) or (N, 3)");
    const auto pixels = observed.shape(0), colours = observed.shape(1);
    require(pixels < most_pixels, "observed has too many pixels");
    require_list(density, pixels, 0, "density");
    require_list(labels, pixels, 0, "labels");
    require(dark.ndim() == 1, "dark must have one dimension");
    require_inside(labels, 0, dark.size(), "labels");
    if (neighbours) {
        require_list(*neighbours, pixels, 4, "neighbours");
        require_inside(*neighbours, -1, pixels, "neighbours");
    }
    require(responses.ndim() == 3 && responses.shape(0) == 2 && responses.shape(1) == colours &&
                responses.shape(2) == 2,
            "responses must be (2, colours, 2)");
    require_all_finite(responses, "responses");
    return {density.size(),
            dark.size(),
            static_cast<int>(observed.shape(1)),
            observed.data(),
            density.data(),
            labels.data(),
            neighbours ? neighbours->data() : nullptr,
            bool_bytes(dark, "dark"),
            reinterpret_cast<const Response*>(responses.data())};
}

}  // namespace

inline void register_dust(py::module_& m) {
    m.def(
        "response_sums",
        [](const Array<float>& observed, const Array<float>& filled, const Array<float>& density,
           const Array<float>& spread, float lift, float fade) {
            const auto pixels = observed.size();
            require_list(observed, pixels, 0, "observed");
            require_list(filled, pixels, 0, "filled");
            require_list(density, pixels, 0, "density");
            require_list(spread, pixels, 0, "spread");
            require_finite(lift, "lift");
            require_finite(fade, "fade");
            py::gil_scoped_release release;
            return response_sums(observed.data(), filled.data(), density.data(), spread.data(),
                                 pixels, {lift, fade});
        },
        py::arg("observed").noconvert(), py::arg("filled").noconvert(),
        py::arg("density").noconvert(), py::arg("spread").noconvert(), py::arg("lift"),
        py::arg("fade"));

    m.def(
        "shift_sums",
        [](const Array<float>& observed, const Array<float>& filled, const Array<float>& spread,
           const Array<float>& density, const Array<std::int64_t>& sample,
           const Array<std::int32_t>& labels, const Array<std::int32_t>& neighbours,
           const Array<bool>& dark, const Array<float>& responses, float huber) {
            require(observed.ndim() == 2 && observed.shape(1) == 1, "observed must be (N, 1)");
            const ObservedDust dust =
                observed_dust(observed, density, labels, &neighbours, dark, responses);
            require_list(filled, dust.pixels, 0, "filled");
            require_list(spread, dust.pixels, 0, "spread");
            require_list(sample, sample.size(), 0, "sample");
            require_inside(sample, 0, dust.pixels, "sample");
            require_positive(huber, "huber");
            py::gil_scoped_release release;
            return shift_sums(dust, {filled.data(), spread.data(), sample.data(), sample.size()},
                              huber);
        },
        py::arg("observed").noconvert(), py::arg("filled").noconvert(),
        py::arg("spread").noconvert(), py::arg("density").noconvert(),
        py::arg("sample").noconvert(), py::arg("labels").noconvert(),
        py::arg("neighbours").noconvert(), py::arg("dark").noconvert(),
        py::arg("responses").noconvert(), py::arg("huber"));

    m.def(
        "roughness",
        [](const Array<float>& observed, const Array<float>& density,
           const Array<std::int32_t>& labels, const Array<std::int32_t>& neighbours,
           const Array<bool>& dark, const Array<float>& responses, float faintest, int threads) {
            const ObservedDust dust =
                observed_dust(observed, density, labels, &neighbours, dark, responses);
            require_not_negative(faintest, "faintest");
            require_threads(threads);
            std::vector<float> ratios;
            {
                py::gil_scoped_release release;
                ratios = roughness(dust, faintest, threads);
            }
            return to_array(ratios, {density.size()});
        },
        py::arg("observed").noconvert(), py::arg("density").noconvert(),
        py::arg("labels").noconvert(), py::arg("neighbours").noconvert(),
        py::arg("dark").noconvert(), py::arg("responses").noconvert(), py::arg("faintest"),
        py::arg("threads"));

    m.def(
        "density_readings",
        [](const Array<float>& observed, const Array<float>& filled, const Array<float>& spread,
           const std::optional<Array<float>>& expected, const Array<std::int32_t>& labels,
           const Array<bool>& dark, const Array<float>& responses, float weight_of_clipped,
           int threads) {
            require(observed.ndim() == 2 && observed.shape(1) == 1, "observed must be (N, 1)");
            ObservedDust dust = observed_dust(observed, expected ? *expected : spread, labels,
                                              nullptr, dark, responses);
            if (!expected) dust.density = nullptr;
            require_list(filled, dust.pixels, 0, "filled");
            require_list(spread, dust.pixels, 0, "spread");
            require_not_negative(weight_of_clipped, "weight_of_clipped");
            require_threads(threads);
            Array<float> density(dust.pixels), weight(dust.pixels);
            float *const densities = density.mutable_data(), *const weights = weight.mutable_data();
            {
                py::gil_scoped_release release;
                density_readings(dust, filled.data(), spread.data(), weight_of_clipped, densities,
                                 weights, threads);
            }
            return py::make_tuple(density, weight);
        },
        py::arg("observed").noconvert(), py::arg("filled").noconvert(),
        py::arg("spread").noconvert(), py::arg("expected").noconvert(),
        py::arg("labels").noconvert(), py::arg("dark").noconvert(),
        py::arg("responses").noconvert(), py::arg("weight_of_clipped"), py::arg("threads"));

    m.def(
        "lower_beside",
        [](Array<float>& opacity, const Array<bool>& dust, float threshold, float below,
           int threads) {
            const auto in = one_channel(opacity, "opacity");
            const auto where = mask_view(dust, "dust");
            require_same_size(in, where, "opacity and dust");
            require_positive(threshold, "threshold");
            require_range(below, 0.0f, 1.0f, "below");
            require_threads(threads);
            const auto out = mutable_view(opacity);
            py::gil_scoped_release release;
            lower_beside(out, where, threshold, below, threads);
        },
        py::arg("opacity").noconvert(), py::arg("dust").noconvert(), py::arg("threshold"),
        py::arg("below"), py::arg("threads"));

    m.def(
        "grey_steps",
        [](const Array<float>& opacity, float scale, int threads) {
            const auto in = one_channel(opacity, "opacity");
            require(scale > 0 && scale < 1, "scale must be between 0 and 1");
            require_threads(threads);
            auto result = shaped_like<std::uint16_t>(opacity);
            const auto out = mutable_view(result);
            py::gil_scoped_release release;
            grey_steps(in, scale, out, threads);
            return result;
        },
        py::arg("opacity").noconvert(), py::arg("scale"), py::arg("threads"));
    define_round_grey<std::uint16_t>(m);
    define_round_grey<float>(m);

    m.def(
        "unmix",
        [](const Array<float>& observed, const Array<float>& density,
           const Array<std::int32_t>& labels, const Array<bool>& dark,
           const Array<float>& responses, const Array<bool>& present, const Array<float>& filled,
           const Array<float>& spread, const Array<float>& error, float noise, float response_error,
           int threads) {
            const ObservedDust dust =
                observed_dust(observed, density, labels, nullptr, dark, responses);
            require_list(present, density.size(), 0, "present");
            require_list(filled, density.size(), observed.shape(1), "filled");
            require_list(spread, density.size(), 0, "spread");
            require_list(error, density.size(), 0, "error");
            require_not_negative(noise, "noise");
            require_not_negative(response_error, "response_error");
            require_threads(threads);
            auto unmixed = shaped_like<float>(observed), weight = shaped_like<float>(observed);
            const auto values = mutable_view(unmixed), weights = mutable_view(weight);
            const auto* is_present = bool_bytes(present, "present");
            {
                py::gil_scoped_release release;
                unmix(dust, is_present, filled.data(), spread.data(), error.data(), noise,
                      response_error, values.data, weights.data, threads);
            }
            return py::make_tuple(unmixed, weight);
        },
        py::arg("observed").noconvert(), py::arg("density").noconvert(),
        py::arg("labels").noconvert(), py::arg("dark").noconvert(),
        py::arg("responses").noconvert(), py::arg("present").noconvert(),
        py::arg("filled").noconvert(), py::arg("spread").noconvert(), py::arg("error").noconvert(),
        py::arg("noise"), py::arg("response_error"), py::arg("threads"));

    m.attr("BLACK") = BLACK;
    m.attr("WHITE") = WHITE;
    m.attr("VALUE_NOISE") = VALUE_NOISE;
    m.attr("SLOWEST") = SLOWEST;
    m.attr("MOST_TOGETHER") = most_together;
    m.attr("SMALLEST_FADE") = SMALLEST_FADE;
    m.attr("LEAST_PASSING") = LEAST_PASSING;

    py::class_<Membranes> membranes(m, "Membranes");
    membranes.def(py::init([](const Array<bool>& mask) {
                      const auto where = mask_view(mask);
                      py::gil_scoped_release release;
                      return Membranes(where);
                  }),
                  py::arg("mask").noconvert());
    membranes.def_property_readonly("positions", [](const Membranes& self) {
        return to_array(self.positions(), {self.size()});
    });
    define_membranes<std::uint8_t>(membranes);
    define_membranes<std::uint16_t>(membranes);
    define_membranes<float>(membranes);
}

}  // namespace dustbust
