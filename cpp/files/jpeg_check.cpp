#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "files/jpeg_parser.hpp"
#include "files/jpeg_repair.hpp"
#include "files/jpeg_units.hpp"

namespace dustbust {
namespace {

// Whether `count` bits from bit `at` of one and bit `other_at` of the other data are the same.
// Behind the data are eight bytes more.
bool same_bits(const std::uint8_t* data, std::int64_t at, const std::uint8_t* other,
               std::int64_t other_at, std::int64_t count) {
    const auto word = [](const std::uint8_t* from, std::int64_t bit) {
        return eight_bytes(from + (bit >> 3)) << (bit & 7);
    };
    constexpr std::int64_t whole = 56;  // bits of a word that are there wherever it begins
    for (; count > 0; count -= whole, at += whole, other_at += whole) {
        const std::uint64_t difference = word(data, at) ^ word(other, other_at);
        if (difference >> (64 - std::min(count, whole))) return false;
    }
    return true;
}

// Compares one scan of a file and of its repaired copy.
class ScanComparison {
public:
    ScanComparison(const Frame& frame, const Scan& scan,
                   const std::array<HuffmanPointer, 32>& tables, const ChangedPixels& changed)
        : scan_(scan), tables_(tables), units_(frame, scan) {
        touched_ = changed.parts(units_.height, units_.width, units_.down, units_.across);
    }

    bool operator()(const EntropyData& old, const EntropyData& now,
                    const std::vector<JpegEdit>& edits, std::int64_t number) const {
        if (old.intervals() != 1 || now.intervals() != 1) return false;
        const std::int64_t all = units_.down * units_.across;
        std::int64_t at = 0, now_at = 0, unit = 0;
        for (const auto& edit : edits) {
            if (edit.scan != number) continue;
            if (edit.begin < at || edit.new_begin < now_at || edit.end < edit.begin ||
                edit.new_end < edit.new_begin || edit.end > 8 * old.end_of(0) ||
                edit.new_end > 8 * now.end_of(0) || edit.first < unit || edit.first > all ||
                edit.units < 0 || edit.units > all - edit.first)
                return false;
            if (edit.begin - at != edit.new_begin - now_at ||
                !same_bits(old.bytes(), at, now.bytes(), now_at, edit.begin - at) ||
                !as_meant(old, now, edit))
                return false;
            at = edit.end, now_at = edit.new_end, unit = edit.first + edit.units;
        }
        // Behind the last block up to seven bits fill the byte.
        return unit == all && 8 * old.end_of(0) - at < 8 && 8 * now.end_of(0) - now_at < 8;
    }

private:
    // Whether the blocks of an edit are those that were meant.
    bool as_meant(const EntropyData& old, const EntropyData& now, const JpegEdit& edit) const {
        BitReader bits(old, edit.begin), now_bits(now, edit.new_begin);
        ScanReader reader(scan_, false, tables_, bits), now_reader(scan_, false, tables_, now_bits);
        std::int64_t hash = 0;
        for (std::int64_t unit = edit.first; unit < edit.first + edit.units; ++unit)
            for (const auto& place : units_.places) {
                JpegBlock before{}, after{};
                reader.block(place.part, before);
                now_reader.block(place.part, after);
                if (touched_[static_cast<std::size_t>(unit)]) hash = hash_of(after, 0, hash);
                else if (before != after) return false;
            }
        const bool is_last = edit.first + edit.units == units_.down * units_.across;
        return hash == edit.hash && bits.position() == edit.end &&
               now_bits.position() == edit.new_end &&
               (is_last || reader.previous() == now_reader.previous());
    }

    const Scan& scan_;
    const std::array<HuffmanPointer, 32>& tables_;
    const Units units_;
    std::vector<std::uint8_t> touched_;
};

}  // namespace

bool is_repaired_copy(const std::uint8_t* data, std::size_t size, const std::uint8_t* repaired,
                      std::size_t repaired_size, Image<const std::uint8_t> changed,
                      const std::vector<JpegEdit>& edits) {
    Parser parser(data, size), now_parser(repaired, repaired_size);
    const ChangedPixels pixels(changed);
    for (std::int64_t number = 0;;) {
        const Segment segment = parser.next(), other = now_parser.next();
        const auto length = segment.end - segment.begin;
        if (other.end - other.begin != length ||
            std::memcmp(segment.begin, other.begin, static_cast<std::size_t>(length)) != 0)
            return false;
        if (segment.marker == EOI) return now_parser.position() == now_parser.end();
        if (segment.marker != SOS) continue;
        const Scan scan = parser.scan(segment);
        if (parser.frame.height != changed.rows || parser.frame.width != changed.columns)
            throw std::invalid_argument("changed must fit the file");
        if (parser.interval || parser.frame.progressive) return false;
        const EntropyData old_bits(parser.position(), parser.end()),
            now_bits(now_parser.position(), now_parser.end());
        const ScanComparison same(parser.frame, scan, parser.tables, pixels);
        if (!old_bits.behind() || !now_bits.behind() || !same(old_bits, now_bits, edits, number++))
            return false;
        parser.go_to(old_bits.behind());
        now_parser.go_to(now_bits.behind());
    }
}

}  // namespace dustbust
