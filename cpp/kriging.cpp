#include "kriging.hpp"

#include <algorithm>
#include <cmath>

// The same function twice, for processors with and without AVX2. Neither reorders sums, so both give the same bytes.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__)
#define DUSTBUST_FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define DUSTBUST_FOR_EACH_PROCESSOR
#endif

namespace dustbust {
namespace {

constexpr int most = Neighbours::most;
constexpr int lanes = 8;                    // partial sums of a dot product: fixed, so that it has one result

inline float variogram(float dx, float dy, const Metric& metric) {
    const float square = dx * dx * metric.xx + 2 * dx * dy * metric.xy + dy * dy * metric.yy;
    const float quarter = std::sqrt(std::sqrt(std::max(square, 0.0f)));
    return quarter * std::sqrt(quarter);    // (square ^ 0.5) ^ 0.75
}

}  // namespace

DUSTBUST_FOR_EACH_PROCESSOR
Prediction krige(const Neighbours& near, int colours, const Places& places, const Metric& metric) {
    const int count = near.count, padded = (count + lanes - 1) / lanes * lanes;
    Prediction prediction;

    // The variogram has no covariance, but for weights that add up to about 1 a large constant minus the variogram is one.
    float x0 = 0, y0 = 0, farthest = 0;
    for (int i = 0; i < count; ++i) x0 += near.x[i] / count, y0 += near.y[i] / count;
    for (int i = 0; i < count; ++i) farthest = std::max(farthest, variogram(near.x[i] - x0, near.y[i] - y0, metric));
    const float level = 5 * farthest + 1;

    alignas(32) float lower[most][most];    // lower[j][i]: row i, column j
    for (int j = 0; j < count; ++j) {
        float* column = lower[j];
        for (int i = j / lanes * lanes; i < padded; ++i) column[i] = level - variogram(near.x[i] - near.x[j], near.y[i] - near.y[j], metric);
        column[j] += near.noise[j];
        for (int i = count; i < padded; ++i) column[i] = 0;
    }

    float mean[3], white[3][most], weight[3][most];
    for (int c = 0; c < colours; ++c) {
        mean[c] = 0;
        for (int i = 0; i < count; ++i) mean[c] += near.value[c][i];
        mean[c] /= count;
        for (int i = 0; i < count; ++i) white[c][i] = near.value[c][i] - mean[c];
        for (int i = count; i < padded; ++i) white[c][i] = 0;
    }

    // Cholesky decomposition column by column, and the forward substitution along with it.
    float diagonal[most], log_determinant = 0;
    for (int j = 0; j < count; ++j) {
        float* column = lower[j];
        diagonal[j] = std::sqrt(std::max(column[j], 1e-6f));
        log_determinant += std::log(diagonal[j]);
        const float inverse = 1 / diagonal[j];
        for (int i = j / lanes * lanes; i < padded; ++i) column[i] *= inverse;
        for (int i = j / lanes * lanes; i <= j; ++i) column[i] = 0;
        for (int c = 0; c < colours; ++c) {
            const float here = white[c][j] * inverse;
            for (int i = j / lanes * lanes; i < padded; ++i) white[c][i] -= column[i] * here;
            white[c][j] = here;
        }
        for (int k = j + 1; k < count; ++k) {
            float* next = lower[k];
            const float factor = column[k];
            for (int i = k / lanes * lanes; i < padded; ++i) next[i] -= column[i] * factor;
        }
    }
    float squares = 0;
    for (int c = 0; c < colours; ++c)
        for (int i = 0; i < count; ++i) squares += white[c][i] * white[c][i];
    prediction.log_likelihood = -0.5f * count * std::log(squares / (count * colours) + 1e-6f) - log_determinant;

    for (int c = 0; c < colours; ++c) {
        for (int i = 0; i < padded; ++i) weight[c][i] = 0;
        for (int j = count - 1; j >= 0; --j) {
            float sums[lanes] = {};
            for (int i = j / lanes * lanes; i < padded; i += lanes)
                for (int l = 0; l < lanes; ++l) sums[l] += lower[j][i + l] * weight[c][i + l];
            float sum = 0;
            for (float part : sums) sum += part;
            weight[c][j] = (white[c][j] - sum) / diagonal[j];
        }
        for (float& value : prediction.value[c]) value = mean[c];
    }
    for (int i = 0; i < count; ++i) {
        float covariance[Places::count];
        for (int p = 0; p < Places::count; ++p) covariance[p] = level - variogram(places.x[p] - near.x[i], places.y[p] - near.y[i], metric);
        for (int c = 0; c < colours; ++c)
            for (int p = 0; p < Places::count; ++p) prediction.value[c][p] += covariance[p] * weight[c][i];
    }
    return prediction;
}

}  // namespace dustbust
