#include "files/jpeg_coefficients.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "files/jpeg_scan.hpp"

namespace dustbust {
namespace {

struct Segment {
    int marker;
    const std::uint8_t* begin;  // its 0xFF
    const std::uint8_t* content;
    const std::uint8_t* end;
};

// Goes through a file segment by segment and keeps the contents of its headers.
class Parser {
public:
    Frame frame;
    std::array<HuffmanPointer, 32> tables;
    int interval = 0;

    Parser(const std::uint8_t* data, std::size_t size) : position_(data), end_(data + size) {
        if (size < 2 || data[0] != 0xFF || data[1] != SOI) damaged("it does not begin like a JPEG");
        position_ += 2;
    }

    Segment next() {
        const std::uint8_t* begin = position_;
        while (end_ - position_ >= 2 && position_[0] == 0xFF && position_[1] == 0xFF) ++position_;
        if (end_ - position_ < 2) damaged("it ends early");
        if (position_[0] != 0xFF) damaged("there is no marker where one must be");
        const int marker = position_[1];
        position_ += 2;
        if (marker == EOI) return {marker, begin, position_, position_};
        if (end_ - position_ < 2) damaged("it ends early");
        const std::ptrdiff_t length = position_[0] << 8 | position_[1];
        if (length < 2 || length > end_ - position_) damaged("it ends early");
        const Segment segment{marker, begin, position_ + 2, position_ + length};
        position_ += length;
        if (marker == DHT) read_huffman(segment);
        else if (marker == DQT) read_quantisation(segment);
        else if (marker == DRI) interval = word(segment, 0);
        else if (marker == SOF0 || marker == SOF1 || marker == SOF2) read_frame(segment);
        else if (marker > SOF2 && marker <= 0xCF && marker != 0xC8)
            damaged("its kind of coding is not supported");
        else if (marker == 0xDC) damaged("its height comes after its data, which is not supported");
        return segment;
    }

    Scan scan(const Segment& segment) {  // B.2.3
        if (frame.components.empty()) damaged("its data come before their header");
        Scan scan;
        const int count = byte(segment, 0);
        if (count < 1 || count > 4) damaged("a scan header is impossible");
        int blocks = 0;
        for (int i = 0; i < count; ++i) {
            const int found = component_of(byte(segment, 1 + 2 * i), scan),
                      slots = byte(segment, 2 + 2 * i);
            if (slots >> 4 > 3 || (slots & 15) > 3) damaged("a scan header is impossible");
            scan.parts.push_back({found, slots >> 4, 16 + (slots & 15)});
            blocks += frame.components[found].horizontal * frame.components[found].vertical;
            set_quantisation(found);
        }
        if (count > 1 && blocks > 10) damaged("a scan header is impossible");
        scan.first = byte(segment, 1 + 2 * count);
        scan.last = byte(segment, 2 + 2 * count);
        scan.high = byte(segment, 3 + 2 * count) >> 4;
        scan.low = byte(segment, 3 + 2 * count) & 15;
        if (!frame.progressive) {
            scan.first = scan.high = scan.low = 0;
            scan.last = 63;
        } else if (!is_possible(scan)) {
            damaged("a scan header is impossible");
        }
        // Each is a walk over the whole picture: a small file must not keep the machine busy for
        // hours.
        if (++scans_ > MOST_SCANS) damaged("it has too many scans");
        return scan;
    }

    const std::uint8_t* position() const { return position_; }
    const std::uint8_t* end() const { return end_; }
    void go_to(const std::uint8_t* position) { position_ = position; }

private:
    // The place of a component that is not yet part of the scan.
    int component_of(int identifier, const Scan& scan) const {
        const auto& all = frame.components;
        const auto at = std::find_if(all.begin(), all.end(), [&](const JpegComponent& each) {
            return each.identifier == identifier;
        });
        const int found = static_cast<int>(at - all.begin());
        const bool again = std::any_of(scan.parts.begin(), scan.parts.end(),
                                       [&](const Scan::Part& p) { return p.component == found; });
        if (at == all.end() || again) damaged("a scan header is impossible");
        return found;
    }

    // A component has the table that is in force when its first scan begins.
    void set_quantisation(int component) {
        const auto& wanted = quantisation_[quantisation_of_[component]];
        if (wanted.empty()) damaged("a quantisation table is missing");
        if (std::count(wanted.begin(), wanted.end(), 0))
            damaged("a quantisation table is impossible");
        std::copy(wanted.begin(), wanted.end(), frame.components[component].quantisation.begin());
    }

    // The band and the bits of a progressive scan (G.1.1.1).
    static bool is_possible(const Scan& scan) {
        const bool direct = scan.first == 0;
        return scan.first <= scan.last && scan.last <= 63 && (!direct || scan.last == 0) &&
               (direct || scan.parts.size() == 1) && scan.low <= 13 &&
               (scan.high == 0 || scan.high == scan.low + 1);
    }

    static int byte(const Segment& segment, std::ptrdiff_t index) {
        if (segment.end - segment.content <= index) damaged("a header is too short");
        return segment.content[index];
    }
    static int word(const Segment& segment, std::ptrdiff_t index) {
        return byte(segment, index) << 8 | byte(segment, index + 1);
    }

    void read_huffman(const Segment& segment) {
        for (std::ptrdiff_t at = 0; at < segment.end - segment.content;) {
            const int slot = byte(segment, at++);
            if (slot >> 4 > 1 || (slot & 15) > 3) damaged("a Huffman table is impossible");
            std::array<std::uint8_t, 17> counts{};
            std::ptrdiff_t total = 0;
            for (int bits = 1; bits <= 16; ++bits)
                total += counts[bits] = static_cast<std::uint8_t>(byte(segment, at++));
            if (total > 256 || at + total > segment.end - segment.content)
                damaged("a Huffman table is impossible");
            tables[slot] = std::make_shared<const Huffman>(
                counts,
                std::vector<std::uint8_t>(segment.content + at, segment.content + at + total));
            at += total;
        }
    }

    void read_quantisation(const Segment& segment) {
        for (std::ptrdiff_t at = 0; at < segment.end - segment.content;) {
            const int head = byte(segment, at++), wide = head >> 4;
            if (wide > 1 || (head & 15) > 3) damaged("a quantisation table is impossible");
            auto& table = quantisation_[head & 15];
            table.assign(64, 0);
            for (int k = 0; k < 64; ++k, at += 1 + wide)
                table[ZIGZAG[k]] =
                    static_cast<std::uint16_t>(wide ? word(segment, at) : byte(segment, at));
        }
    }

    void read_frame(const Segment& segment) {  // B.2.2
        if (!frame.components.empty()) damaged("it holds more than one picture");
        frame.progressive = segment.marker == SOF2;
        frame.height = word(segment, 1);
        frame.width = word(segment, 3);
        const int count = byte(segment, 5);
        if (byte(segment, 0) != 8 || frame.width < 1 || frame.height < 1 || count < 1 || count > 4)
            damaged("its kind of picture is not supported");
        for (int i = 0; i < count; ++i) {
            JpegComponent component;
            component.identifier = byte(segment, 6 + 3 * i);
            component.horizontal = byte(segment, 7 + 3 * i) >> 4;
            component.vertical = byte(segment, 7 + 3 * i) & 15;
            quantisation_of_.push_back(byte(segment, 8 + 3 * i));
            if (component.horizontal < 1 || component.horizontal > 4 || component.vertical < 1 ||
                component.vertical > 4 || quantisation_of_.back() > 3)
                damaged("its frame header is impossible");
            frame.horizontal = std::max(frame.horizontal, component.horizontal);
            frame.vertical = std::max(frame.vertical, component.vertical);
            frame.components.push_back(component);
        }
        for (auto& component : frame.components) {
            component.rows = frame.units_down() * component.vertical;
            component.columns = frame.units_across() * component.horizontal;
        }
    }

    const std::uint8_t* position_;
    const std::uint8_t* end_;
    std::array<std::vector<std::uint16_t>, 4> quantisation_;
    std::vector<int> quantisation_of_;
    int scans_ = 0;
};

// Of each block the last coefficient that is not 0, in the order of the file.
std::vector<std::uint8_t> last_coefficients(const BlocksView& blocks) {
    std::vector<std::uint8_t> result(blocks.count, 0);
    for (std::size_t i = 0; i < blocks.count; ++i) {
        int k = 63;
        while (k > 0 && blocks.data[i][ZIGZAG[k]] == 0) --k;
        result[i] = static_cast<std::uint8_t>(k);
    }
    return result;
}

// Whether these tables have a code for each symbol of a sequential scan (tables F.1 and F.2).
bool suffice(const Scan& scan, const std::array<HuffmanPointer, 32>& tables) {
    for (const auto& part : scan.parts) {
        if (!tables[part.dc] || !tables[part.ac]) return false;
        for (int size = 0; size <= 11; ++size)
            if (!tables[part.dc]->length[size]) return false;
        for (int symbol = 0; symbol < 256; ++symbol) {
            const int zeros = symbol >> 4, size = symbol & 15;
            if ((size ? size <= 10 : zeros == 0 || zeros == 15) && !tables[part.ac]->length[symbol])
                return false;
        }
    }
    return true;
}

// The next marker that is neither a stuffed byte nor a restart.
const std::uint8_t* end_of_scan(const std::uint8_t* at, const std::uint8_t* end) {
    while (end - at >= 2 &&
           (at[0] != 0xFF || at[1] == 0 || at[1] == 0xFF || (at[1] >= RST0 && at[1] <= RST7)))
        ++at;
    return at;
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

    // The tables a scan needs: its own, or better ones where they lack a code.
    Tables tables_for(const Scan& scan) const {
        Tables tables{};
        if (!parser_.frame.progressive && suffice(scan, parser_.tables)) {
            for (const auto& part : scan.parts)
                for (int slot : {part.dc, part.ac}) tables[slot] = parser_.tables[slot];
            return tables;
        }
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
        BitReader in(parser.position(), parser.end());
        ScanReader reader(scan, parser.frame.progressive, parser.tables, in);
        int restarts = 0;
        walk(
            parser.frame, scan, parser.interval,
            [&](int part, std::ptrdiff_t row, std::ptrdiff_t column) {
                auto& component = components[scan.parts[part].component];
                reader.block(
                    part,
                    component.blocks[static_cast<std::size_t>(row * component.columns + column)]);
            },
            [&] { reader.restart(restarts++ & 7); });
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
