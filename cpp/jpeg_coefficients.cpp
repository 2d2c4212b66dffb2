#include "jpeg_coefficients.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace dustbust {
namespace {

// Figure 5: place in the block of each coefficient of the file.
constexpr std::uint8_t ZIGZAG[64] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

enum Marker { SOF0 = 0xC0, SOF1 = 0xC1, SOF2 = 0xC2, DHT = 0xC4, RST0 = 0xD0, RST7 = 0xD7, SOI = 0xD8, EOI = 0xD9, SOS = 0xDA, DQT = 0xDB,
              DRI = 0xDD };

[[noreturn]] void damaged(const char* what) { throw std::runtime_error(what); }

// --- Huffman tables ----------------------------------------------------------------------------------------------------------------

struct Huffman {
    std::array<std::uint8_t, 17> counts{};          // of codes of each length
    std::vector<std::uint8_t> symbols;
    std::array<std::uint16_t, 256> code{};
    std::array<std::uint8_t, 256> length{};         // 0: the symbol has no code
    // For the next 16 bits: length << 8 | symbol; 0 where no code begins like that.
    std::vector<std::uint16_t> lookup;

    // Annex C.
    Huffman(const std::array<std::uint8_t, 17>& counts_of, std::vector<std::uint8_t> symbols_of)
        : counts(counts_of), symbols(std::move(symbols_of)), lookup(65536, 0) {
        std::uint32_t next = 0;
        std::size_t index = 0;
        for (int bits = 1; bits <= 16; ++bits) {
            for (int i = 0; i < counts[bits]; ++i, ++next, ++index) {
                if (next >= (1u << bits)) damaged("a Huffman table is impossible");
                const std::uint8_t symbol = symbols[index];
                code[symbol] = static_cast<std::uint16_t>(next);
                length[symbol] = static_cast<std::uint8_t>(bits);
                const auto first = lookup.begin() + (next << (16 - bits));
                std::fill(first, first + (std::ptrdiff_t{1} << (16 - bits)), static_cast<std::uint16_t>(bits << 8 | symbol));
            }
            next <<= 1;
        }
    }

    bool operator==(const Huffman& other) const { return counts == other.counts && symbols == other.symbols; }

    // A DHT segment (B.2.4.2). The slot of a table is class << 4 | destination, here as everywhere.
    std::string segment(int slot) const {
        const std::size_t bytes = 2 + 1 + 16 + symbols.size();
        std::string result{static_cast<char>(0xFF), static_cast<char>(DHT), static_cast<char>(bytes >> 8), static_cast<char>(bytes),
                           static_cast<char>(slot)};
        result.append(counts.begin() + 1, counts.end());
        return result.append(symbols.begin(), symbols.end());
    }
};

using HuffmanPointer = std::shared_ptr<const Huffman>;
using Frequencies = std::array<std::int64_t, 257>;  // one more for the code of ones only, which is not used

// Section K.2: the table with the shortest code for these frequencies.
HuffmanPointer best_huffman(Frequencies frequency) {
    frequency[256] = 1;
    std::array<int, 257> size{}, next;
    next.fill(-1);
    for (;;) {
        int rare = -1, second = -1;                 // of equal ones the last
        for (int i = 0; i < 257; ++i)
            if (frequency[i] && (rare < 0 || frequency[i] <= frequency[rare])) rare = i;
        for (int i = 0; i < 257; ++i)
            if (frequency[i] && i != rare && (second < 0 || frequency[i] <= frequency[second])) second = i;
        if (second < 0) break;
        frequency[rare] += frequency[second];
        frequency[second] = 0;
        int i = rare;
        for (;; i = next[i]) {
            ++size[i];
            if (next[i] < 0) break;
        }
        next[i] = second;
        for (i = second; i >= 0; i = next[i]) ++size[i];
    }
    std::array<int, 258> lengths{};                 // how many codes have each length
    for (int bits : size) ++lengths[bits];
    lengths[0] = 0;
    for (int bits = 257; bits > 16; --bits)         // Figure K.3
        while (lengths[bits] > 0) {
            int shorter = bits - 2;
            while (lengths[shorter] == 0) --shorter;
            lengths[bits] -= 2;
            ++lengths[bits - 1];
            lengths[shorter + 1] += 2;
            --lengths[shorter];
        }
    int longest = 16;
    while (lengths[longest] == 0) --longest;
    --lengths[longest];                             // the code of ones only
    std::array<std::uint8_t, 17> counts{};
    for (int bits = 1; bits <= 16; ++bits) counts[bits] = static_cast<std::uint8_t>(lengths[bits]);
    std::vector<std::uint8_t> symbols;
    for (int bits = 1; bits < 258; ++bits)
        for (int symbol = 0; symbol < 256; ++symbol)
            if (size[symbol] == bits) symbols.push_back(static_cast<std::uint8_t>(symbol));
    return std::make_shared<const Huffman>(counts, std::move(symbols));
}

// --- bits --------------------------------------------------------------------------------------------------------------------------

class BitReader {
public:
    BitReader(const std::uint8_t* begin, const std::uint8_t* end) : position_(begin), end_(end) {}

    int bits(int count) {
        if (count == 0) return 0;
        fill(count);
        held_ -= count;
        return static_cast<int>(buffer_ >> held_) & ((1 << count) - 1);
    }

    int symbol(const Huffman& table) {
        fill(0);                                    // up to 16 bits, fewer before a marker
        const auto next = static_cast<std::uint32_t>(held_ >= 16 ? buffer_ >> (held_ - 16) : buffer_ << (16 - held_)) & 0xFFFF;
        const int found = table.lookup[next], length = found >> 8;
        if (length == 0 || length > held_) damaged(length ? "its data end early" : "its data are damaged");
        held_ -= length;
        return found & 0xFF;
    }

    // F.2.2.1: a number of which `size` bits are stored.
    int extended(int size) {
        const int value = bits(size);
        return size && value < (1 << (size - 1)) ? value - (1 << size) + 1 : value;
    }

    // Go past restart marker `number`.
    void restart(int number) {
        finish();
        if (end_ - position_ < 2 || position_[0] != 0xFF || position_[1] != RST0 + number) damaged("a restart marker is missing");
        position_ += 2;
    }

    // Go to the marker that must be next; gives its place.
    const std::uint8_t* finish() {
        if (held_ >= 8) damaged("it has more data than its size needs");
        held_ = 0;
        buffer_ = 0;
        while (end_ - position_ >= 2 && position_[0] == 0xFF && position_[1] == 0xFF) ++position_;      // fill bytes
        if (end_ - position_ < 2 || position_[0] != 0xFF || position_[1] == 0) damaged("it has more data than its size needs");
        return position_;
    }

private:
    void fill(int needed) {
        while (held_ <= 24) {
            if (position_ == end_) break;
            const std::uint8_t byte = *position_;
            if (byte == 0xFF) {
                if (end_ - position_ < 2 || position_[1] != 0) break;       // a marker
                ++position_;
            }
            ++position_;
            buffer_ = buffer_ << 8 | byte;
            held_ += 8;
        }
        if (held_ < needed) damaged("its data end early");
    }

    const std::uint8_t* position_;
    const std::uint8_t* end_;
    std::uint64_t buffer_ = 0;
    int held_ = 0;
};

// Where an encoder puts what it says: the first time to learn how often each symbol comes.
struct Counter {
    std::array<Frequencies, 32> frequencies{};      // of each slot
    void symbol(int slot, int value) { ++frequencies[slot][value]; }
    void bits(std::uint32_t, int) {}
    void restart(int) {}
};

class BitWriter {
public:
    BitWriter(std::string& output, const std::array<HuffmanPointer, 32>& tables) : output_(output), tables_(tables) {}

    void symbol(int slot, int value) { bits(tables_[slot]->code[value], tables_[slot]->length[value]); }

    void bits(std::uint32_t value, int count) {
        buffer_ = buffer_ << count | (value & ((1u << count) - 1));
        held_ += count;
        if (held_ >= 32) put_bytes();
    }

    void restart(int number) {
        finish();
        output_ += static_cast<char>(0xFF);
        output_ += static_cast<char>(RST0 + number);
    }

    void finish() {
        bits(0x7F, (8 - held_ % 8) % 8);            // F.1.2.3: fill up with ones
        put_bytes();
    }

private:
    void put_bytes() {
        char bytes[16];
        int count = 0;
        while (held_ >= 8) {
            held_ -= 8;
            bytes[count] = static_cast<char>(buffer_ >> held_);
            if (bytes[count++] == static_cast<char>(0xFF)) bytes[count++] = 0;
        }
        output_.append(bytes, static_cast<std::size_t>(count));
    }

    std::string& output_;
    const std::array<HuffmanPointer, 32>& tables_;
    std::uint64_t buffer_ = 0;
    int held_ = 0;
};

// --- scans -------------------------------------------------------------------------------------------------------------------------

struct Scan {
    struct Part {
        int component, dc, ac;                      // slots of its tables
    };
    std::vector<Part> parts;
    int first = 0, last = 63;                       // band of coefficients (Ss, Se)
    int high = 0, low = 0;                          // successive approximation (Ah, Al)
};

// The frame header and what follows from it.
struct Frame {
    bool progressive = false;
    int width = 0, height = 0, horizontal = 1, vertical = 1;        // largest sampling factors
    std::vector<JpegComponent> components;

    std::ptrdiff_t own_rows(const JpegComponent& c) const { return blocks(height, c.vertical, vertical); }
    std::ptrdiff_t own_columns(const JpegComponent& c) const { return blocks(width, c.horizontal, horizontal); }
    std::ptrdiff_t units_down() const { return (height + 8 * vertical - 1) / (8 * vertical); }
    std::ptrdiff_t units_across() const { return (width + 8 * horizontal - 1) / (8 * horizontal); }

private:
    static std::ptrdiff_t blocks(int size, int factor, int largest) {
        return ((static_cast<std::ptrdiff_t>(size) * factor + largest - 1) / largest + 7) / 8;
    }
};

// Call `block(part, row, column)` for each block in the order of the scan, and `restart()` between intervals (A.2).
template <class OnBlock, class OnRestart>
void walk(const Frame& frame, const Scan& scan, int interval, OnBlock block, OnRestart restart) {
    const bool alone = scan.parts.size() == 1;
    const auto& only = frame.components[scan.parts[0].component];
    const std::ptrdiff_t down = alone ? frame.own_rows(only) : frame.units_down();
    const std::ptrdiff_t across = alone ? frame.own_columns(only) : frame.units_across();
    int until_restart = interval;
    for (std::ptrdiff_t y = 0; y < down; ++y)
        for (std::ptrdiff_t x = 0; x < across; ++x) {
            if (interval && until_restart-- == 0) {
                restart();
                until_restart = interval - 1;
            }
            if (alone) {
                block(0, y, x);
                continue;
            }
            for (std::size_t part = 0; part < scan.parts.size(); ++part) {
                const auto& c = frame.components[scan.parts[part].component];
                for (int v = 0; v < c.vertical; ++v)
                    for (int h = 0; h < c.horizontal; ++h) block(static_cast<int>(part), y * c.vertical + v, x * c.horizontal + h);
            }
        }
}

class ScanReader {
public:
    ScanReader(const Scan& scan, bool progressive, const std::array<HuffmanPointer, 32>& tables, BitReader& in)
        : scan_(scan), progressive_(progressive), tables_(tables), in_(in) {}

    void restart(int number) {
        if (run_) damaged("its data are damaged");
        in_.restart(number);
        previous_ = {};
    }

    void block(int part, Block& block) {
        if (scan_.first == 0) direct(part, block);
        if (!progressive_) {
            sequential(part, block);
        } else if (scan_.first > 0) {
            if (scan_.high == 0) first_bits(part, block);
            else more_bits(part, block);
        }
    }

private:
    const Huffman& table(int slot) const {
        if (!tables_[slot]) damaged("a Huffman table is missing");
        return *tables_[slot];
    }

    void direct(int part, Block& block) {           // F.2.2.1, G.1.2.1
        if (scan_.high) {
            block[0] = static_cast<std::int16_t>(block[0] | in_.bits(1) << scan_.low);
            return;
        }
        const int size = in_.symbol(table(scan_.parts[part].dc));
        if (size > 11) damaged("its data are damaged");
        previous_[part] += in_.extended(size);
        if (previous_[part] < -32768 >> scan_.low || previous_[part] > 32767 >> scan_.low) damaged("its data are damaged");
        block[0] = static_cast<std::int16_t>(previous_[part] * (1 << scan_.low));
    }

    void sequential(int part, Block& block) {       // F.2.2.2
        const Huffman& codes = table(scan_.parts[part].ac);
        for (int k = 1; k < 64; ++k) {
            const int symbol = in_.symbol(codes), zeros = symbol >> 4, size = symbol & 15;
            if (size == 0) {
                if (zeros < 15) break;
                k += 15;
                continue;
            }
            k += zeros;
            if (k > 63) damaged("its data are damaged");
            block[ZIGZAG[k]] = static_cast<std::int16_t>(in_.extended(size));
        }
    }

    void first_bits(int part, Block& block) {       // G.1.2.2
        if (run_) {
            --run_;
            return;
        }
        const Huffman& codes = table(scan_.parts[part].ac);
        for (int k = scan_.first; k <= scan_.last; ++k) {
            const int symbol = in_.symbol(codes), zeros = symbol >> 4, size = symbol & 15;
            if (size == 0) {
                if (zeros < 15) {
                    run_ = (1 << zeros) - 1 + in_.bits(zeros);
                    break;
                }
                k += 15;
                continue;
            }
            k += zeros;
            if (k > scan_.last) damaged("its data are damaged");
            block[ZIGZAG[k]] = static_cast<std::int16_t>(in_.extended(size) * (1 << scan_.low));
        }
    }

    void refine(std::int16_t& value) {
        if (in_.bits(1) && !(value & (1 << scan_.low))) value = static_cast<std::int16_t>(value + (value > 0 ? 1 : -1) * (1 << scan_.low));
    }

    void more_bits(int part, Block& block) {        // G.1.2.3
        const Huffman& codes = table(scan_.parts[part].ac);
        int k = scan_.first;
        while (run_ == 0 && k <= scan_.last) {
            const int symbol = in_.symbol(codes), size = symbol & 15;
            int zeros = symbol >> 4, value = 0;
            if (size == 0) {
                if (zeros < 15) {
                    run_ = (1 << zeros) + in_.bits(zeros);
                    break;
                }
            } else {
                if (size != 1) damaged("its data are damaged");
                value = (in_.bits(1) ? 1 : -1) * (1 << scan_.low);
            }
            for (; k <= scan_.last; ++k) {
                std::int16_t& old = block[ZIGZAG[k]];
                if (old) refine(old);
                else if (zeros-- == 0) break;
            }
            if (value) {
                if (k > scan_.last) damaged("its data are damaged");
                block[ZIGZAG[k]] = static_cast<std::int16_t>(value);
            }
            ++k;
        }
        if (run_) {
            for (; k <= scan_.last; ++k)
                if (block[ZIGZAG[k]]) refine(block[ZIGZAG[k]]);
            --run_;
        }
    }

    const Scan& scan_;
    bool progressive_;
    const std::array<HuffmanPointer, 32>& tables_;
    BitReader& in_;
    std::array<int, 4> previous_{};
    int run_ = 0;                                   // blocks to come without new coefficients (EOBRUN)
};

int bit_length(int magnitude) {
    int bits = 0;
    for (; magnitude; magnitude >>= 1) ++bits;
    return bits;
}

template <class Sink>
class ScanWriter {
public:
    ScanWriter(const Scan& scan, bool progressive, Sink& out) : scan_(scan), progressive_(progressive), out_(out) {}

    void restart(int number) {
        end_run();
        out_.restart(number);
        previous_ = {};
    }

    void finish() { end_run(); }

    // `last` is the last coefficient that is not 0, in the order of the file.
    void block(int part, const Block& block, int last) {
        if (scan_.first == 0) direct(part, block);
        if (!progressive_) {
            sequential(part, block, last);
        } else if (scan_.first > 0) {
            slot_ = scan_.parts[part].ac;
            if (scan_.high == 0) first_bits(block, std::min(last, scan_.last));
            else more_bits(block, std::min(last, scan_.last));
        }
    }

private:
    // The bits of a number whose size was said (F.1.2.1).
    void number(int value, int size) { out_.bits(static_cast<std::uint32_t>(value < 0 ? value - 1 : value), size); }

    void direct(int part, const Block& block) {
        if (scan_.high) {
            out_.bits(static_cast<std::uint32_t>(block[0] >> scan_.low), 1);
            return;
        }
        const int value = block[0] >> scan_.low, difference = value - previous_[part], size = bit_length(std::abs(difference));
        if (size > 11) damaged("a repaired block is outside the range of JPEG");
        previous_[part] = value;
        out_.symbol(scan_.parts[part].dc, size);
        number(difference, size);
    }

    void coefficient(int slot, int zeros, int value) {
        const int size = bit_length(std::abs(value));
        if (size > 15) damaged("a repaired block is outside the range of JPEG");
        for (; zeros > 15; zeros -= 16) out_.symbol(slot, 0xF0);
        out_.symbol(slot, zeros << 4 | size);
        number(value, size);
    }

    void sequential(int part, const Block& block, int last) {
        const int slot = scan_.parts[part].ac;
        int zeros = 0;
        for (int k = 1; k <= last; ++k) {
            if (const int value = block[ZIGZAG[k]]) {
                coefficient(slot, zeros, value);
                zeros = 0;
            } else {
                ++zeros;
            }
        }
        if (last < 63) out_.symbol(slot, 0);
    }

    // What a scan shows of a coefficient: its upper bits, rounded towards zero.
    int shown(const Block& block, int k) const {
        const int value = block[ZIGZAG[k]];
        return value < 0 ? -(-value >> scan_.low) : value >> scan_.low;
    }

    void first_bits(const Block& block, int last) {
        int zeros = 0, done = scan_.first - 1;      // the last coefficient that was said
        for (int k = scan_.first; k <= last; ++k) {
            if (const int value = shown(block, k)) {
                end_run();
                coefficient(slot_, zeros, value);
                zeros = 0;
                done = k;
            } else {
                ++zeros;
            }
        }
        if (done < scan_.last && ++run_ == 0x7FFF) end_run();
    }

    void more_bits(const Block& block, int last) {  // Figure G.7
        int last_new = 0;
        for (int k = scan_.first; k <= last; ++k)
            if (std::abs(shown(block, k)) == 1) last_new = k;
        int zeros = 0, done = scan_.first - 1;
        std::string corrections;                    // of coefficients that were there before, since the last symbol
        for (int k = scan_.first; k <= last; ++k) {
            const int value = shown(block, k), magnitude = std::abs(value);
            if (magnitude == 0) {
                ++zeros;
                continue;
            }
            while (zeros > 15 && k <= last_new) {
                end_run();
                out_.symbol(slot_, 0xF0);
                zeros -= 16;
                send(corrections);
            }
            if (magnitude > 1) {
                corrections += static_cast<char>(magnitude & 1);
                continue;
            }
            end_run();
            out_.symbol(slot_, zeros << 4 | 1);
            out_.bits(value > 0, 1);
            send(corrections);
            zeros = 0;
            done = k;
        }
        if (done < scan_.last) {
            ++run_;
            held_ += corrections;
            // The limits of libjpeg, so that its files come out as they were.
            if (run_ == 0x7FFF || held_.size() > 1000 - 64 + 1) end_run();
        }
    }

    void send(std::string& corrections) {
        for (char bit : corrections) out_.bits(static_cast<std::uint32_t>(bit), 1);
        corrections.clear();
    }

    void end_run() {
        if (run_) {
            const int size = bit_length(run_) - 1;
            out_.symbol(slot_, size << 4);
            out_.bits(static_cast<std::uint32_t>(run_), size);
            run_ = 0;
        }
        send(held_);
    }

    const Scan& scan_;
    bool progressive_;
    Sink& out_;
    int slot_ = 0;
    std::array<int, 4> previous_{};
    int run_ = 0;
    std::string held_;                              // corrections of the blocks of the run
};

// --- files -------------------------------------------------------------------------------------------------------------------------

struct Segment {
    int marker;
    const std::uint8_t* begin;                      // its 0xFF
    const std::uint8_t* content;
    const std::uint8_t* end;
};

// Goes through a file segment by segment and keeps what its headers say.
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
        else if (marker > SOF2 && marker <= 0xCF && marker != 0xC8) damaged("its kind of coding is not supported");
        else if (marker == 0xDC) damaged("its height comes after its data, which is not supported");
        return segment;
    }

    Scan scan(const Segment& segment) {             // B.2.3
        if (frame.components.empty()) damaged("its data come before their header");
        Scan scan;
        const int count = byte(segment, 0);
        if (count < 1 || count > 4) damaged("a scan header is impossible");
        int blocks = 0;
        for (int i = 0; i < count; ++i) {
            const int identifier = byte(segment, 1 + 2 * i), slots = byte(segment, 2 + 2 * i);
            int found = 0;
            while (found < static_cast<int>(frame.components.size()) && frame.components[found].identifier != identifier) ++found;
            if (found == static_cast<int>(frame.components.size()) || slots >> 4 > 3 || (slots & 15) > 3) damaged("a scan header is impossible");
            for (const auto& part : scan.parts)
                if (part.component == found) damaged("a scan header is impossible");
            scan.parts.push_back({found, slots >> 4, 16 + (slots & 15)});
            blocks += frame.components[found].horizontal * frame.components[found].vertical;
            // The table that is in force when a component's first scan begins.
            auto& component = frame.components[found];
            const auto& wanted = quantisation_[quantisation_of_[found]];
            if (wanted.empty()) damaged("a quantisation table is missing");
            if (std::count(wanted.begin(), wanted.end(), 0)) damaged("a quantisation table is impossible");
            std::copy(wanted.begin(), wanted.end(), component.quantisation.begin());
        }
        scan.first = byte(segment, 1 + 2 * count);
        scan.last = byte(segment, 2 + 2 * count);
        scan.high = byte(segment, 3 + 2 * count) >> 4;
        scan.low = byte(segment, 3 + 2 * count) & 15;
        if (!frame.progressive) {
            scan.first = scan.high = scan.low = 0;
            scan.last = 63;
        } else if (scan.last > 63 || scan.first > scan.last || (scan.first == 0 && scan.last != 0) || (scan.first && count > 1)
                   || scan.low > 13 || (scan.high && scan.high != scan.low + 1)) {
            damaged("a scan header is impossible");
        }
        if (count > 1 && blocks > 10) damaged("a scan header is impossible");
        // Each is a walk over the whole picture: a small file must not keep the machine busy for hours.
        if (++scans_ > 500) damaged("it has too many scans");
        return scan;
    }

    const std::uint8_t* position() const { return position_; }
    const std::uint8_t* end() const { return end_; }
    void go_to(const std::uint8_t* position) { position_ = position; }

private:
    static int byte(const Segment& segment, std::ptrdiff_t index) {
        if (segment.end - segment.content <= index) damaged("a header is too short");
        return segment.content[index];
    }
    static int word(const Segment& segment, std::ptrdiff_t index) { return byte(segment, index) << 8 | byte(segment, index + 1); }

    void read_huffman(const Segment& segment) {
        for (std::ptrdiff_t at = 0; at < segment.end - segment.content;) {
            const int slot = byte(segment, at++);
            if (slot >> 4 > 1 || (slot & 15) > 3) damaged("a Huffman table is impossible");
            std::array<std::uint8_t, 17> counts{};
            std::ptrdiff_t total = 0;
            for (int bits = 1; bits <= 16; ++bits) total += counts[bits] = static_cast<std::uint8_t>(byte(segment, at++));
            if (total > 256 || at + total > segment.end - segment.content) damaged("a Huffman table is impossible");
            tables[slot] = std::make_shared<const Huffman>(
                counts, std::vector<std::uint8_t>(segment.content + at, segment.content + at + total));
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
                table[ZIGZAG[k]] = static_cast<std::uint16_t>(wide ? word(segment, at) : byte(segment, at));
        }
    }

    void read_frame(const Segment& segment) {       // B.2.2
        if (!frame.components.empty()) damaged("it holds more than one picture");
        frame.progressive = segment.marker == SOF2;
        frame.height = word(segment, 1);
        frame.width = word(segment, 3);
        const int count = byte(segment, 5);
        if (byte(segment, 0) != 8 || frame.width < 1 || frame.height < 1 || count < 1 || count > 4) damaged("its kind of picture is not supported");
        for (int i = 0; i < count; ++i) {
            JpegComponent component;
            component.identifier = byte(segment, 6 + 3 * i);
            component.horizontal = byte(segment, 7 + 3 * i) >> 4;
            component.vertical = byte(segment, 7 + 3 * i) & 15;
            quantisation_of_.push_back(byte(segment, 8 + 3 * i));
            if (component.horizontal < 1 || component.horizontal > 4 || component.vertical < 1 || component.vertical > 4
                || quantisation_of_.back() > 3)
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

// Whether a sequential scan can say whatever it may have to with these tables (tables F.1 and F.2).
bool suffice(const Scan& scan, const std::array<HuffmanPointer, 32>& tables) {
    for (const auto& part : scan.parts) {
        if (!tables[part.dc] || !tables[part.ac]) return false;
        for (int size = 0; size <= 11; ++size)
            if (!tables[part.dc]->length[size]) return false;
        for (int symbol = 0; symbol < 256; ++symbol) {
            const int zeros = symbol >> 4, size = symbol & 15;
            if ((size ? size <= 10 : zeros == 0 || zeros == 15) && !tables[part.ac]->length[symbol]) return false;
        }
    }
    return true;
}

// The next marker that is neither a stuffed byte nor a restart.
const std::uint8_t* end_of_scan(const std::uint8_t* at, const std::uint8_t* end) {
    while (end - at >= 2 && (at[0] != 0xFF || at[1] == 0 || at[1] == 0xFF || (at[1] >= RST0 && at[1] <= RST7))) ++at;
    return at;
}

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
            if (component.blocks.empty()) component.blocks.resize(static_cast<std::size_t>(component.rows * component.columns), Block{});
        BitReader in(parser.position(), parser.end());
        ScanReader reader(scan, parser.frame.progressive, parser.tables, in);
        int restarts = 0;
        walk(parser.frame, scan, parser.interval,
             [&](int part, std::ptrdiff_t row, std::ptrdiff_t column) {
                 auto& component = components[scan.parts[part].component];
                 reader.block(part, component.blocks[static_cast<std::size_t>(row * component.columns + column)]);
             },
             [&] { reader.restart(restarts++ & 7); });
        parser.go_to(in.finish());
        any = true;
    }
    if (!any) damaged("it holds no picture");
    return {parser.frame.width, parser.frame.height, std::move(parser.frame.components)};
}

std::string write_jpeg(const std::uint8_t* data, std::size_t size, const std::vector<BlocksView>& blocks) {
    Parser parser(data, size);
    std::string output(reinterpret_cast<const char*>(data), 2);
    output.reserve(size + size / 8);
    std::vector<std::vector<std::uint8_t>> last;
    std::array<HuffmanPointer, 32> written;         // the tables that a decoder of the output has at this place
    for (;;) {
        const auto before = parser.tables;
        const Segment segment = parser.next();
        if (segment.marker == SOS) {
            const Scan scan = parser.scan(segment);
            const auto& components = parser.frame.components;
            bool fit = blocks.size() == components.size();
            for (std::size_t i = 0; fit && i < blocks.size(); ++i)
                fit = blocks[i].count == static_cast<std::size_t>(components[i].rows * components[i].columns);
            if (!fit) throw std::invalid_argument("blocks must be as many as the file has");
            if (last.empty())
                for (const auto& view : blocks) last.push_back(last_coefficients(view));
            const auto encode = [&](auto& sink) {
                ScanWriter writer(scan, parser.frame.progressive, sink);
                int restarts = 0;
                walk(parser.frame, scan, parser.interval,
                     [&](int part, std::ptrdiff_t row, std::ptrdiff_t column) {
                         const int component = scan.parts[part].component;
                         const std::ptrdiff_t index = row * components[component].columns + column;
                         writer.block(part, blocks[component].data[index], last[component][static_cast<std::size_t>(index)]);
                     },
                     [&] { writer.restart(restarts++ & 7); });
                writer.finish();
            };
            // Which tables the scan needs: its own, or better ones where they lack a code.
            std::array<HuffmanPointer, 32> tables{};
            if (!parser.frame.progressive && suffice(scan, parser.tables)) {
                for (const auto& part : scan.parts)
                    for (int slot : {part.dc, part.ac}) tables[slot] = parser.tables[slot];
            } else {
                auto counter = std::make_unique<Counter>();
                encode(*counter);
                for (int slot = 0; slot < 32; ++slot) {
                    const auto& frequency = counter->frequencies[slot];
                    const HuffmanPointer& own = parser.tables[slot];
                    bool used = false, enough = own != nullptr;
                    for (int symbol = 0; symbol < 256; ++symbol)
                        if (frequency[symbol]) {
                            used = true;
                            enough = enough && own->length[symbol];
                        }
                    if (used) tables[slot] = enough ? own : best_huffman(frequency);
                }
            }
            for (int slot = 0; slot < 32; ++slot) {
                if (!tables[slot] || (written[slot] && *written[slot] == *tables[slot])) continue;
                output += tables[slot]->segment(slot);
                written[slot] = tables[slot];
            }
            output.append(reinterpret_cast<const char*>(segment.begin), segment.end - segment.begin);
            BitWriter out(output, written);
            encode(out);
            out.finish();
            parser.go_to(end_of_scan(parser.position(), parser.end()));
            continue;
        }
        output.append(reinterpret_cast<const char*>(segment.begin), segment.end - segment.begin);
        for (int slot = 0; slot < 32; ++slot)
            if (parser.tables[slot] != before[slot]) written[slot] = parser.tables[slot];
        if (segment.marker == EOI) break;
    }
    return output;
}

}  // namespace dustbust
