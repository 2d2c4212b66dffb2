// The mean of the scans of one page, at each pixel without those in which dust lies on it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"

namespace dustbust {

// Marks of the dust on the scanner: 60 + 180 * opacity, 0 where there is none. The Python side
// (core/dustbust/stacking) reads both numbers from here. Marks may be blurred by resampling. Marks
// from `dust_edge` on mean dust. Opacities are uncertain by `dust_step`: dust is taken out as if
// its opacity were less by this, to avoid halos. Where no scan is better, dust up to `dust_heavy`
// (a half) is taken out, or, if it is not known whether it is dark or light, dust below `dust_core`
// (a fourth) is left.
constexpr int dust_mark = 60, dust_per_opacity = 180;
constexpr float dust_edge = 30, dust_core = 105, dust_heavy = 150, dust_step = 10,
                dust_zero = dust_mark + dust_step, dust_opaque = dust_per_opacity;

// How much two clean scans may differ in luminance (0..1) at a pixel: by noise, and by the effect
// of a small misalignment at an edge.
struct Tolerance {
    float noise, per_gradient;
};

// The outcome at a pixel: it shows the page, or it is too dusty in all scans and has to be filled.
enum class Outcome : std::uint8_t { clean, filled_later };

// stack: colours, then alpha (0 = no data), aligned. dust: for each scan (rows, columns), the mark
// of the scanner's dust at this pixel. Rows
// `margin` to rows - margin of the stack become those of `out` and `outcome`; the others serve only
// for the gradient. `largest` stands for 1.
//
// Scans without dust at the pixel are averaged. Where these disagree by more than the tolerance,
// three or more are cut down to those near their median. If most are not near it, or of two, the
// one that is not of the dust's `polarity` (-1 dark, 1 light, 0 unknown: all are kept) is taken,
// with those near it. Where all scans have dust,
// those with the least of it count, and the light it took is restored; where it is too much, the
// pixel is to be filled later.
template <class T>
void dust_free_mean(const std::vector<Image<const T>>& stack,
                    const std::vector<Image<const std::uint8_t>>& dust, std::ptrdiff_t margin,
                    Tolerance tolerance, int polarity, float largest, Image<T> out,
                    Image<std::uint8_t> outcome, int threads);

}  // namespace dustbust
