#include "files/jpeg_repair.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "files/jpeg_coefficients.hpp"
#include "files/jpeg_parser.hpp"
#include "files/jpeg_units.hpp"

namespace dustbust {
namespace {

constexpr Index side = 8;  // of a block
constexpr float largest =
    1023;  // coefficient that sequential JPEG can hold (ITU-T T.81, table F.2)

using Values = std::array<float, side * side>;

// Rows: the cosines of ITU-T T.81, section A.3.3, so that C * values * C^T is the transform of a
// block.
const Values& cosines() {
    static const Values table = [] {
        Values result;
        for (Index k = 0; k < side; ++k)
            for (Index x = 0; x < side; ++x)
                result[k * side + x] =
                    static_cast<float>(std::cos((2 * x + 1) * k * 3.14159265358979323846 / 16) *
                                       (k ? 0.5 : std::sqrt(0.125)));
        return result;
    }();
    return table;
}

Values product(const Values& a, const Values& b) {
    Values result;
    for (Index y = 0; y < side; ++y) {
        float row[side] = {};
        for (Index k = 0; k < side; ++k)
            for (Index x = 0; x < side; ++x) row[x] += a[y * side + k] * b[k * side + x];
        std::copy(row, row + side, &result[y * side]);
    }
    return result;
}

Values transposed(const Values& a) {
    Values result;
    for (Index y = 0; y < side; ++y)
        for (Index x = 0; x < side; ++x) result[x * side + y] = a[y * side + x];
    return result;
}

// Gives blocks of a file other coefficients.
class Repair {
public:
    Repair(Image<const std::uint8_t> after, Image<const std::uint8_t> changed,
           const JpegColours& colours)
        : after_(after), changed_(changed), any_(changed), colours_(colours) {}

    // The block at (row, column) of component k.
    void operator()(const Frame& frame, int k, Index row, Index column, JpegBlock& block) const {
        const JpegComponent& component = frame.components[k];
        // A value of the block stands for this number of pixels, down and across.
        const Index height = frame.vertical / component.vertical,
                    width = frame.horizontal / component.horizontal;
        const Index top = row * side * height, left = column * side * width;
        if (!any_.any_changed(top, left, side * height, side * width)) return;
        Values stored;
        for (Index i = 0; i < side * side; ++i)
            stored[i] = static_cast<float>(block[i]) * component.quantisation[i];
        stored = product(product(backwards_, stored), cosines());
        Values difference{};
        for (Index y = 0; y < side; ++y)
            for (Index x = 0; x < side; ++x) {
                const Index v = top + y * height, u = left + x * width;
                if (any_changed_or_repeated(v, u, height, width))
                    difference[y * side + x] =
                        wanted(k, v, u, height, width) - colours_.level[k] - stored[y * side + x];
            }
        difference = product(product(cosines(), difference), backwards_);
        for (Index i = 0; i < side * side; ++i) {
            const float repaired =
                block[i] + std::nearbyint(difference[i] / component.quantisation[i]);
            block[i] = static_cast<std::int16_t>(std::clamp(repaired, -largest, largest));
        }
    }

    const ChangedPixels& changed() const { return any_; }

private:
    // Beyond the border the last pixels are repeated, as encoders do.
    Index inside_rows(Index y) const { return std::min(y, after_.rows - 1); }
    Index inside_columns(Index x) const { return std::min(x, after_.columns - 1); }

    bool any_changed_or_repeated(Index top, Index left, Index height, Index width) const {
        for (Index v = top; v < top + height; ++v)
            for (Index u = left; u < left + width; ++u)
                if (changed_(inside_rows(v), inside_columns(u))) return true;
        return false;
    }

    // Mean of component k over some pixels.
    float wanted(int k, Index top, Index left, Index height, Index width) const {
        const float* weights = colours_.of_colours + k * after_.channels;
        float sum = 0;
        for (Index v = top; v < top + height; ++v)
            for (Index u = left; u < left + width; ++u) {
                const std::uint8_t* pixel = &after_(inside_rows(v), inside_columns(u));
                for (Index c = 0; c < after_.channels; ++c) sum += weights[c] * pixel[c];
            }
        return sum / (height * width);
    }

    const Image<const std::uint8_t> after_, changed_;
    const ChangedPixels any_;
    const JpegColours colours_;
    const Values backwards_ = transposed(cosines());
};

void check_fit(const Frame& frame, Image<const std::uint8_t> after) {
    bool fits = frame.height == after.rows && frame.width == after.columns &&
                static_cast<Index>(frame.components.size()) == after.channels;
    for (const auto& component : frame.components)
        fits = fits && frame.vertical % component.vertical == 0 &&
               frame.horizontal % component.horizontal == 0;
    if (!fits) throw std::invalid_argument("after and changed must fit the file");
}

// Goes past blocks of sequential scans without decoding them: several codes at a time where they
// are short.
class AcSkipper {
public:
    explicit AcSkipper(HuffmanPointer codes) : codes_(std::move(codes)), steps_(1 << index_bits) {
        for (std::uint32_t index = 0; index < steps_.size(); ++index)
            steps_[index] = step(index << (32 - index_bits));
    }

    void operator()(BitReader& in) const {
        for (int k = 1; k < 64;) {
            in.fill();
            const Step step = steps_[in.next(index_bits)];
            if (step.bits && k + step.coefficients <= 64 - step.ends) {
                in.drop(step.bits);
                k += step.coefficients;
                if (step.ends) return;
                continue;
            }
            const int symbol = in.symbol(*codes_), zeros = symbol >> 4, size = symbol & 15;
            in.drop(size);
            k += zeros + 1;
            if (size == 0 && zeros < 15) return;
            if (size && k > 64) damaged("its data are damaged");
        }
    }

private:
    static constexpr int index_bits = 12;

    // The meaning of the next bits: how many of them are whole codes with their numbers, how many
    // coefficients these are, and whether the block ends there.
    struct Step {
        std::uint8_t bits = 0, coefficients = 0, ends = 0;
    };

    Step step(std::uint32_t next) const {
        Step result;
        for (;;) {
            const int found = codes_->lookup[next << result.bits >> 16], symbol = found & 0xFF;
            const int zeros = symbol >> 4, size = symbol & 15, bits = (found >> 8) + size;
            const bool ends = size == 0 && zeros < 15;
            if (found >> 8 == 0 || result.bits + bits > index_bits) return result;
            if (!ends && result.coefficients + zeros + 1 > 63) return result;
            result.bits = static_cast<std::uint8_t>(result.bits + bits);
            if (ends) {
                result.ends = 1;
                return result;
            }
            result.coefficients = static_cast<std::uint8_t>(result.coefficients + zeros + 1);
        }
    }

    HuffmanPointer codes_;
    std::vector<Step> steps_;
};

// A sink of `ScanWriter` that notices where the tables lack a code.
class CheckedWriter {
public:
    CheckedWriter(std::string& output, const std::array<HuffmanPointer, 32>& tables)
        : writer_(output, tables), tables_(tables) {}

    void symbol(int slot, int value) {
        if (tables_[slot]->length[value]) writer_.symbol(slot, value);
        else lacks_code_ = true;
    }
    void bits(std::uint32_t value, int count) { writer_.bits(value, count); }
    void copy(const std::uint8_t* data, std::int64_t begin, std::int64_t end) {
        writer_.copy(data, begin, end);
    }
    void restart(int number) { writer_.restart(number); }
    void finish() { writer_.finish(); }
    bool lacks_code() const { return lacks_code_; }
    std::int64_t position() const { return writer_.position(); }

private:
    BitWriter writer_;
    const std::array<HuffmanPointer, 32>& tables_;
    bool lacks_code_ = false;
};

// Repairs one sequential scan: the bits of units without a change are copied. The exceptions are
// the means of the unit behind a repaired one, which are stored as differences from the unit
// before.
class SequentialScan {
public:
    SequentialScan(const Frame& frame, const Scan& scan, int interval,
                   const std::array<HuffmanPointer, 32>& tables, const Repair& repair,
                   std::vector<JpegEdit>& edits)
        : frame_(frame),
          scan_(scan),
          interval_(interval),
          tables_(tables),
          repair_(repair),
          edits_(edits) {
        for (const auto& part : scan.parts) {
            if (!tables[part.dc] || !tables[part.ac]) damaged("a Huffman table is missing");
            skippers_.emplace_back(tables[part.ac]);
        }
    }

    // Append the new data to `output`. Gives the marker behind the old data; null if the tables
    // lack a code.
    const std::uint8_t* operator()(std::int64_t number, const std::uint8_t* begin,
                                   const std::uint8_t* end, std::string& output) {
        const EntropyData data(begin, end);
        BitReader in(data);
        ScanReader reader(scan_, false, tables_, in);
        CheckedWriter sink(output, tables_);
        ScanWriter writer(scan_, false, sink);
        const Units units(frame_, scan_);
        const auto touched =
            repair_.changed().parts(units.height, units.width, units.down, units.across);
        std::int64_t copied = 0;  // bits up to here are written
        const auto copy = [&] {
            sink.copy(data.bytes(), copied, in.position());
            copied = in.position();
        };
        const auto end_edit = [&](Index unit) {
            edits_.back().units = unit - edits_.back().first;
            edits_.back().end = in.position(), edits_.back().new_end = sink.position();
        };
        bool editing = false;
        std::array<int, 4> start{};  // the means before an edit
        int restarts = 0;
        for (Index unit = 0; unit < units.down * units.across; ++unit) {
            if (interval_ && unit && unit % interval_ == 0) {
                copy();
                reader.restart();
                writer.restart(restarts++ & 7);
                copied = in.position();
            }
            const Index y = unit / units.across, x = unit % units.across;
            if (touched[static_cast<std::size_t>(unit)]) {
                copy();
                if (!editing) {
                    edits_.push_back({number, unit, 0, in.position(), 0, sink.position(), 0, 0});
                    start = writer.previous;
                    editing = true;
                }
                for (const auto& place : units.places) {
                    JpegBlock block{};
                    reader.block(place.part, block);
                    repair_(frame_, scan_.parts[place.part].component,
                            y * units.block_rows(place) + place.down,
                            x * units.block_columns(place) + place.right, block);
                    writer.block(place.part, block, last_coefficient(block));
                    auto& hash = edits_.back().hash;
                    hash = hash_of(block, start[place.part], hash);
                }
                copied = in.position();
            } else if (reader.previous() == writer.previous) {
                if (editing) end_edit(unit);
                editing = false;
                for (const auto& place : units.places) skip(reader, in, place.part);
                writer.previous = reader.previous();
            } else {
                for (const auto& place : units.places) {
                    writer.mean(place.part, reader.mean(place.part));
                    copied = in.position();
                    skippers_[place.part](in);
                    in.check();
                    copy();
                }
            }
        }
        copy();
        if (editing) end_edit(units.down * units.across);
        edits_.push_back({number, units.down * units.across, 0, in.position(), in.position(),
                          sink.position(), sink.position(), 0});
        sink.finish();
        return sink.lacks_code() ? nullptr : in.finish();
    }

private:
    void skip(ScanReader& reader, BitReader& in, int part) const {
        reader.mean(part);
        skippers_[part](in);
        in.check();
    }

    const Frame& frame_;
    const Scan& scan_;
    const int interval_;
    const std::array<HuffmanPointer, 32>& tables_;
    const Repair& repair_;
    std::vector<JpegEdit>& edits_;
    std::vector<AcSkipper> skippers_;  // of each part
};

// The repaired file, if it is sequential, has each component in one scan, and its tables have all
// codes that are needed.
std::optional<RepairedJpeg> repair_sequential(const std::uint8_t* data, std::size_t size,
                                              Image<const std::uint8_t> after,
                                              const Repair& repair) {
    Parser parser(data, size);
    std::string output(reinterpret_cast<const char*>(data), 2);
    output.reserve(size + size / 8);
    std::vector<int> seen;
    std::vector<JpegEdit> edits;
    std::int64_t number = 0;
    bool restarts = false;
    for (;;) {
        const Segment segment = parser.next();
        output.append(reinterpret_cast<const char*>(segment.begin),
                      static_cast<std::size_t>(segment.end - segment.begin));
        if (segment.marker == EOI) break;
        if (segment.marker != SOS) continue;
        const Scan scan = parser.scan(segment);
        check_fit(parser.frame, after);
        for (const auto& part : scan.parts) {
            if (parser.frame.progressive || std::count(seen.begin(), seen.end(), part.component))
                return std::nullopt;
            seen.push_back(part.component);
        }
        SequentialScan repaired(parser.frame, scan, parser.interval, parser.tables, repair, edits);
        const std::uint8_t* behind = repaired(number++, parser.position(), parser.end(), output);
        if (!behind) return std::nullopt;
        restarts = restarts || parser.interval;
        parser.go_to(behind);
    }
    if (seen.empty()) damaged("it holds no picture");
    if (restarts) return RepairedJpeg{std::move(output), std::nullopt};
    return RepairedJpeg{std::move(output), std::move(edits)};
}

// The repaired file, of any kind that `read_jpeg` reads: all of it is decoded and coded again.
std::string repair_any(const std::uint8_t* data, std::size_t size, Image<const std::uint8_t> after,
                       const Repair& repair) {
    auto jpeg = read_jpeg(data, size);
    Frame frame;
    frame.width = jpeg.width, frame.height = jpeg.height;
    frame.components = std::move(jpeg.components);
    for (const auto& component : frame.components) {
        frame.horizontal = std::max(frame.horizontal, component.horizontal);
        frame.vertical = std::max(frame.vertical, component.vertical);
    }
    check_fit(frame, after);
    std::vector<BlocksView> views;
    for (std::size_t k = 0; k < frame.components.size(); ++k) {
        auto& component = frame.components[k];
        const auto touched = repair.changed().parts(
            side * (frame.vertical / component.vertical),
            side * (frame.horizontal / component.horizontal), component.rows, component.columns);
        for (std::size_t at = 0; at < touched.size(); ++at)
            if (touched[at]) {
                const auto place = static_cast<Index>(at);
                repair(frame, static_cast<int>(k), place / component.columns,
                       place % component.columns, component.blocks[at]);
            }
        views.push_back({component.blocks.data(), component.blocks.size()});
    }
    return write_jpeg(data, size, views);
}

}  // namespace

RepairedJpeg repair_jpeg(const std::uint8_t* data, std::size_t size,
                         Image<const std::uint8_t> after, Image<const std::uint8_t> changed,
                         const JpegColours& colours) {
    const Repair repair(after, changed, colours);
    if (auto repaired = repair_sequential(data, size, after, repair)) return std::move(*repaired);
    return {repair_any(data, size, after, repair), std::nullopt};
}

}  // namespace dustbust
