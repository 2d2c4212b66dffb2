// Kriging: the best linear prediction of unknown values from known ones near them, given how fast
// the difference of pixels grows with their distance (G. Matheron, "Principles of geostatistics",
// 1963).
#pragma once

namespace dustbust {

// Several small problems side by side, one in each lane, so that the processor works on all of them
// at once. Lanes do not depend on each other: the result of a problem does not depend on its
// neighbours.
struct Kriging {
    static constexpr int lanes = 8, neighbours = 32, places = 16, most_colours = 3;
    typedef float Lanes __attribute__((vector_size(lanes * sizeof(float))));

    // Known values: where they are, and the variance of their noise in units of the variogram at
    // distance 1.
    Lanes x[neighbours], y[neighbours], noise[neighbours], value[most_colours][neighbours];

    // The metric. The square of a distance is dx * dx * xx + 2 * dx * dy * xy + dy * dy * yy.
    Lanes xx, xy, yy;

    // The places of the wanted values, the same in each lane, and their predictions.
    float place_x[places], place_y[places];
    Lanes predicted[most_colours][places];

    // Half the mean squared difference of two pixels is taken to grow like their distance.
    void solve(int colours);
};

}  // namespace dustbust
