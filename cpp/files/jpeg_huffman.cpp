#include "files/jpeg_huffman.hpp"

#include <algorithm>

namespace dustbust {

namespace {

// The length of the code of each symbol, without a limit (figure K.1).
std::array<int, 257> code_lengths(Frequencies& frequency) {
    std::array<int, 257> size{}, next;
    next.fill(-1);
    // The symbol of the least frequency, of equal ones the last; -1: there is none but `other`.
    const auto rarest_but = [&](int other) {
        int rare = -1;
        for (int i = 0; i < 257; ++i)
            if (frequency[i] && i != other && (rare < 0 || frequency[i] <= frequency[rare]))
                rare = i;
        return rare;
    };
    for (;;) {
        const int rare = rarest_but(-1), second = rarest_but(rare);
        if (second < 0) return size;
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
}

// Shorten codes of more than 16 bits, and take away the one of ones only (figure K.3).
void limit_lengths(std::array<int, 258>& lengths) {
    for (int bits = 257; bits > 16; --bits)
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
    --lengths[longest];
}

}  // namespace

HuffmanPointer best_huffman(Frequencies frequency) {
    frequency[256] = 1;
    const auto size = code_lengths(frequency);
    std::array<int, 258> lengths{};  // how many codes have each length
    for (int bits : size) ++lengths[bits];
    lengths[0] = 0;
    limit_lengths(lengths);
    std::array<std::uint8_t, 17> counts{};
    for (int bits = 1; bits <= 16; ++bits) counts[bits] = static_cast<std::uint8_t>(lengths[bits]);
    std::vector<std::uint8_t> symbols;
    for (int bits = 1; bits < 258; ++bits)
        for (int symbol = 0; symbol < 256; ++symbol)
            if (size[symbol] == bits) symbols.push_back(static_cast<std::uint8_t>(symbol));
    return std::make_shared<const Huffman>(counts, std::move(symbols));
}

}  // namespace dustbust
