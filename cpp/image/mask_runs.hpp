// Visiting the set pixels of a mask, fast where there are few.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace dustbust {

// Call visit(begin, end) for each row of set pixels begin..end-1 in a line of bytes that are 0
// or 1.
template <class Visit>
void each_run(const std::uint8_t* line, std::ptrdiff_t length, Visit visit) {
    const std::uint8_t* const stop = line + length;
    for (const std::uint8_t* at = line; at < stop;) {
        const auto* begin = static_cast<const std::uint8_t*>(std::memchr(at, 1, stop - at));
        if (!begin) return;
        const auto* end = static_cast<const std::uint8_t*>(std::memchr(begin, 0, stop - begin));
        if (!end) end = stop;
        visit(begin - line, end - line);
        at = end;
    }
}

}  // namespace dustbust
