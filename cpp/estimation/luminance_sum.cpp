#include "estimation/luminance_sum.hpp"

#include "base/parallel.hpp"
#include "base/target_clones.hpp"

namespace dustbust {
namespace {

inline std::int32_t in_steps(std::uint8_t value) { return value * (SUM_STEPS / 255); }
inline std::int32_t in_steps(std::uint16_t value) { return value; }
inline std::int32_t in_steps(float value) {
    value = value > -LARGEST_IN_SUM ? value : -LARGEST_IN_SUM;
    value = value < LARGEST_IN_SUM ? value : LARGEST_IN_SUM;
    const float steps = value * SUM_STEPS;
    return static_cast<std::int32_t>(steps + (steps < 0 ? -0.5f : 0.5f));
}

// Vector clones cannot be templates, so each is made for each type of pixel and of sum.
#define FOR_EACH_PAIR                \
    ADD(std::uint8_t, std::int32_t)  \
    ADD(std::uint16_t, std::int32_t) \
    ADD(std::uint8_t, std::int64_t)  \
    ADD(std::uint16_t, std::int64_t) \
    ADD(float, std::int64_t)

#define ADD(T, Sum)                                                             \
    TARGET_CLONES void add_row(const T* in, std::ptrdiff_t columns, Sum* sum) { \
        for (std::ptrdiff_t x = 0; x < columns; ++x) sum[x] += in_steps(in[x]); \
    }
FOR_EACH_PAIR
#undef ADD

template <class T, class Sum>
void add_row_with_gaps(const T* in, const std::uint8_t* has_data, std::ptrdiff_t columns, Sum* sum,
                       std::int32_t* frames) {
    for (std::ptrdiff_t x = 0; x < columns; ++x) {
        if (!has_data[x]) continue;
        sum[x] += in_steps(in[x]);
        frames[x] += 1;
    }
}

}  // namespace

template <class T, class Sum>
void add_frame(Image<const T> in, Image<const std::uint8_t> has_data, Image<Sum> sum,
               Image<std::int32_t> frames, int threads) {
    split_over_threads(in.rows, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t y = begin; y < end; ++y)
            if (has_data.data)
                add_row_with_gaps(in.row(y), has_data.row(y), in.columns, sum.row(y),
                                  frames.row(y));
            else add_row(in.row(y), in.columns, sum.row(y));
    });
}

#define ADD(T, Sum)                                                                \
    template void add_frame(Image<const T>, Image<const std::uint8_t>, Image<Sum>, \
                            Image<std::int32_t>, int);
FOR_EACH_PAIR
#undef ADD

}  // namespace dustbust
