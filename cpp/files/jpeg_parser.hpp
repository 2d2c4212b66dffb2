// The segments of JPEG files, and the contents of their headers.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "files/jpeg.hpp"
#include "files/jpeg_huffman.hpp"
#include "files/jpeg_scan.hpp"

namespace dustbust {

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
        const bool has_length = marker != EOI && marker != TEM && (marker < RST0 || marker > RST7);
        if (!has_length) return {marker, begin, position_, position_};
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
        } else if (!is_possible(scan) || !follows(scan)) {
            damaged("a scan header is impossible");
        }
        // Each scan is a walk over the whole picture, and a small file must not take hours.
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

    // Whether a progressive scan sends the next bits of each of its coefficients (G.1.1.1.2).
    // libjpeg reads others with a warning, but they cannot be written with other coefficients.
    bool follows(const Scan& scan) {
        bool expected = true;
        for (const auto& part : scan.parts)
            for (int k = scan.first; k <= scan.last; ++k) {
                auto& sent = sent_[static_cast<std::size_t>(part.component)][k];
                expected = expected && scan.high == (sent == nothing ? 0 : sent);
                sent = static_cast<std::int8_t>(scan.low);
            }
        return expected;
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
            sent_.emplace_back().fill(nothing);
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
    // Of each component, the lowest bit of each coefficient that the scans have sent.
    static constexpr std::int8_t nothing = -1;
    std::vector<std::array<std::int8_t, 64>> sent_;
};

// The next marker that is neither a stuffed byte nor a restart.
inline const std::uint8_t* end_of_scan(const std::uint8_t* at, const std::uint8_t* end) {
    while (end - at >= 2 &&
           (at[0] != 0xFF || at[1] == 0 || at[1] == 0xFF || (at[1] >= RST0 && at[1] <= RST7)))
        ++at;
    return at;
}

}  // namespace dustbust
