// One function a topic, in the file of its name: it adds the topic's bindings to the module.
#pragma once

#include <pybind11/pybind11.h>

namespace dustbust {

void register_image(pybind11::module_& m);
void register_estimation(pybind11::module_& m);
void register_stacking(pybind11::module_& m);
void register_registration(pybind11::module_& m);
void register_restoration(pybind11::module_& m);
void register_dust(pybind11::module_& m);
void register_files(pybind11::module_& m);

}  // namespace dustbust
