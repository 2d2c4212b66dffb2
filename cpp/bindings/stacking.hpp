// Bindings: stacks of scans.
#pragma once

#include "bindings/views.hpp"
#include "stacking/dust_free_mean.hpp"
#include "stacking/statistics.hpp"

namespace dustbust {
namespace {

Index mode_of(const std::string& name) {
    const Index mode = find_stacking_mode(name);
    require(mode >= 0, "there is no stacking mode of this name: " + name);
    return mode;
}

template <class T, class Out>
Array<Out> combined(const std::vector<Array<T>>& stack, Index mode, bool alpha, int threads) {
    const auto in = views(stack, "stack");
    require(!alpha || in.front().channels >= 2, "the pictures of stack have no alpha");
    require_threads(threads);
    auto result = shaped_like<Out>(stack.front());
    const auto out = mutable_view(result);
    py::gil_scoped_release release;
    combine(in, mode, alpha, out, threads);
    return result;
}

template <class T>
void define_stacking(py::module_& m) {
    m.def(
        "combine",
        [](const std::vector<Array<T>>& stack, const std::string& mode, bool alpha, int threads) {
            const Index how = mode_of(mode);
            require(stacking_modes()[how].is_picture,
                    mode + " gives numbers, not a picture: see statistic");
            return combined<T, T>(stack, how, alpha, threads);
        },
        py::arg("stack").noconvert(), py::arg("mode"), py::arg("alpha"), py::arg("threads"));

    m.def(
        "statistic",
        [](const std::vector<Array<T>>& stack, const std::string& mode, bool alpha, int threads) {
            return combined<T, float>(stack, mode_of(mode), alpha, threads);
        },
        py::arg("stack").noconvert(), py::arg("mode"), py::arg("alpha"), py::arg("threads"));

    m.def(
        "dust_free_mean",
        [](const std::vector<Array<T>>& stack, const std::vector<Array<std::uint8_t>>& dust,
           py::ssize_t margin, std::pair<float, float> tolerance, int polarity, float largest,
           int threads) {
            const auto in = views(stack, "stack");
            const auto lies = views(dust, "dust");
            const auto& first = in.front();
            require(lies.size() == in.size() && lies.front().channels == 2,
                    "dust must hold (H, W, 2) for each picture of stack");
            require_same_size(lies.front(), first, "stack and dust");
            require(first.channels == 2 || first.channels == 4,
                    "the pictures of stack must have an alpha");
            require_range<py::ssize_t>(margin, 0, (first.rows - 1) / 2, "margin");
            require_not_negative(tolerance.first, "tolerance");
            require_not_negative(tolerance.second, "tolerance");
            require_range(polarity, -1, 1, "polarity");
            require_positive(largest, "largest");
            require(largest <= largest_value<T> || std::is_same_v<T, float>,
                    "largest must not be more than the pictures can hold");
            require_threads(threads);
            Array<T> page({first.rows - 2 * margin, first.columns, first.channels});
            Array<std::uint8_t> outcome({first.rows - 2 * margin, first.columns});
            const auto out = mutable_view(page);
            const auto outcomes = mutable_view(outcome);
            {
                py::gil_scoped_release release;
                dust_free_mean(in, lies, margin, {tolerance.first, tolerance.second}, polarity,
                               largest, out, outcomes, threads);
            }
            return py::make_tuple(page, outcome);
        },
        py::arg("stack").noconvert(), py::arg("dust").noconvert(), py::arg("margin"),
        py::arg("tolerance"), py::arg("polarity"), py::arg("largest"), py::arg("threads"));
}

}  // namespace

inline void register_stacking(py::module_& m) {
    m.attr("DUST_MARK") = dust_mark;
    m.attr("DUST_PER_OPACITY") = dust_per_opacity;
    m.def("stacking_modes", [] {
        std::vector<std::pair<std::string, bool>> modes;
        for (const auto& mode : stacking_modes()) modes.emplace_back(mode.name, mode.is_picture);
        return modes;
    });
    define_stacking<std::uint8_t>(m);
    define_stacking<std::uint16_t>(m);
    define_stacking<float>(m);
}

}  // namespace dustbust
