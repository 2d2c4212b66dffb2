// The module dustbust._kernels. Each topic's bindings are in a file of their own. All of them are
// compiled together, because reading pybind11's headers takes longer than a topic does.
#include "bindings/dust.hpp"
#include "bindings/estimation.hpp"
#include "bindings/files.hpp"
#include "bindings/image.hpp"
#include "bindings/registration.hpp"
#include "bindings/restoration.hpp"
#include "bindings/stacking.hpp"

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
