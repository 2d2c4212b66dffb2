// The units of a scan, and which of them hold pixels that changed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/image.hpp"
#include "files/jpeg_scan.hpp"
#include "image/mask_runs.hpp"

namespace dustbust {

// The units of a scan: all blocks of a place of the picture, or single blocks of a component
// that is alone.
struct Units {
    struct Place {
        int part;
        Index down, right;  // of a block in its unit
    };
    Index height, width, down, across;  // height and width in pixels
    std::vector<Place> places;
    std::vector<std::pair<Index, Index>> blocks;  // of each part in a unit, down and across

    Units(const Frame& frame, const Scan& scan) {
        if (scan.parts.size() == 1) {
            const auto& only = frame.components[scan.parts[0].component];
            height = 8 * (frame.vertical / only.vertical);
            width = 8 * (frame.horizontal / only.horizontal);
            down = frame.own_rows(only), across = frame.own_columns(only);
            places = {{0, 0, 0}}, blocks = {{1, 1}};
            return;
        }
        height = 8 * frame.vertical, width = 8 * frame.horizontal;
        down = frame.units_down(), across = frame.units_across();
        for (std::size_t part = 0; part < scan.parts.size(); ++part) {
            const auto& component = frame.components[scan.parts[part].component];
            blocks.emplace_back(component.vertical, component.horizontal);
            for (int v = 0; v < component.vertical; ++v)
                for (int h = 0; h < component.horizontal; ++h)
                    places.push_back({static_cast<int>(part), v, h});
        }
    }
    Index block_rows(const Place& place) const { return blocks[place.part].first; }
    Index block_columns(const Place& place) const { return blocks[place.part].second; }
};

// The pixels that changed (1; others 0).
class ChangedPixels {
public:
    explicit ChangedPixels(Image<const std::uint8_t> changed) : changed_(changed) {}

    bool any_changed(Index top, Index left, Index height, Index width) const {
        if (left >= changed_.columns) return false;
        const auto bytes = static_cast<std::size_t>(std::min(width, changed_.columns - left));
        for (Index y = top; y < std::min(top + height, changed_.rows); ++y)
            if (std::memchr(&changed_(y, left), 1, bytes)) return true;
        return false;
    }

    // Which parts of the picture, of `height` x `width` pixels in `down` rows of `across`, changed.
    std::vector<std::uint8_t> parts(Index height, Index width, Index down, Index across) const {
        std::vector<std::uint8_t> result(down * across, 0);
        for (Index y = 0; y < std::min(changed_.rows, down * height); ++y)
            each_run(changed_.row(y), std::min(changed_.columns, across * width),
                     [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                         const auto row = result.begin() + y / height * across;
                         std::fill(row + begin / width, row + (end - 1) / width + 1,
                                   std::uint8_t{1});
                     });
        return result;
    }

private:
    const Image<const std::uint8_t> changed_;
};

}  // namespace dustbust
