// By how much scans differ from the page that the other scans show, on the grid of the scanner.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"

namespace dustbust {

// A part of a scan, and the page as other scans show it there, colours and alpha (0 = no data). No
// rows: the scan does not reach this part of the scanner. gain * value + offset, in units of white,
// is as bright as the page.
template <class T>
struct ScanAndPage {
    Image<const T> scan;
    bool alpha;  // of the scan
    Image<const T> page;
    float gain, offset;
};

// How exactly scans agree where there is no dust: standard deviation of a blurred difference, in
// units of white, and px by which they may be misaligned. `largest` stands for white.
struct Accuracy {
    float noise, misaligned, largest;
};

// The input of the kernels below: one part of the scanner. Its first and last rows surround the
// result and are only read. `scans` may be smaller than the scanner.
template <class T>
struct PartOfScanner {
    std::vector<ScanAndPage<T>> scans;
    Accuracy accuracy;
    int polarity;     // of the dust: -1 dark, 1 light, 0 unknown
    Index first_row;  // the results begin with this row
};

// One scan: the difference in standard deviations, its luminance and that of the page in units of
// white, and 1 where both have data, else 0. out: (rows, columns) each, the planes one after the
// other.
template <class T>
void scan_differences(const PartOfScanner<T>& part, Image<float> out, int threads);

// All scans together: the difference in standard deviations, below 0 for dark dust; the difference
// as a share of what opaque dust would make; and the luminance of the lightest scan, for light dust
// of the darkest one. out: three planes.
//
// Of more than two scans the median counts; of an even number, the median of the middle two and of
// 0. Of two scans, if dust of both polarities is possible, it is the same: the difference that both
// show. It is 0 where only one scan can be compared, as its difference may come from dust on the
// other one. If only one polarity is possible, one scan of two is enough: where it is darker than
// the page in the other scan, it has dark dust.
template <class T>
void scanner_evidence(const PartOfScanner<T>& part, Image<float> out, int threads);

// Dust differs from the page by `strong_evidence` standard deviations, and the pixels connected
// with it by `weak_evidence`. Codes of a difference: 0 for less than both; of one scan,
// `code_unknown` where it cannot be compared.
constexpr float weak_evidence = 2.0f, strong_evidence = 4.5f;
constexpr int code_weak = 1, code_strong = 2, code_unknown = 3;

// The first two in bytes. out: two planes, codes and marks (see dust_free_mean.hpp); and for two
// scans two more planes, the codes of each.
template <class T>
void scanner_codes(const PartOfScanner<T>& part, Image<std::uint8_t> out, int threads);

}  // namespace dustbust
