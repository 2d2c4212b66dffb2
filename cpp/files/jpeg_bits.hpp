// Huffman codes and bits, from and to the entropy-coded data of JPEG files.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "files/jpeg.hpp"
#include "files/jpeg_huffman.hpp"

namespace dustbust {

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
        fill(0);  // up to 16 bits, fewer before a marker
        const auto next = static_cast<std::uint32_t>(held_ >= 16 ? buffer_ >> (held_ - 16)
                                                                 : buffer_ << (16 - held_)) &
                          0xFFFF;
        const int found = table.lookup[next], length = found >> 8;
        if (length == 0 || length > held_)
            damaged(length ? "its data end early" : "its data are damaged");
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
        if (end_ - position_ < 2 || position_[0] != 0xFF || position_[1] != RST0 + number)
            damaged("a restart marker is missing");
        position_ += 2;
    }

    // Go to the marker that must be next; gives its place.
    const std::uint8_t* finish() {
        if (held_ >= 8) damaged("it has more data than its size needs");
        held_ = 0;
        buffer_ = 0;
        while (end_ - position_ >= 2 && position_[0] == 0xFF && position_[1] == 0xFF)
            ++position_;  // fill bytes
        if (end_ - position_ < 2 || position_[0] != 0xFF || position_[1] == 0)
            damaged("it has more data than its size needs");
        return position_;
    }

private:
    void fill(int needed) {
        while (held_ <= 24) {
            if (position_ == end_) break;
            const std::uint8_t byte = *position_;
            if (byte == 0xFF) {
                if (end_ - position_ < 2 || position_[1] != 0) break;  // a marker
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

// The sink of the first of two passes of an encoder: counts how often each symbol is used.
struct Counter {
    std::array<Frequencies, 32> frequencies{};  // of each slot
    void symbol(int slot, int value) { ++frequencies[slot][value]; }
    void bits(std::uint32_t, int) {}
    void restart(int) {}
};

class BitWriter {
public:
    BitWriter(std::string& output, const std::array<HuffmanPointer, 32>& tables)
        : output_(output), tables_(tables) {}

    void symbol(int slot, int value) {
        bits(tables_[slot]->code[value], tables_[slot]->length[value]);
    }

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
        bits(0x7F, (8 - held_ % 8) % 8);  // F.1.2.3: fill up with ones
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

}  // namespace dustbust
