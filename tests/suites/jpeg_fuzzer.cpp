// For libFuzzer: what the JPEG codec must do with any bytes.
//
// A file is refused with a sentence, or its coefficients are those that libjpeg reads; written
// again, it has the same coefficients; repaired, it has others at the repair only.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

// It needs what comes before.
#include <jpeglib.h>

#include "files/jpeg_coefficients.hpp"
#include "files/jpeg_parser.hpp"
#include "files/jpeg_repair.hpp"

namespace {

using namespace dustbust;

// Larger pictures only make a try slower.
constexpr int largest_side = 512;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

// The refusals of the codec. What else is thrown is a fault.
template <class Action>
bool accepted(const Action& action) {
    try {
        action();
        return true;
    } catch (const std::runtime_error&) {
        return false;
    }
}

bool is_small(const std::uint8_t* data, std::size_t size) {
    Parser parser(data, size);
    while (parser.frame.components.empty() && parser.next().marker != EOI) continue;
    return parser.frame.width <= largest_side && parser.frame.height <= largest_side;
}

struct Refusal : jpeg_error_mgr {
    std::jmp_buf back;
};

// Compares with libjpeg, if it reads the file without a word.
void compare_with_libjpeg(const std::uint8_t* data, std::size_t size, const JpegCoefficients& own) {
    jpeg_decompress_struct info{};
    Refusal refusal;
    info.err = jpeg_std_error(&refusal);
    refusal.error_exit = [](j_common_ptr it) {
        std::longjmp(static_cast<Refusal*>(it->err)->back, 1);
    };
    refusal.output_message = [](j_common_ptr) {};
    if (setjmp(refusal.back) == 0) {
        jpeg_create_decompress(&info);
        jpeg_mem_src(&info, data, size);
        jpeg_read_header(&info, TRUE);
        auto* arrays = jpeg_read_coefficients(&info);
        for (int k = 0; refusal.num_warnings == 0 && k < info.num_components; ++k) {
            const auto& component = own.components[static_cast<std::size_t>(k)];
            const auto& other = info.comp_info[k];
            for (JDIMENSION y = 0; y < other.height_in_blocks; ++y) {
                auto* row = info.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&info),
                                                         arrays[k], y, 1, FALSE)[0];
                const auto* block =
                    &component.blocks[y * static_cast<std::size_t>(component.columns)];
                for (JDIMENSION x = 0; x < other.width_in_blocks; ++x)
                    for (std::size_t i = 0; i < 64; ++i)
                        require(block[x][i] == row[x][i], "libjpeg reads another coefficient");
            }
        }
    }
    jpeg_destroy_decompress(&info);
}

bool same(const JpegCoefficients& one, const JpegCoefficients& other) {
    bool equal = one.components.size() == other.components.size();
    for (std::size_t k = 0; equal && k < one.components.size(); ++k)
        equal = one.components[k].blocks == other.components[k].blocks;
    return equal;
}

// Written again with its own coefficients, a file has them.
void write_again(const std::uint8_t* data, std::size_t size, const JpegCoefficients& jpeg) {
    std::vector<BlocksView> views;
    for (const auto& each : jpeg.components)
        views.push_back({each.blocks.data(), each.blocks.size()});
    std::string written;
    if (!accepted([&] { written = write_jpeg(data, size, views); })) return;
    const auto* begin = reinterpret_cast<const std::uint8_t*>(written.data());
    JpegCoefficients again;
    require(accepted([&] { again = read_jpeg(begin, written.size()); }),
            "a written file cannot be read");
    require(same(jpeg, again), "a written file has other coefficients");
}

// Repaired in one place, a file has the coefficients of old in the blocks away from it.
void repair(const std::uint8_t* data, std::size_t size, const JpegCoefficients& jpeg) {
    const auto channels = static_cast<Index>(jpeg.components.size());
    const auto pixels =
        static_cast<std::size_t>(jpeg.height) * static_cast<std::size_t>(jpeg.width);
    std::vector<std::uint8_t> after(pixels * jpeg.components.size()), changed(pixels);
    for (std::size_t i = 0; i < after.size(); ++i) after[i] = data[i % size];
    // The left half of the rows from a place that the bytes choose.
    const Index top = data[size / 2] % jpeg.height;
    const Index rows = std::min<Index>(jpeg.height - top, 11), columns = (jpeg.width + 1) / 2;
    for (Index y = top; y < top + rows; ++y)
        for (Index x = 0; x < columns; ++x)
            changed[static_cast<std::size_t>(y * jpeg.width + x)] = 1;
    std::vector<float> colours(static_cast<std::size_t>(channels * channels), 0.25f);
    for (Index k = 0; k < channels; ++k) colours[static_cast<std::size_t>(k * (channels + 1))] = 1;
    const std::vector<float> levels(static_cast<std::size_t>(channels), 128);
    std::string written;
    std::optional<std::vector<JpegEdit>> edits;
    const Image<const std::uint8_t> where{changed.data(), jpeg.height, jpeg.width, 1};
    if (!accepted([&] {
            auto repaired =
                repair_jpeg(data, size, {after.data(), jpeg.height, jpeg.width, channels}, where,
                            {colours.data(), levels.data()});
            written = std::move(repaired.file);
            edits = std::move(repaired.edits);
        }))
        return;
    const auto* begin = reinterpret_cast<const std::uint8_t*>(written.data());
    if (edits) {
        require(is_repaired_copy(data, size, begin, written.size(), where, *edits),
                "the check refuses a repaired file");
        std::string damaged = written;
        damaged[data[size / 3] * damaged.size() / 256] ^= 4;
        accepted([&] {
            const auto* at = reinterpret_cast<const std::uint8_t*>(damaged.data());
            is_repaired_copy(data, size, at, damaged.size(), where, *edits);
        });
    }
    JpegCoefficients again;
    require(accepted([&] { again = read_jpeg(begin, written.size()); }),
            "a repaired file cannot be read");
    require(again.components.size() == jpeg.components.size(), "a component is lost");
    int most_down = 1, most_across = 1;
    for (const auto& each : jpeg.components) {
        most_down = std::max(most_down, each.vertical);
        most_across = std::max(most_across, each.horizontal);
    }
    for (std::size_t k = 0; k < jpeg.components.size(); ++k) {
        const auto& old = jpeg.components[k];
        const Index down = 8 * (most_down / old.vertical);
        const Index across = 8 * (most_across / old.horizontal);
        for (Index y = 0; y < old.rows; ++y)
            for (Index x = 0; x < old.columns; ++x) {
                const bool away =
                    (y + 1) * down <= top || y * down >= top + rows || x * across >= columns;
                const auto at = static_cast<std::size_t>(y * old.columns + x);
                require(!away || old.blocks[at] == again.components[k].blocks[at],
                        "a block away from the repair is another one");
            }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    JpegCoefficients jpeg;
    bool small = false;
    if (!accepted([&] { small = is_small(data, size); }) || !small) return 0;
    if (!accepted([&] { jpeg = read_jpeg(data, size); })) return 0;
    compare_with_libjpeg(data, size, jpeg);
    write_again(data, size, jpeg);
    repair(data, size, jpeg);
    return 0;
}
