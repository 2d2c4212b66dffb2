// Kriging: the best linear prediction of unknown values from known ones near them, when the covariance of any two
// is known (D. G. Krige, 1951; G. Matheron, "Principles of geostatistics", 1963).
#pragma once

namespace dustbust {

// Distances are measured by dx * dx * xx + 2 * dx * dy * xy + dy * dy * yy, a square of length 1 having the area 1.
struct Metric {
    float xx = 1, xy = 0, yy = 1;
};

// Known values near some unknown ones.
struct Neighbours {
    static constexpr int most = 64, most_colours = 3;
    int count = 0;
    float x[most] = {}, y[most] = {};
    float noise[most] = {};                    // variance of the noise of a value, in units of the variogram at distance 1
    float value[most_colours][most] = {};
};

// The places that are predicted together.
struct Places {
    static constexpr int count = 16;
    float x[count], y[count];
};

struct Prediction {
    float value[Neighbours::most_colours][Places::count];
    float log_likelihood;                   // of the known values under the metric, up to a constant
};

// Half the mean squared difference of two pixels grows like their distance to the power of 0.75.
Prediction krige(const Neighbours& near, int colours, const Places& places, const Metric& metric);

}  // namespace dustbust
