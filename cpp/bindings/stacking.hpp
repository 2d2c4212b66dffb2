// Bindings: stacks of scans.
#pragma once

#include "bindings/views.hpp"
#include "stacking/dust_free_mean.hpp"
#include "stacking/scan_differences.hpp"
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

// The part of each scan that lies in a part of the scanner; None if the scan does not reach it.
template <class T>
using Parts = std::vector<std::optional<Array<T>>>;

// A scan, and the page on its grid; both None or neither.
template <class T>
ScanAndPage<T> compared(const std::optional<Array<T>>& scan, const std::optional<Array<T>>& page,
                        const double* brightness) {
    require(scan.has_value() == page.has_value(), "a scan and its page must both be there");
    ScanAndPage<T> result{{}, false, {}, float(brightness[0]), float(brightness[1])};
    if (!scan || !page) return result;
    result.scan = view(*scan, "scans");
    result.page = view(*page, "pages");
    const Index colours = result.page.channels - 1;
    require(colours == 1 || colours == 3, "pages must have one or three colours and an alpha");
    result.alpha = result.scan.channels == colours + 1;
    require(result.alpha || result.scan.channels == colours,
            "a scan and its page must have the same colours");
    require_same_size(result.scan, result.page, "a scan and its page");
    return result;
}

template <class T>
PartOfScanner<T> part_of_scanner(const Parts<T>& scans, const Parts<T>& pages,
                                 const Array<double>& brightness,
                                 std::tuple<float, float, float> accuracy, int polarity,
                                 py::ssize_t first_row, std::pair<py::ssize_t, py::ssize_t> shape) {
    require(!scans.empty() && scans.size() == pages.size(), "there must be a page for each scan");
    require_list(brightness, py::ssize_t(scans.size()), 2, "brightness");
    require_all_finite(brightness, "brightness");
    const auto [noise, misaligned, largest] = accuracy;
    require_positive(noise, "noise");
    require_not_negative(misaligned, "misaligned");
    require_positive(largest, "largest");
    require_range(polarity, -1, 1, "polarity");
    require_range<py::ssize_t>(shape.first, 1, largest_side, "shape");
    require_range<py::ssize_t>(shape.second, 1, largest_side, "shape");
    require_range<py::ssize_t>(first_row, 0, largest_side, "first_row");
    PartOfScanner<T> part{{}, {noise, misaligned, largest}, polarity, first_row};
    for (std::size_t k = 0; k < scans.size(); ++k) {
        part.scans.push_back(compared(scans[k], pages[k], brightness.data() + 2 * k));
        require(part.scans.back().scan.columns <= shape.second, "a scan is wider than the scanner");
    }
    return part;
}

// Bind a kernel that makes planes of type Out from a part of the scanner; `planes` gives their
// number from the number of scans.
template <class T, class Out, class Planes, class Kernel>
void define_planes(py::module_& m, const char* name, Planes planes, Kernel kernel) {
    m.def(
        name,
        [=](const Parts<T>& scans, const Parts<T>& pages, const Array<double>& brightness,
            std::tuple<float, float, float> accuracy, int polarity, py::ssize_t first_row,
            std::pair<py::ssize_t, py::ssize_t> shape, int threads) {
            require_threads(threads);
            const auto part =
                part_of_scanner(scans, pages, brightness, accuracy, polarity, first_row, shape);
            const py::ssize_t number = planes(scans.size());
            Array<Out> result({number, shape.first, shape.second});
            const Image<Out> out{result.mutable_data(), number * shape.first, shape.second, 1};
            py::gil_scoped_release release;
            kernel(part, out, threads);
            return result;
        },
        py::arg("scans").noconvert(), py::arg("pages").noconvert(), py::arg("brightness"),
        py::arg("accuracy"), py::arg("polarity"), py::arg("first_row"), py::arg("shape"),
        py::arg("threads"));
}

template <class T>
void define_differences(py::module_& m) {
    define_planes<T, float>(
        m, "scan_differences",
        [](std::size_t number) {
            require(number == 1, "there must be one scan");
            return 4;
        },
        scan_differences<T>);
    define_planes<T, float>(
        m, "scanner_evidence", [](std::size_t) { return 3; }, scanner_evidence<T>);
    define_planes<T, std::uint8_t>(
        m, "scanner_codes", [](std::size_t number) { return number == 2 ? 4 : 2; },
        scanner_codes<T>);
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
            require(lies.size() == in.size() && lies.front().channels == 1,
                    "dust must hold (H, W) for each picture of stack");
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
    m.attr("WEAK_CODE") = code_weak;
    m.attr("STRONG_CODE") = code_strong;
    m.attr("UNKNOWN_CODE") = code_unknown;
    m.attr("WEAK_EVIDENCE") = weak_evidence;
    m.attr("STRONG_EVIDENCE") = strong_evidence;
    define_stacking<std::uint8_t>(m);
    define_stacking<std::uint16_t>(m);
    define_stacking<float>(m);
    define_differences<std::uint8_t>(m);
    define_differences<std::uint16_t>(m);
    define_differences<float>(m);
}

}  // namespace dustbust
