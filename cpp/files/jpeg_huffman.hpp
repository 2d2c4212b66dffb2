// Huffman tables of JPEG files.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "files/jpeg.hpp"

namespace dustbust {

struct Huffman {
    std::array<std::uint8_t, 17> counts{};  // of codes of each length
    std::vector<std::uint8_t> symbols;
    std::array<std::uint16_t, 256> code{};
    std::array<std::uint8_t, 256> length{};  // 0: the symbol has no code
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
                std::fill(first, first + (std::ptrdiff_t{1} << (16 - bits)),
                          static_cast<std::uint16_t>(bits << 8 | symbol));
            }
            next <<= 1;
        }
    }

    bool operator==(const Huffman& other) const {
        return counts == other.counts && symbols == other.symbols;
    }

    // A DHT segment (B.2.4.2). The slot of a table is class << 4 | destination, here as everywhere.
    std::string segment(int slot) const {
        const std::size_t bytes = 2 + 1 + 16 + symbols.size();
        std::string result{static_cast<char>(0xFF), static_cast<char>(DHT),
                           static_cast<char>(bytes >> 8), static_cast<char>(bytes),
                           static_cast<char>(slot)};
        result.append(counts.begin() + 1, counts.end());
        return result.append(symbols.begin(), symbols.end());
    }
};

using HuffmanPointer = std::shared_ptr<const Huffman>;
using Frequencies =
    std::array<std::int64_t, 257>;  // one more for the code of ones only, which is not used

// Section K.2: the table with the shortest code for these frequencies.
HuffmanPointer best_huffman(Frequencies frequency);

}  // namespace dustbust
