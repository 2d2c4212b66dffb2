// The picture under dust, interpolated from the picture around it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image.hpp"
#include "image/connected_components.hpp"
#include "image/masked_pixels.hpp"

namespace dustbust {

// Pictures that are processed side by side in vector registers.
constexpr std::ptrdiff_t most_together = 8;

// The pixels of a mask, prepared for any number of pictures of its size.
class Membranes {
public:
    explicit Membranes(Image<const std::uint8_t> mask);

    std::ptrdiff_t rows() const { return rows_; }
    std::ptrdiff_t columns() const { return columns_; }
    std::ptrdiff_t size() const { return masked_.size(); }
    const std::vector<std::int64_t>& positions() const { return masked_.positions(); }

    // For each masked pixel: `filled`, the membrane that the known pixels around the particle span
    // (Laplace's equation; at the border of the picture the slope across it is 0), and `spread`,
    // the standard deviation of the luminance of the known pixels around, by which the picture is
    // likely to differ from the membrane. Both are in the numbers of the image times `scale`.
    // `unknown`: bytes, 1 where an unmasked pixel must not be used either; unknown.data may be
    // null. A particle without any known pixel beside it is left as it is, with a spread of 1.
    template <class T>
    void operator()(Image<const T> image, std::ptrdiff_t colours, float scale,
                    Image<const std::uint8_t> unknown, float* filled, float* spread,
                    int threads) const;

    // The same for up to `most_together` pictures of one channel at a time, N x pictures each, in
    // little more time than for one. The results are those of each picture alone.
    template <class T>
    void together(const std::vector<const T*>& images, float scale, float* filled, float* spread,
                  int threads) const;

private:
    template <class Source>
    void solve(Source source, Image<const std::uint8_t> unknown, float* filled, float* spread,
               int threads) const;

    std::ptrdiff_t rows_, columns_;
    MaskedPixels masked_;
    Components particles_;
    std::vector<std::int32_t> begins_,
        members_;  // the pixels of each particle, one particle after the other
};

}  // namespace dustbust
