// Bindings: JPEG coefficients.
#include "bindings/topics.hpp"
#include "bindings/views.hpp"
#include "files/jpeg_coefficients.hpp"
#include "files/jpeg_repair.hpp"

namespace dustbust {
void register_files(py::module_& m) {
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

}  // namespace dustbust
