"""Build the package `dustbust` from core/ and its extension `dustbust._kernels` from cpp/."""
import sys
from glob import glob

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import setup

# No -ffast-math and no fused multiply-add: the same frame gives the same bytes on every machine and with any number of threads.
OPTIONS = [] if sys.platform == "win32" else ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-psabi"]


def find(pattern):
    return sorted(glob(f"cpp/**/{pattern}", recursive=True))


ParallelCompile("NPY_NUM_BUILD_JOBS", default=0).install()
setup(ext_modules=[
    Pybind11Extension("dustbust._kernels", find("*.cpp"), include_dirs=["cpp"], cxx_std=17, depends=find("*.hpp"), extra_compile_args=OPTIONS),
])
