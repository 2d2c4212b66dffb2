#include "files/jpeg_coefficients.hpp"

#include <memory>
#include <stdexcept>

#include "files/jpeg_parser.hpp"

namespace dustbust {
namespace {

// Of each block the last coefficient that is not 0, in the order of the file.
std::vector<std::uint8_t> last_coefficients(const BlocksView& blocks) {
    std::vector<std::uint8_t> result(blocks.count);
    for (std::size_t i = 0; i < blocks.count; ++i)
        result[i] = static_cast<std::uint8_t>(last_coefficient(blocks.data[i]));
    return result;
}

// Copies a file with other coefficients.
class Writer {
public:
    Writer(const std::uint8_t* data, std::size_t size, const std::vector<BlocksView>& blocks)
        : parser_(data, size), blocks_(blocks), output_(reinterpret_cast<const char*>(data), 2) {
        output_.reserve(size + size / 8);
    }

    std::string operator()() {
        for (;;) {
            const auto before = parser_.tables;
            const Segment segment = parser_.next();
            if (segment.marker == SOS) {
                write_scan(segment);
                continue;
            }
            copy(segment);
            for (int slot = 0; slot < 32; ++slot)
                if (parser_.tables[slot] != before[slot]) written_[slot] = parser_.tables[slot];
            if (segment.marker == EOI) return std::move(output_);
        }
    }

private:
    using Tables = std::array<HuffmanPointer, 32>;

    void copy(const Segment& segment) {
        output_.append(reinterpret_cast<const char*>(segment.begin), segment.end - segment.begin);
    }

    void write_scan(const Segment& segment) {
        const Scan scan = parser_.scan(segment);
        check_blocks();
        if (last_.empty())
            for (const auto& view : blocks_) last_.push_back(last_coefficients(view));
        write_tables(tables_for(scan));
        copy(segment);
        BitWriter out(output_, written_);
        encode(scan, out);
        out.finish();
        parser_.go_to(end_of_scan(parser_.position(), parser_.end()));
    }

    void check_blocks() const {
        const auto& components = parser_.frame.components;
        bool fit = blocks_.size() == components.size();
        for (std::size_t i = 0; fit && i < blocks_.size(); ++i)
            fit = blocks_[i].count ==
                  static_cast<std::size_t>(components[i].rows * components[i].columns);
        if (!fit) throw std::invalid_argument("blocks must be as many as the file has");
    }

    template <class Sink>
    void encode(const Scan& scan, Sink& sink) const {
        const auto& components = parser_.frame.components;
        ScanWriter writer(scan, parser_.frame.progressive, sink);
        int restarts = 0;
        walk(
            parser_.frame, scan, parser_.interval,
            [&](int part, std::ptrdiff_t row, std::ptrdiff_t column) {
                const int component = scan.parts[part].component;
                const std::ptrdiff_t index = row * components[component].columns + column;
                writer.block(part, blocks_[component].data[index],
                             last_[component][static_cast<std::size_t>(index)]);
            },
            [&] { writer.restart(restarts++ & 7); });
        writer.finish();
    }

    // The tables for a scan: its own, or new ones if these lack a code.
    Tables tables_for(const Scan& scan) const {
        Tables tables{};
        auto counter = std::make_unique<Counter>();
        encode(scan, *counter);
        for (int slot = 0; slot < 32; ++slot)
            tables[slot] = table_for(counter->frequencies[slot], parser_.tables[slot]);
        return tables;
    }

    // A table for these symbols: null where there are none.
    static HuffmanPointer table_for(const Frequencies& frequency, const HuffmanPointer& own) {
        bool used = false, enough = own != nullptr;
        for (int symbol = 0; symbol < 256; ++symbol)
            if (frequency[symbol]) {
                used = true;
                enough = enough && own->length[symbol];
            }
        if (!used) return nullptr;
        return enough ? own : best_huffman(frequency);
    }

    void write_tables(const Tables& tables) {
        for (int slot = 0; slot < 32; ++slot) {
            if (!tables[slot] || (written_[slot] && *written_[slot] == *tables[slot])) continue;
            output_ += tables[slot]->segment(slot);
            written_[slot] = tables[slot];
        }
    }

    Parser parser_;
    const std::vector<BlocksView>& blocks_;
    std::string output_;
    std::vector<std::vector<std::uint8_t>> last_;
    Tables written_;  // the tables that a decoder of the output has at this place
};

}  // namespace

JpegCoefficients read_jpeg(const std::uint8_t* data, std::size_t size) {
    Parser parser(data, size);
    bool any = false;
    for (;;) {
        const Segment segment = parser.next();
        if (segment.marker == EOI) break;
        if (segment.marker != SOS) continue;
        const Scan scan = parser.scan(segment);
        auto& components = parser.frame.components;
        for (auto& component : components)
            if (component.blocks.empty())
                component.blocks.resize(
                    static_cast<std::size_t>(component.rows * component.columns), JpegBlock{});
        const EntropyData data(parser.position(), parser.end());
        BitReader in(data);
        ScanReader reader(scan, parser.frame.progressive, parser.tables, in);
        walk(
            parser.frame, scan, parser.interval,
            [&](int part, std::ptrdiff_t row, std::ptrdiff_t column) {
                auto& component = components[scan.parts[part].component];
                reader.block(
                    part,
                    component.blocks[static_cast<std::size_t>(row * component.columns + column)]);
            },
            [&] { reader.restart(); });
        parser.go_to(in.finish());
        any = true;
    }
    if (!any) damaged("it holds no picture");
    return {parser.frame.width, parser.frame.height, std::move(parser.frame.components)};
}

std::string write_jpeg(const std::uint8_t* data, std::size_t size,
                       const std::vector<BlocksView>& blocks) {
    return Writer(data, size, blocks)();
}

}  // namespace dustbust
