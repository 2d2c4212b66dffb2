// Bindings: JPEG coefficients.
#pragma once

#include "bindings/views.hpp"
#include "files/equal_away.hpp"
#include "files/jpeg_coefficients.hpp"
#include "files/jpeg_repair.hpp"

namespace dustbust {
constexpr std::size_t numbers_of_edit = sizeof(JpegEdit) / sizeof(std::int64_t);

inline void register_files(py::module_& m) {
    m.attr("MOST_SCANS") = MOST_SCANS;
    m.def(
        "read_jpeg",
        [](const py::bytes& data) {
            const std::string_view file = data;
            auto jpeg = [&] {
                py::gil_scoped_release release;
                return read_jpeg(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
            }();
            py::list components;
            for (auto& component : jpeg.components) {
                Array<std::uint16_t> quantisation({8, 8}, component.quantisation.data());
                auto* blocks = new std::vector<JpegBlock>(std::move(component.blocks));
                py::capsule owner(blocks, [](void* pointer) {
                    delete static_cast<std::vector<JpegBlock>*>(pointer);
                });
                Array<std::int16_t> values(
                    {component.rows, component.columns, py::ssize_t{8}, py::ssize_t{8}},
                    blocks->data()->data(), owner);
                components.append(py::make_tuple(component.identifier, component.horizontal,
                                                 component.vertical, quantisation, values));
            }
            return components;
        },
        py::arg("data"));

    m.def(
        "repair_jpeg",
        [](const py::bytes& data, const Array<std::uint8_t>& after, const Array<bool>& changed,
           const Array<float>& of_colours, const Array<float>& levels) {
            const std::string_view file = data;
            const auto wanted = view(after, "after");
            const auto where = mask_view(changed, "changed");
            require_same_size(wanted, where, "after and changed");
            require_list(of_colours, wanted.channels, wanted.channels, "of_colours");
            require_list(levels, wanted.channels, 0, "levels");
            require_all_finite(of_colours, "of_colours");
            require_all_finite(levels, "levels");
            const auto result = [&] {
                py::gil_scoped_release release;
                return repair_jpeg(reinterpret_cast<const std::uint8_t*>(file.data()), file.size(),
                                   wanted, where, {of_colours.data(), levels.data()});
            }();
            py::object edits = py::none();
            if (result.edits) {
                Array<std::int64_t> rows({result.edits->size(), numbers_of_edit});
                std::copy_n(reinterpret_cast<const std::int64_t*>(result.edits->data()),
                            rows.size(), rows.mutable_data());
                edits = std::move(rows);
            }
            return py::make_tuple(py::bytes(result.file), edits);
        },
        py::arg("data"), py::arg("after").noconvert(), py::arg("changed").noconvert(),
        py::arg("of_colours").noconvert(), py::arg("levels").noconvert());

    m.def(
        "is_repaired_copy",
        [](const py::bytes& data, const py::bytes& repaired, const Array<bool>& changed,
           const Array<std::int64_t>& edits) {
            const std::string_view file = data, copy = repaired;
            const auto where = mask_view(changed, "changed");
            require(edits.ndim() == 2 && edits.shape(1) == py::ssize_t{numbers_of_edit},
                    "edits must be of 8 numbers each");
            std::vector<JpegEdit> listed(static_cast<std::size_t>(edits.shape(0)));
            std::copy_n(edits.data(), edits.size(), reinterpret_cast<std::int64_t*>(listed.data()));
            py::gil_scoped_release release;
            return is_repaired_copy(reinterpret_cast<const std::uint8_t*>(file.data()), file.size(),
                                    reinterpret_cast<const std::uint8_t*>(copy.data()), copy.size(),
                                    where, listed);
        },
        py::arg("data"), py::arg("repaired"), py::arg("changed").noconvert(),
        py::arg("edits").noconvert());

    m.def(
        "equal_away_from",
        [](const Array<std::uint8_t>& one, const Array<std::uint8_t>& other,
           const Array<bool>& places, py::ssize_t reach) {
            const auto a = view(one, "one"), b = view(other, "other");
            const auto where = mask_view(places, "places");
            require_same_size(a, b, "one and other");
            require_same_size(a, where, "one and places");
            require(a.channels == b.channels, "one and other must have the same channels");
            require_range<py::ssize_t>(reach, 1, largest_side, "reach");
            py::gil_scoped_release release;
            return equal_away_from(a, b, where, reach);
        },
        py::arg("one").noconvert(), py::arg("other").noconvert(), py::arg("places").noconvert(),
        py::arg("reach"));

    m.def(
        "write_jpeg",
        [](const py::bytes& data, const std::vector<Array<std::int16_t>>& blocks) {
            const std::string_view file = data;
            std::vector<BlocksView> views;
            for (const auto& array : blocks) {
                require(array.size() % 64 == 0, "blocks must be of 8 x 8 coefficients");
                views.push_back({reinterpret_cast<const JpegBlock*>(array.data()),
                                 static_cast<std::size_t>(array.size() / 64)});
            }
            std::string result = [&] {
                py::gil_scoped_release release;
                return write_jpeg(reinterpret_cast<const std::uint8_t*>(file.data()), file.size(),
                                  views);
            }();
            return py::bytes(result);
        },
        py::arg("data"), py::arg("blocks"));
}

}  // namespace dustbust
