#include "files/jpeg_huffman.hpp"

#include <algorithm>

namespace dustbust {

HuffmanPointer best_huffman(Frequencies frequency) {
    frequency[256] = 1;
    std::array<int, 257> size{}, next;
    next.fill(-1);
    for (;;) {
        int rare = -1, second = -1;  // of equal ones the last
        for (int i = 0; i < 257; ++i)
            if (frequency[i] && (rare < 0 || frequency[i] <= frequency[rare])) rare = i;
        for (int i = 0; i < 257; ++i)
            if (frequency[i] && i != rare && (second < 0 || frequency[i] <= frequency[second]))
                second = i;
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
    std::array<int, 258> lengths{};  // how many codes have each length
    for (int bits : size) ++lengths[bits];
    lengths[0] = 0;
    for (int bits = 257; bits > 16; --bits)  // Figure K.3
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
    --lengths[longest];  // the code of ones only
    std::array<std::uint8_t, 17> counts{};
    for (int bits = 1; bits <= 16; ++bits) counts[bits] = static_cast<std::uint8_t>(lengths[bits]);
    std::vector<std::uint8_t> symbols;
    for (int bits = 1; bits < 258; ++bits)
        for (int symbol = 0; symbol < 256; ++symbol)
            if (size[symbol] == bits) symbols.push_back(static_cast<std::uint8_t>(symbol));
    return std::make_shared<const Huffman>(counts, std::move(symbols));
}

}  // namespace dustbust
