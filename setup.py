"""Build the package `dustbust` from core/ and its extension `dustbust._kernels` from cpp/."""

import shutil
import sys
from glob import glob
from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import setup
from setuptools.command.build_py import build_py

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


class BuildWithPlugIn(build_py):
    """Put GIMP's plug-in and its help page into the package, for `dustbust gimp install`.

    A package that runs from a checkout takes the plug-in from there.
    """

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        sys.path.insert(0, "release")
        import help_page

        target = Path(self.build_lib, "dustbust", "plug_in")
        shutil.rmtree(target, ignore_errors=True)
        unused = shutil.ignore_patterns("__pycache__", "*.po", "update")
        shutil.copytree("plugin", target, ignore=unused)
        help_page.write(Path("README.md"), target / "help")


ParallelCompile("NPY_NUM_BUILD_JOBS", default=0).install()
kernels = Pybind11Extension(
    "dustbust._kernels",
    find("*.cpp"),
    include_dirs=["cpp"],
    cxx_std=17,
    depends=find("*.hpp"),
    extra_compile_args=[] if sys.platform == "win32" else OPTIONS,
)
setup(ext_modules=[kernels], cmdclass={"build_py": BuildWithPlugIn})
