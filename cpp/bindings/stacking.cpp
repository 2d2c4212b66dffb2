// Bindings: stacks of scans.
#include "bindings/topics.hpp"
#include "bindings/views.hpp"
#include "stacking/dust_free_mean.hpp"
#include "stacking/statistics.hpp"

namespace dustbust {
namespace {

Mode mode_of(const std::string& name) {
    static const std::map<std::string, Mode> modes = {
        {"maximum", Mode::maximum}, {"minimum", Mode::minimum}, {"mean", Mode::mean}, {"median", Mode::median}, {"range", Mode::range},
        {"standard deviation", Mode::standard_deviation}, {"variance", Mode::variance}, {"sum", Mode::sum}, {"entropy", Mode::entropy},
        {"skewness", Mode::skewness}, {"kurtosis", Mode::kurtosis}};
    return modes.at(name);
}

template <class T>
void define_stacking(py::module_& m) {
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
}

}  // namespace

void register_stacking(py::module_& m) {
    define_stacking<std::uint8_t>(m);
    define_stacking<std::uint16_t>(m);
    define_stacking<float>(m);
}

}  // namespace dustbust
