// Huffman codes and bits, from and to the entropy-coded data of JPEG files.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "files/jpeg.hpp"
#include "files/jpeg_huffman.hpp"

namespace dustbust {

// Eight bytes as a number, the first one highest.
inline std::uint64_t eight_bytes(const std::uint8_t* at) {
    std::uint64_t value = 0;
    for (int k = 0; k < 8; ++k) value = value << 8 | at[k];
    return value;
}

// The data of a scan without stuffed bytes and restart markers, interval by interval.
class EntropyData {
public:
    EntropyData(const std::uint8_t* begin, const std::uint8_t* end)
        : bytes_(new std::uint8_t[static_cast<std::size_t>(end - begin) + padding]) {
        std::uint8_t* out = bytes_.get();
        const std::uint8_t* at = begin;
        for (;;) {
            const auto* found = static_cast<const std::uint8_t*>(
                at < end ? std::memchr(at, 0xFF, static_cast<std::size_t>(end - at)) : nullptr);
            const std::uint8_t* stop = found ? found : end;
            out = std::copy(at, stop, out);
            at = stop;
            if (end - at < 2) break;
            if (at[1] == 0) {
                *out++ = 0xFF;
            } else if (at[1] == RST0 + (static_cast<int>(ends_.size()) & 7)) {
                ends_.push_back(out - bytes_.get());
            } else {
                break;
            }
            at += 2;
        }
        ends_.push_back(out - bytes_.get());
        std::fill_n(out, padding, std::uint8_t{0});
        while (end - at >= 2 && at[0] == 0xFF && at[1] == 0xFF) ++at;  // fill bytes
        behind_ = end - at >= 2 && at[0] == 0xFF && at[1] != 0 ? at : nullptr;
    }

    const std::uint8_t* bytes() const { return bytes_.get(); }
    std::size_t intervals() const { return ends_.size(); }
    std::ptrdiff_t begin_of(std::size_t interval) const {
        return interval ? ends_[interval - 1] : 0;
    }
    std::ptrdiff_t end_of(std::size_t interval) const { return ends_[interval]; }
    // The marker behind the data; null: there is none.
    const std::uint8_t* behind() const { return behind_; }

private:
    // More than a block takes (64 codes of 16 bits, each with a number of up to 15): readers check
    // only after each block whether they went too far.
    static constexpr std::ptrdiff_t padding = 512;

    std::unique_ptr<std::uint8_t[]> bytes_;
    std::vector<std::ptrdiff_t> ends_;  // of each interval, in bytes
    const std::uint8_t* behind_ = nullptr;
};

class BitReader {
public:
    explicit BitReader(const EntropyData& data) : data_(data) { go_to(0); }
    // From a bit of the first interval on.
    BitReader(const EntropyData& data, std::int64_t bit) : data_(data) {
        go_to(static_cast<std::ptrdiff_t>(bit >> 3));
        drop(static_cast<int>(bit & 7));
    }

    // The next `count` bits, up to 32, the first one highest.
    std::uint32_t next(int count) const {
        return count ? static_cast<std::uint32_t>(buffer_ >> (64 - count)) : 0;
    }
    void drop(int count) {
        buffer_ <<= count;
        held_ -= count;
    }
    // Have at least 56 bits.
    void fill() {
        buffer_ |= eight_bytes(at_) >> held_;
        at_ += (63 - held_) >> 3;
        held_ |= 56;
    }

    int bits(int count) {
        if (held_ < 32) fill();
        const auto value = static_cast<int>(next(count));
        drop(count);
        return value;
    }

    int symbol(const Huffman& table) {
        if (held_ < 32) fill();
        const int found = table.lookup[next(16)], length = found >> 8;
        if (length == 0) damaged("its data are damaged");
        drop(length);
        return found & 0xFF;
    }

    // F.2.2.1: a number of which `size` bits are stored.
    int extended(int size) {
        const int value = bits(size);
        return size && value < (1 << (size - 1)) ? value - (1 << size) + 1 : value;
    }

    // How many bits of the data were read.
    std::int64_t position() const { return (at_ - data_.bytes()) * 8 - held_; }

    // To be called after each block.
    void check() const {
        if (position() > 8 * data_.end_of(interval_)) damaged("its data end early");
    }

    // Go past a restart marker.
    void restart() {
        finish_interval();
        if (++interval_ == data_.intervals()) damaged("a restart marker is missing");
        go_to(data_.begin_of(interval_));
    }

    // Go to the marker that must be next, and return its place.
    const std::uint8_t* finish() {
        finish_interval();
        if (interval_ + 1 < data_.intervals() || !data_.behind())
            damaged("it has more data than its size needs");
        return data_.behind();
    }

private:
    void go_to(std::ptrdiff_t byte) {
        at_ = data_.bytes() + byte;
        buffer_ = 0;
        held_ = 0;
        fill();
    }

    void finish_interval() const {
        check();
        if (8 * data_.end_of(interval_) - position() >= 8)
            damaged("it has more data than its size needs");
    }

    const EntropyData& data_;
    const std::uint8_t* at_ = nullptr;  // of the byte behind the bits that are held
    std::uint64_t buffer_ = 0;  // bits from the highest one on; behind those held may be more
    int held_ = 0;
    std::size_t interval_ = 0;
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
        : output_(output), tables_(tables), bytes_(new std::uint8_t[chunk + 8]) {}

    void symbol(int slot, int value) {
        bits(tables_[slot]->code[value], tables_[slot]->length[value]);
    }

    void bits(std::uint32_t value, int count) { put(value & ((1u << count) - 1), count); }

    // The bits begin..end-1 of some data, behind which there are eight bytes more.
    void copy(const std::uint8_t* data, std::int64_t begin, std::int64_t end) {
        for (; end - begin >= 32; begin += 32)
            put(static_cast<std::uint32_t>(eight_bytes(data + (begin >> 3)) << (begin & 7) >> 32),
                32);
        if (const int rest = static_cast<int>(end - begin))
            put(static_cast<std::uint32_t>(eight_bytes(data + (begin >> 3)) << (begin & 7) >>
                                           (64 - rest)),
                rest);
    }

    void restart(int number) {
        finish();
        output_ += static_cast<char>(0xFF);
        output_ += static_cast<char>(RST0 + number);
    }

    // How many bits were written, without stuffed bytes and markers.
    std::int64_t position() const {
        return 8 * (flushed_ + static_cast<std::int64_t>(used_)) + held_;
    }

    void finish() {
        bits(0x7F, (8 - held_ % 8) % 8);  // F.1.2.3: fill up with ones
        while (held_ >= 8) {
            held_ -= 8;
            bytes_[used_++] = static_cast<std::uint8_t>(buffer_ >> held_);
        }
        flush();
    }

private:
    static constexpr std::size_t chunk = 1 << 15;  // bytes that are kept before they are stuffed

    // Fewer than 32 bits are held before and after. `value` has no more bits than `count`.
    void put(std::uint32_t value, int count) {
        buffer_ = buffer_ << count | value;
        held_ += count;
        if (held_ < 32) return;
        held_ -= 32;
        const auto word = static_cast<std::uint32_t>(buffer_ >> held_);
        for (int k = 0; k < 4; ++k)
            bytes_[used_++] = static_cast<std::uint8_t>(word >> (24 - 8 * k));
        if (used_ >= chunk) flush();
    }

    // Append the whole bytes with a 0 behind each 0xFF.
    void flush() {
        const std::uint8_t *at = bytes_.get(), *const end = at + used_;
        while (at < end) {
            const auto* found = static_cast<const std::uint8_t*>(
                std::memchr(at, 0xFF, static_cast<std::size_t>(end - at)));
            const std::uint8_t* stop = found ? found + 1 : end;
            output_.append(reinterpret_cast<const char*>(at), static_cast<std::size_t>(stop - at));
            if (found) output_ += '\0';
            at = stop;
        }
        flushed_ += static_cast<std::int64_t>(used_);
        used_ = 0;
    }

    std::string& output_;
    const std::array<HuffmanPointer, 32>& tables_;
    std::unique_ptr<std::uint8_t[]> bytes_;
    std::size_t used_ = 0;
    std::int64_t flushed_ = 0;  // bytes, before they were stuffed
    std::uint64_t buffer_ = 0;
    int held_ = 0;
};

}  // namespace dustbust
