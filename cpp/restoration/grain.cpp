// Each tile of 8 x 8 pixels borrows the detail of another place nearby: the difference between the
// picture and its 7 x 7 blur. It is borrowed as a whole, so that it keeps its spectrum and its
// correlation between colours. Of some places around the tile, which a hash of its position
// chooses, the one most like the tile is taken, but none that is much rougher than the others: its
// detail is an edge and not grain. The borrowed detail is scaled: the tile then has the same energy
// of the finest detail as that place. More is added where more was filled. The finest detail is the
// difference from a 5 x 5 blur. A fill lacks it, and the borrowed detail has all of it.
#include "restoration/grain.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/lazy_zeros.hpp"
#include "base/parallel.hpp"
#include "image/rec601.hpp"

namespace dustbust {
namespace {

constexpr std::ptrdiff_t side = 8;  // of a tile, px
constexpr int enough = 6,
              tries = 64;  // places to choose from, and the largest number of places that are tried
constexpr int most_colours = 3;
constexpr std::ptrdiff_t border = 3, block = side + 2 * border;
using Bell = std::array<float, 2 * border + 1>;
constexpr Bell narrow = {0, 1 / 16.0f, 4 / 16.0f, 6 / 16.0f, 4 / 16.0f, 1 / 16.0f, 0};
constexpr Bell wide = {3 / 30.0f, 4 / 30.0f, 5 / 30.0f, 6 / 30.0f, 5 / 30.0f, 4 / 30.0f, 3 / 30.0f};
constexpr float most =
    4;  // multiple of the mean size of a tile's detail: more is not grain but an edge
constexpr float roughest =
    2;  // multiple of the energy of detail of other places, or of the tile's clean pixels
constexpr float luma[most_colours] = {red_weight, green_weight, blue_weight};

// Mixes the bits of a number (the finalizer of MurmurHash3, A. Appleby).
std::uint64_t mixed(std::uint64_t bits) {
    bits = (bits ^ (bits >> 33)) * 0xff51afd7ed558ccdULL;
    bits = (bits ^ (bits >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return bits ^ (bits >> 33);
}

struct Shift {
    std::ptrdiff_t dy, dx;
};

// A place to borrow from: how far its means are from the tile's, and the energy of its differences
// from pixel to pixel.
struct Place {
    Shift by;
    float unlike, rough;
};

// The place to try as the `attempt`th one, farther and farther away from the tile: 8 to 250 px.
Shift shift(std::int64_t tile, int attempt) {
    static const auto ring = [] {
        std::array<Shift, 64> result;
        for (std::size_t k = 0; k < result.size(); ++k) {
            const double angle = 2 * 3.14159265358979323846 * k / result.size();
            result[k] = {std::lround(1024 * std::sin(angle)), std::lround(1024 * std::cos(angle))};
        }
        return result;
    }();
    const std::uint64_t bits = mixed(static_cast<std::uint64_t>(tile) * 64 + attempt);
    const std::ptrdiff_t nearest = 8 + attempt * attempt / 18,
                         radius =
                             nearest + static_cast<std::ptrdiff_t>((bits >> 8) % (nearest / 2));
    const Shift unit = ring[bits % ring.size()];
    return {unit.dy * radius / 1024, unit.dx * radius / 1024};
}

// A tile and its border, the colours of a pixel side by side, and the tile blurred.
struct Tile {
    float value[block][block * most_colours] = {};
    float smoothed[side][side * most_colours];

    void smooth(const Bell& bell) {
        float down[side][block * most_colours] = {};
        for (std::ptrdiff_t y = 0; y < side; ++y)
            for (std::size_t k = 0; k < bell.size(); ++k)
                for (std::ptrdiff_t x = 0; x < block * most_colours; ++x)
                    down[y][x] += bell[k] * value[y + k][x];
        for (std::ptrdiff_t y = 0; y < side; ++y) {
            std::fill_n(smoothed[y], side * most_colours, 0.0f);
            for (std::size_t k = 0; k < bell.size(); ++k)
                for (std::ptrdiff_t x = 0; x < side * most_colours; ++x)
                    smoothed[y][x] += bell[k] * down[y][x + k * most_colours];
        }
    }
};

template <class T>
class Grain {
public:
    Grain(Image<const T> image, const MaskedPixels& masked, std::ptrdiff_t colours,
          const float* values)
        : image_(image),
          masked_(masked),
          unclean_(near(masked)),
          colours_(colours),
          values_(values) {}

    void add(std::int64_t tile, std::ptrdiff_t top, std::ptrdiff_t left, const float* share,
             float* result) const {
        const TilePixels pixels = masked_pixels(top, left);
        Shift best;
        if (!find_place(tile, pixels, best)) return;  // nothing clean within reach

        // The tile where detail is borrowed, and the filled tile, each with a border.
        Tile source, own;
        for (std::ptrdiff_t y = 0; y < block; ++y)
            for (std::ptrdiff_t x = 0; x < block; ++x) {
                const std::ptrdiff_t v = top + y - border, u = left + x - border;
                read(v + best.dy, u + best.dx, &source.value[y][x * most_colours]);
                read(v, u, &own.value[y][x * most_colours]);
            }
        source.smooth(wide);
        float detail[side * side][most_colours], size[most_colours] = {};
        for (int k = 0; k < pixels.count; ++k)
            for (std::ptrdiff_t c = 0; c < colours_; ++c) {
                const std::ptrdiff_t y = pixels.rows[k] - top,
                                     x = (pixels.columns[k] - left) * most_colours + c;
                detail[k][c] =
                    source.value[y + border][x + border * most_colours] - source.smoothed[y][x];
                size[c] += std::abs(detail[k][c]) / pixels.count;
            }
        source.smooth(narrow);
        own.smooth(narrow);
        // A pixel of which the part p was filled has its own grain, of amplitude 1 - p, and lacks
        // the energy 1 - (1 - p)^2.
        float lacks[side * side], borrowed = 0, wanted = 0, present = 0;
        for (int k = 0; k < pixels.count; ++k) {
            const float part = std::clamp(share[pixels.places[k]], 0.0f, 1.0f);
            const std::ptrdiff_t y = pixels.rows[k] - top, x = pixels.columns[k] - left;
            lacks[k] = part * (2 - part);
            const float finest = square_of_finest(source, y, x);
            wanted += finest;
            borrowed += lacks[k] * finest;
            present += square_of_finest(own, y, x);
        }
        wanted = std::min(wanted, most_energy(own, top, left, pixels.count));
        if (wanted <= present || borrowed <= 0) return;
        const float energy = (wanted - present) / borrowed;
        for (int k = 0; k < pixels.count; ++k) {
            const float amplitude = std::sqrt(std::min(energy * lacks[k], 1.0f));
            for (std::ptrdiff_t c = 0; c < colours_; ++c)
                result[pixels.places[k] * colours_ + c] =
                    amplitude * std::clamp(detail[k][c], -most * size[c], most * size[c]);
        }
    }

private:
    // 1 within a disc of this radius, in px, around each masked pixel: it holds the 7 x 7 pixels
    // that are compared.
    static LazyZeros<std::uint8_t> near(const MaskedPixels& masked) {
        constexpr std::ptrdiff_t radius = 4;
        const std::ptrdiff_t columns = masked.columns();
        LazyZeros<std::uint8_t> result(masked.rows() * columns);
        const auto& positions = masked.positions();
        for (std::size_t k = 0; k < positions.size();) {
            const std::size_t first = k++;  // of a run in a row
            while (k < positions.size() && positions[k] == positions[k - 1] + 1 &&
                   positions[k] % columns)
                ++k;
            const std::ptrdiff_t y = positions[first] / columns, left = positions[first] % columns,
                                 right = positions[k - 1] % columns + 1;
            for (std::ptrdiff_t dy = -radius; dy <= radius; ++dy) {
                if (y + dy < 0 || y + dy >= masked.rows()) continue;
                const std::ptrdiff_t wider =
                    std::lround(std::sqrt(double(radius * radius - dy * dy)));
                const std::ptrdiff_t from = std::max<std::ptrdiff_t>(left - wider, 0);
                std::memset(&result[(y + dy) * columns + from], 1,
                            static_cast<std::size_t>(std::min(right + wider, columns) - from));
            }
        }
        return result;
    }

    // Sums over each quarter of a tile: they show the structure and not the grain.
    using Quarters = float[4][most_colours];

    // The masked pixels of a tile.
    struct TilePixels {
        std::array<std::ptrdiff_t, side * side> places, rows, columns;
        std::array<int, side * side> quarter;  // which quarter of the tile a pixel is in
        int count = 0;
    };

    TilePixels masked_pixels(std::ptrdiff_t top, std::ptrdiff_t left) const {
        TilePixels pixels;
        for (std::ptrdiff_t y = top; y < std::min(top + side, image_.rows); ++y)
            for (std::ptrdiff_t x = left; x < std::min(left + side, image_.columns); ++x) {
                const std::ptrdiff_t place = masked_(y, x);
                if (place < 0) continue;
                const int k = pixels.count++;
                pixels.places[k] = place, pixels.rows[k] = y, pixels.columns[k] = x;
                pixels.quarter[k] = (y - top >= side / 2) * 2 + (x - left >= side / 2);
            }
        return pixels;
    }

    // Find the place to borrow from for a tile; false if there is none.
    bool find_place(std::int64_t tile, const TilePixels& pixels, Shift& best) const {
        Quarters own = {};
        for (int k = 0; k < pixels.count; ++k)
            for (std::ptrdiff_t c = 0; c < colours_; ++c)
                own[pixels.quarter[k]][c] += values_[pixels.places[k] * colours_ + c];
        std::array<Place, enough> places;
        int found = 0;
        // With dust all around: places between its particles.
        for (const bool between_dust : {false, true}) {
            if (found) break;
            for (int attempt = 0; attempt < tries && found < enough; ++attempt)
                found += look(shift(tile, attempt), pixels, between_dust, own, places[found]);
        }
        if (!found) return false;
        best = best_of(places, found);
        return true;
    }

    // Of equally good places the first one is taken: the result must not depend on how the library
    // orders equals.
    static Shift best_of(const std::array<Place, enough>& places, int count) {
        const auto end = places.begin() + count;
        std::array<float, enough> roughness{};
        std::transform(places.begin(), end, roughness.begin(),
                       [](const Place& place) { return place.rough; });
        std::nth_element(roughness.begin(), roughness.begin() + (count - 1) / 2,
                         roughness.begin() + count);
        const float limit = roughest * roughness[(count - 1) / 2];
        return std::min_element(places.begin(), end,
                                [&](const Place& a, const Place& b) {
                                    return std::make_pair(a.rough > limit, a.unlike) <
                                           std::make_pair(b.rough > limit, b.unlike);
                                })
            ->by;
    }

    // Whether a pixel can be borrowed: clean, or at least not masked, with data.
    bool is_usable(std::ptrdiff_t y, std::ptrdiff_t x, bool between_dust) const {
        if (y < border || x < border || y >= image_.rows - border || x >= image_.columns - border)
            return false;
        if (between_dust ? masked_.contains(y, x) : unclean_[y * image_.columns + x]) return false;
        return image_.channels == colours_ || image_(y, x, colours_) != 0;
    }

    // Compare the pixels at a distance with those of the tile, whose sums are `own`; false where
    // some of them cannot be used.
    bool look(Shift by, const TilePixels& pixels, bool between_dust, const Quarters& own,
              Place& place) const {
        Quarters other = {};
        float rough = 0;
        for (int k = 0; k < pixels.count; ++k) {
            const std::ptrdiff_t y = pixels.rows[k] + by.dy, x = pixels.columns[k] + by.dx;
            if (!is_usable(y, x, between_dust)) return false;
            const T* pixel = image_.row(y) + x * image_.channels;
            for (std::ptrdiff_t c = 0; c < colours_; ++c) {
                const float value = pixel[c], right = value - pixel[c - image_.channels];
                const float down = value - pixel[c - image_.columns * image_.channels];
                other[pixels.quarter[k]][c] += value, rough += right * right + down * down;
            }
        }
        float unlike = 0;
        for (int q = 0; q < 4; ++q)
            for (std::ptrdiff_t c = 0; c < colours_; ++c)
                unlike += (other[q][c] - own[q][c]) * (other[q][c] - own[q][c]);
        place = {by, unlike, rough};
        return true;
    }

    // The most energy of detail for `count` pixels of a tile. Where much of the tile is clean,
    // far stronger detail belongs to something else.
    float most_energy(const Tile& own, std::ptrdiff_t top, std::ptrdiff_t left, int count) const {
        float clean = 0;
        int clean_count = 0;
        for (std::ptrdiff_t y = top; y < std::min(top + side, image_.rows); ++y)
            for (std::ptrdiff_t x = left; x < std::min(left + side, image_.columns); ++x)
                if (!masked_.contains(y, x))
                    clean += square_of_finest(own, y - top, x - left), ++clean_count;
        return clean_count >= side * side / 4 ? roughest * clean / clean_count * count
                                              : std::numeric_limits<float>::infinity();
    }

    // The colours of a pixel. A masked pixel has its filled values; a place beyond the border has
    // the colours of the nearest pixel.
    void read(std::ptrdiff_t y, std::ptrdiff_t x, float* value) const {
        y = std::clamp<std::ptrdiff_t>(y, 0, image_.rows - 1),
        x = std::clamp<std::ptrdiff_t>(x, 0, image_.columns - 1);
        const std::ptrdiff_t place = masked_(y, x);
        const T* pixel = image_.row(y) + x * image_.channels;
        for (std::ptrdiff_t c = 0; c < colours_; ++c)
            value[c] = place >= 0 ? values_[place * colours_ + c] : static_cast<float>(pixel[c]);
    }

    float square_of_finest(const Tile& tile, std::ptrdiff_t y, std::ptrdiff_t x) const {
        float grey = 0;
        for (std::ptrdiff_t c = 0; c < colours_; ++c)
            grey += (colours_ == 1 ? 1 : luma[c]) *
                    (tile.value[y + border][(x + border) * most_colours + c] -
                     tile.smoothed[y][x * most_colours + c]);
        return grey * grey;
    }

    Image<const T> image_;
    const MaskedPixels& masked_;
    LazyZeros<std::uint8_t> unclean_;  // near a masked pixel
    std::ptrdiff_t colours_;
    const float* values_;
};

}  // namespace

template <class T>
std::vector<float> grain(Image<const T> image, const MaskedPixels& masked, std::ptrdiff_t colours,
                         const float* values, const float* share, int threads) {
    std::vector<float> result(masked.size() * colours, 0.0f);
    const std::ptrdiff_t across = (image.columns + side - 1) / side,
                         down = (image.rows + side - 1) / side;
    std::vector<std::int64_t> tiles;
    LazyZeros<std::uint8_t> listed(across * down);
    for (const auto at : masked.positions()) {
        const std::ptrdiff_t tile = at / image.columns / side * across + at % image.columns / side;
        if (!listed[tile]) listed[tile] = 1, tiles.push_back(tile);
    }
    const Grain<T> filler(image, masked, colours, values);
    split_over_threads(tiles.size(), threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t k = begin; k < end; ++k)
            filler.add(tiles[k], tiles[k] / across * side, tiles[k] % across * side, share,
                       result.data());
    });
    return result;
}

template std::vector<float> grain(Image<const std::uint8_t>, const MaskedPixels&, std::ptrdiff_t,
                                  const float*, const float*, int);
template std::vector<float> grain(Image<const std::uint16_t>, const MaskedPixels&, std::ptrdiff_t,
                                  const float*, const float*, int);
template std::vector<float> grain(Image<const float>, const MaskedPixels&, std::ptrdiff_t,
                                  const float*, const float*, int);

}  // namespace dustbust
