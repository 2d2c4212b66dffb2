// The module dustbust._kernels.
#include "bindings/topics.hpp"

PYBIND11_MODULE(_kernels, m) {
    m.doc() = "Compiled kernels of dustbust; use the functions of the package instead.";

    dustbust::register_image(m);
    dustbust::register_estimation(m);
    dustbust::register_stacking(m);
    dustbust::register_registration(m);
    dustbust::register_restoration(m);
    dustbust::register_dust(m);
    dustbust::register_files(m);
}
