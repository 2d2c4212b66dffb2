"""Build the package `dustbust` from core/ and its extension `dustbust._kernels` from cpp/."""

import sys
from glob import glob

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import setup

# No -ffast-math and no fused multiply-add: a frame gives the same bytes on every machine and with
# any number of threads. tests/clang-tidy reads this list.
OPTIONS = [
    "-O3",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",  # without it no loop with a choice between two values is vectorised
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wno-psabi",
]


def find(pattern: str) -> list[str]:
    return sorted(glob(f"cpp/**/{pattern}", recursive=True))


ParallelCompile("NPY_NUM_BUILD_JOBS", default=0).install()
kernels = Pybind11Extension(
    "dustbust._kernels",
    find("*.cpp"),
    include_dirs=["cpp"],
    cxx_std=17,
    depends=find("*.hpp"),
    extra_compile_args=[] if sys.platform == "win32" else OPTIONS,
)
setup(ext_modules=[kernels])
