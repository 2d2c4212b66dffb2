#include "registration/band_solver.hpp"

#include <stdexcept>

#include "base/target_clones.hpp"

namespace dustbust {
namespace {

// to -= factor * from
TARGET_CLONES void subtract(double factor, const double* from, double* __restrict to, Index count) {
    for (Index i = 0; i < count; ++i) to[i] -= factor * from[i];
}

}  // namespace

void solve_band(Image<double> band, Image<double> b) {
    const Index count = band.rows, width = band.columns;
    // A = U' D U, row by row: eliminating with a row changes the rows below it within its band.
    for (Index i = 0; i < count; ++i) {
        const double* row = band.row(i);
        if (!(row[0] > 0))
            throw std::invalid_argument("solve_band: the matrix is not positive definite");
        for (Index k = 1; k < width && i + k < count; ++k) {
            const double factor = row[k] / row[0];
            if (factor == 0) continue;
            subtract(factor, row + k, band.row(i + k), width - k);
            for (Index c = 0; c < b.columns; ++c) b(i + k, c) -= factor * b(i, c);
        }
    }
    for (Index i = count - 1; i >= 0; --i) {
        const double* row = band.row(i);
        for (Index c = 0; c < b.columns; ++c) {
            for (Index k = 1; k < width && i + k < count; ++k) b(i, c) -= row[k] * b(i + k, c);
            b(i, c) /= row[0];
        }
    }
}

}  // namespace dustbust
