// The scans of JPEG files, sequential and progressive.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include "files/jpeg_bits.hpp"

namespace dustbust {

struct Scan {
    struct Part {
        int component, dc, ac;  // slots of its tables
    };
    std::vector<Part> parts;
    int first = 0, last = 63;  // band of coefficients (Ss, Se)
    int high = 0, low = 0;     // successive approximation (Ah, Al)
};

// The frame header, and the values computed from it.
struct Frame {
    bool progressive = false;
    int width = 0, height = 0, horizontal = 1, vertical = 1;  // largest sampling factors
    std::vector<JpegComponent> components;

    std::ptrdiff_t own_rows(const JpegComponent& c) const {
        return blocks(height, c.vertical, vertical);
    }
    std::ptrdiff_t own_columns(const JpegComponent& c) const {
        return blocks(width, c.horizontal, horizontal);
    }
    std::ptrdiff_t units_down() const { return (height + 8 * vertical - 1) / (8 * vertical); }
    std::ptrdiff_t units_across() const { return (width + 8 * horizontal - 1) / (8 * horizontal); }

private:
    static std::ptrdiff_t blocks(int size, int factor, int largest) {
        return ((static_cast<std::ptrdiff_t>(size) * factor + largest - 1) / largest + 7) / 8;
    }
};

// Call `block(part, row, column)` for each block in the order of the scan, and `restart()` between
// intervals (A.2).
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
                    for (int h = 0; h < c.horizontal; ++h)
                        block(static_cast<int>(part), y * c.vertical + v, x * c.horizontal + h);
            }
        }
}

class ScanReader {
public:
    ScanReader(const Scan& scan, bool progressive, const std::array<HuffmanPointer, 32>& tables,
               BitReader& in)
        : scan_(scan), progressive_(progressive), tables_(tables), in_(in) {}

    void restart() {
        if (run_) damaged("its data are damaged");
        in_.restart();
        previous_ = {};
    }

    // Of each part the mean of the block before, from which the next one differs.
    const std::array<int, 4>& previous() const { return previous_; }

    void block(int part, JpegBlock& block) {
        if (scan_.first == 0) direct(part, block);
        if (!progressive_) {
            sequential(part, block);
        } else if (scan_.first > 0) {
            if (scan_.high == 0) first_bits(part, block);
            else more_bits(part, block);
        }
        in_.check();
    }

    // The mean of a block (its coefficient 0), less the bits that later scans bring.
    int mean(int part) {
        const int size = in_.symbol(table(scan_.parts[part].dc));
        if (size > 11) damaged("its data are damaged");
        previous_[part] += in_.extended(size);
        if (previous_[part] < -32768 >> scan_.low || previous_[part] > 32767 >> scan_.low)
            damaged("its data are damaged");
        return previous_[part];
    }

private:
    const Huffman& table(int slot) const {
        if (!tables_[slot]) damaged("a Huffman table is missing");
        return *tables_[slot];
    }

    void direct(int part, JpegBlock& block) {  // F.2.2.1, G.1.2.1
        if (scan_.high) {
            block[0] = static_cast<std::int16_t>(block[0] | in_.bits(1) << scan_.low);
            return;
        }
        block[0] = static_cast<std::int16_t>(mean(part) * (1 << scan_.low));
    }

    void sequential(int part, JpegBlock& block) {  // F.2.2.2
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

    void first_bits(int part, JpegBlock& block) {  // G.1.2.2
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
        if (in_.bits(1) && !(value & (1 << scan_.low)))
            value = static_cast<std::int16_t>(value + (value > 0 ? 1 : -1) * (1 << scan_.low));
    }

    // Refine the coefficients from place k on that are not 0, up to the place of a new one: behind
    // `zeros` coefficients that are 0. Gives its place, or one behind the band.
    int refine_until(JpegBlock& block, int k, int zeros) {
        for (; k <= scan_.last; ++k) {
            std::int16_t& old = block[ZIGZAG[k]];
            if (old) refine(old);
            else if (zeros-- == 0) break;
        }
        return k;
    }

    void more_bits(int part, JpegBlock& block) {  // G.1.2.3
        const Huffman& codes = table(scan_.parts[part].ac);
        int k = scan_.first;
        while (run_ == 0 && k <= scan_.last) {
            const int symbol = in_.symbol(codes), zeros = symbol >> 4, size = symbol & 15;
            if (size == 0 && zeros < 15) {
                run_ = (1 << zeros) + in_.bits(zeros);
                break;
            }
            if (size > 1) damaged("its data are damaged");
            const int value = size ? (in_.bits(1) ? 1 : -1) * (1 << scan_.low) : 0;
            k = refine_until(block, k, zeros);
            if (value) {
                if (k > scan_.last) damaged("its data are damaged");
                block[ZIGZAG[k]] = static_cast<std::int16_t>(value);
            }
            ++k;
        }
        if (run_) {
            refine_until(block, k, 64);
            --run_;
        }
    }

    const Scan& scan_;
    bool progressive_;
    const std::array<HuffmanPointer, 32>& tables_;
    BitReader& in_;
    std::array<int, 4> previous_{};
    int run_ = 0;  // blocks to come without new coefficients (EOBRUN)
};

inline int bit_length(int magnitude) {
    int bits = 0;
    for (; magnitude; magnitude >>= 1) ++bits;
    return bits;
}

template <class Sink>
class ScanWriter {
public:
    ScanWriter(const Scan& scan, bool progressive, Sink& out)
        : scan_(scan), progressive_(progressive), out_(out) {}

    void restart(int number) {
        end_run();
        out_.restart(number);
        previous = {};
    }

    void finish() { end_run(); }

    // `last` is the last coefficient that is not 0, in the order of the file.
    void block(int part, const JpegBlock& block, int last) {
        if (scan_.first == 0) direct(part, block);
        if (!progressive_) {
            sequential(part, block, last);
        } else if (scan_.first > 0) {
            slot_ = scan_.parts[part].ac;
            if (scan_.high == 0) first_bits(block, std::min(last, scan_.last));
            else more_bits(block, std::min(last, scan_.last));
        }
    }

    // The mean of a block.
    void mean(int part, int value) {
        const int difference = value - previous[part], size = bit_length(std::abs(difference));
        if (size > 11) damaged("a repaired block is outside the range of JPEG");
        previous[part] = value;
        out_.symbol(scan_.parts[part].dc, size);
        number(difference, size);
    }

    // Of each part the mean of the block before.
    std::array<int, 4> previous{};

private:
    // The bits of a number, after the symbol that gives their count (F.1.2.1).
    void number(int value, int size) {
        out_.bits(static_cast<std::uint32_t>(value < 0 ? value - 1 : value), size);
    }

    void direct(int part, const JpegBlock& block) {
        if (scan_.high) {
            out_.bits(static_cast<std::uint32_t>(block[0] >> scan_.low), 1);
            return;
        }
        mean(part, block[0] >> scan_.low);
    }

    void coefficient(int slot, int zeros, int value) {
        const int size = bit_length(std::abs(value));
        if (size > 15) damaged("a repaired block is outside the range of JPEG");
        for (; zeros > 15; zeros -= 16) out_.symbol(slot, 0xF0);
        out_.symbol(slot, zeros << 4 | size);
        number(value, size);
    }

    void sequential(int part, const JpegBlock& block, int last) {
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

    // The part of a coefficient that a scan holds: its upper bits, rounded towards zero.
    int shown(const JpegBlock& block, int k) const {
        const int value = block[ZIGZAG[k]];
        return value < 0 ? -(-value >> scan_.low) : value >> scan_.low;
    }

    void first_bits(const JpegBlock& block, int last) {
        int zeros = 0, done = scan_.first - 1;  // the last coefficient written
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

    void more_bits(const JpegBlock& block, int last) {  // Figure G.7
        int last_new = 0;
        for (int k = scan_.first; k <= last; ++k)
            if (std::abs(shown(block, k)) == 1) last_new = k;
        int zeros = 0, done = scan_.first - 1;
        std::string corrections;  // of coefficients that were there before, since the last symbol
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
    int run_ = 0;
    std::string held_;  // corrections of the blocks of the run
};

}  // namespace dustbust
