#include "kriging.hpp"

#include <cmath>

#include "vector_clones.hpp"

namespace dustbust {

VECTOR_CLONES
void Kriging::solve(int colours) {
    constexpr int count = neighbours;
    const auto root = [](const Lanes& values, Lanes& result) {
        for (int l = 0; l < lanes; ++l) result[l] = std::sqrt(values[l] > 0 ? values[l] : 0.0f);
    };
    const auto variogram = [&](const Lanes& dx, const Lanes& dy, Lanes& result) {
        root(dx * (dx * xx + 2 * dy * xy) + dy * dy * yy, result);
    };

    // The variogram has no covariance. But for weights that add up to 1, as they very nearly do when the mean is taken out
    // first, a constant minus the variogram is as good as one; it only must be large against all distances.
    Lanes level = {};
    for (int i = 0; i < count; ++i) {
        Lanes distance;
        variogram(x[i], y[i], distance);
        for (int l = 0; l < lanes; ++l) level[l] = level[l] > distance[l] ? level[l] : distance[l];
    }
    level = 6 * level + 1;

    Lanes lower[count][count];
    for (int i = 0; i < count; ++i) {
        for (int j = 0; j <= i; ++j) {
            Lanes distance;
            variogram(x[i] - x[j], y[i] - y[j], distance);
            lower[i][j] = level - distance;
        }
        lower[i][i] += noise[i];
    }

    Lanes mean[most_colours], weight[most_colours][count];
    for (int c = 0; c < colours; ++c) {
        mean[c] = Lanes{};
        for (int i = 0; i < count; ++i) mean[c] += value[c][i];
        mean[c] /= count;
        for (int i = 0; i < count; ++i) weight[c][i] = value[c][i] - mean[c];
    }

    // Cholesky decomposition column by column, four rows at a time, with the forward substitution; then backwards.
    Lanes inverse[count];
    for (int j = 0; j < count; ++j) {
        Lanes pivot = lower[j][j];
        for (int k = 0; k < j; ++k) pivot -= lower[j][k] * lower[j][k];
        for (int l = 0; l < lanes; ++l) pivot[l] = pivot[l] > 1e-6f ? pivot[l] : 1e-6f;
        root(pivot, pivot);
        inverse[j] = 1 / pivot;
        int i = j + 1;
        for (; i + 3 < count; i += 4) {
            Lanes row0 = lower[i][j], row1 = lower[i + 1][j], row2 = lower[i + 2][j], row3 = lower[i + 3][j];
            for (int k = 0; k < j; ++k) {
                const Lanes factor = lower[j][k];
                row0 -= lower[i][k] * factor;
                row1 -= lower[i + 1][k] * factor;
                row2 -= lower[i + 2][k] * factor;
                row3 -= lower[i + 3][k] * factor;
            }
            lower[i][j] = row0 * inverse[j];
            lower[i + 1][j] = row1 * inverse[j];
            lower[i + 2][j] = row2 * inverse[j];
            lower[i + 3][j] = row3 * inverse[j];
        }
        for (; i < count; ++i) {
            Lanes row = lower[i][j];
            for (int k = 0; k < j; ++k) row -= lower[i][k] * lower[j][k];
            lower[i][j] = row * inverse[j];
        }
        for (int c = 0; c < colours; ++c) {
            Lanes sum = weight[c][j];
            for (int k = 0; k < j; ++k) sum -= lower[j][k] * weight[c][k];
            weight[c][j] = sum * inverse[j];
        }
    }
    for (int c = 0; c < colours; ++c)
        for (int j = count - 1; j >= 0; --j) {
            const Lanes done = weight[c][j] * inverse[j];
            weight[c][j] = done;
            for (int k = 0; k < j; ++k) weight[c][k] -= lower[j][k] * done;
        }

    for (int p = 0; p < places; ++p) {
        Lanes sum[most_colours];
        for (int c = 0; c < colours; ++c) sum[c] = mean[c];
        for (int i = 0; i < count; ++i) {
            Lanes distance;
            variogram(place_x[p] - x[i], place_y[p] - y[i], distance);
            const Lanes covariance = level - distance;
            for (int c = 0; c < colours; ++c) sum[c] += covariance * weight[c][i];
        }
        for (int c = 0; c < colours; ++c) predicted[c][p] = sum[c];
    }
}

}  // namespace dustbust
