#include "restoration/kriging.hpp"

#include <cmath>

#include "base/target_clones.hpp"

namespace dustbust {

namespace {

using Lanes = Kriging::Lanes;
constexpr int count = Kriging::neighbours;

// All functions here are inlined into the clones of `solve`.
#define INLINE inline __attribute__((always_inline))

// All in one plain loop, which compilers turn into vector instructions.
INLINE void take_roots(Lanes* values, int n) {
    float* const flat = reinterpret_cast<float*>(values);
    for (int k = 0; k < n * Kriging::lanes; ++k) flat[k] = std::sqrt(flat[k]);
}

// Column j of the Cholesky decomposition, four rows at a time.
INLINE void decompose_column(Lanes* const* lower, int j, const Lanes& inverse) {
    int i = j + 1;
    for (; i + 3 < count; i += 4) {
        Lanes row0 = lower[i][j], row1 = lower[i + 1][j], row2 = lower[i + 2][j],
              row3 = lower[i + 3][j];
        for (int k = 0; k < j; ++k) {
            const Lanes factor = lower[j][k];
            row0 -= lower[i][k] * factor;
            row1 -= lower[i + 1][k] * factor;
            row2 -= lower[i + 2][k] * factor;
            row3 -= lower[i + 3][k] * factor;
        }
        lower[i][j] = row0 * inverse;
        lower[i + 1][j] = row1 * inverse;
        lower[i + 2][j] = row2 * inverse;
        lower[i + 3][j] = row3 * inverse;
    }
    for (; i < count; ++i) {
        Lanes row = lower[i][j];
        for (int k = 0; k < j; ++k) row -= lower[i][k] * lower[j][k];
        lower[i][j] = row * inverse;
    }
}

// Solve the equations of the lower triangle for each colour, in place of the right sides: Cholesky
// decomposition with the forward substitution, then backwards.
INLINE void solve_equations(Lanes* const* lower, Lanes (*weight)[count], int colours) {
    Lanes inverse[count];
    for (int j = 0; j < count; ++j) {
        Lanes pivot = lower[j][j];
        for (int k = 0; k < j; ++k) pivot -= lower[j][k] * lower[j][k];
        pivot = pivot > 1e-6f ? pivot : Lanes{} + 1e-6f;
        take_roots(&pivot, 1);
        inverse[j] = 1 / pivot;
        decompose_column(lower, j, inverse[j]);
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
}

#undef INLINE

}  // namespace

TARGET_CLONES
void Kriging::solve(int colours) {
    const auto square = [&](const Lanes& dx, const Lanes& dy, Lanes& result) {
        result = dx * (dx * xx + 2 * dy * xy) + dy * dy * yy;
    };

    // The variogram has no covariance. But for weights that add up to 1, as they very nearly do
    // when the mean is taken out first, a constant minus the variogram is as good as one; it only
    // must be large against all distances.
    Lanes level = {}, distance[count];
    for (int i = 0; i < count; ++i) square(x[i], y[i], distance[i]);
    take_roots(distance, count);
    for (int i = 0; i < count; ++i) level = level > distance[i] ? level : distance[i];
    level = 6 * level + 1;

    // The lower triangle, row after row: so it fits into the fastest memory.
    Lanes triangle[count * (count + 1) / 2];
    Lanes* lower[count];
    for (int i = 0; i < count; ++i) {
        lower[i] = triangle + i * (i + 1) / 2;
        for (int j = 0; j < i; ++j) square(x[i] - x[j], y[i] - y[j], lower[i][j]);
        take_roots(lower[i], i);
        for (int j = 0; j < i; ++j) lower[i][j] = level - lower[i][j];
        lower[i][i] = level + noise[i];
    }

    Lanes mean[most_colours], weight[most_colours][count];
    for (int c = 0; c < colours; ++c) {
        mean[c] = Lanes{};
        for (int i = 0; i < count; ++i) mean[c] += value[c][i];
        mean[c] /= count;
        for (int i = 0; i < count; ++i) weight[c][i] = value[c][i] - mean[c];
    }

    solve_equations(lower, weight, colours);

    for (int p = 0; p < places; ++p) {
        for (int i = 0; i < count; ++i) square(place_x[p] - x[i], place_y[p] - y[i], distance[i]);
        take_roots(distance, count);
        for (int c = 0; c < colours; ++c) {
            Lanes sum = mean[c];
            for (int i = 0; i < count; ++i) sum += (level - distance[i]) * weight[c][i];
            predicted[c][p] = sum;
        }
    }
}

}  // namespace dustbust
