// Bindings: JPEG coefficients.
#pragma once

#include "bindings/views.hpp"
#include "files/jpeg_coefficients.hpp"
#include "files/jpeg_repair.hpp"

namespace dustbust {
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

    using Component = std::tuple<int, int, int, Array<std::uint16_t>, Array<std::int16_t>>;
    m.def(
        "repair_jpeg",
        [](std::vector<Component>& components, const Array<std::uint8_t>& before,
           const Array<std::uint8_t>& after, const Array<float>& of_colours,
           const Array<float>& levels) {
            const auto old = view(before, "before"), wanted = view(after, "after");
            const auto count = static_cast<py::ssize_t>(components.size());
            require_same_size(old, wanted, "before and after");
            require(old.channels == wanted.channels,
                    "before and after must have the same channels");
            require(count >= 1 && count <= 4, "components must be 1 to 4");
            require_list(of_colours, count, wanted.channels, "of_colours");
            require_list(levels, count, 0, "levels");
            require_all_finite(of_colours, "of_colours");
            require_all_finite(levels, "levels");
            std::vector<RepairedComponent> repaired;
            for (auto& [identifier, horizontal, vertical, quantisation, blocks] : components) {
                require(quantisation.size() == 64 && blocks.ndim() == 4 && blocks.shape(2) == 8 &&
                            blocks.shape(3) == 8,
                        "a component needs a table of 8 x 8 and blocks of 8 x 8");
                require_range(horizontal, 1, 4, "a sampling factor");
                require_range(vertical, 1, 4, "a sampling factor");
                require(std::count(quantisation.data(), quantisation.data() + 64, 0) == 0,
                        "a quantisation table must not hold 0");
                const auto k = static_cast<py::ssize_t>(repaired.size());
                repaired.push_back({horizontal, vertical, quantisation.data(),
                                    reinterpret_cast<JpegBlock*>(blocks.mutable_data()),
                                    blocks.shape(0), blocks.shape(1), of_colours.data(k, 0),
                                    levels.data()[k]});
            }
            py::gil_scoped_release release;
            repair_jpeg(old, wanted, repaired);
        },
        py::arg("components").noconvert(), py::arg("before").noconvert(),
        py::arg("after").noconvert(), py::arg("of_colours").noconvert(),
        py::arg("levels").noconvert());

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
