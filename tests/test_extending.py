"""A stacking mode and a method are one entry each: a copy of the tree gets new ones.

CONTRIBUTING describes the steps. A new file format is in tests/files/test_formats.py.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]

FUNCTOR = """
struct GeometricMean {
    static constexpr const char* name = "geometric mean";
    static constexpr bool is_picture = true;
    static constexpr Order order = Order::any;
    static constexpr Kind kind = Kind::single;

    template <class V, class Values>
    V operator()(const Values& values) const {
        double sum = 0;
        for (Index k = 0; k < values.size; ++k) sum += std::log(values[k]);
        return std::exp(sum / static_cast<double>(values.size));
    }
};

"""
MODE = '        Mode("geometric mean", "the root of the product"),\n'

METHOD = '''"""The method "darkest": what is light in every frame."""

import numpy as np

from ..dust.mask import DustMask
from ..image.arrays import to_unit


class DarkestPass:
    """The smallest value of each pixel: a pass over a run, see `passes.Pass`."""

    def __init__(self):
        self.smallest = np.float32(1)

    @property
    def start(self):
        return DarkestPass

    def look(self, plane, has_data):
        return to_unit(plane)

    def take(self, number, plane):
        self.smallest = np.minimum(self.smallest, plane)

    def merge(self, other):
        self.take(0, other.smallest)


def estimate_darkest(runner, polarity, *, margin):
    darkest = DarkestPass()
    runner.go_over([darkest], range(len(runner.frames)), to_come=0)
    grey = np.maximum(darkest.smallest - np.float32(margin), 0)
    return DustMask(grey, 0.5, "light", "darkest", runner.frames.used)
'''
ENTRY = """        Method(
            "darkest",
            "the darkest value of each pixel",
            (NumberOption("margin", 0.0, 1, "", "value that is subtracted from it"),),
            estimate=estimate_darkest,
        ),
"""

# What GIMP offers, without GIMP: the choices of the windows need only its catalogue of texts, and
# the tables that install.sh writes beside the plug-in.
WITHOUT_GIMP = """
import sys
from unittest.mock import MagicMock
sys.modules["gi"] = sys.modules["gi.repository"] = gi = MagicMock()
gi.GLib.dgettext = lambda domain, text: text
from dustbust.helper.tables import tables
from dustbust_gimp import core
from dustbust_gimp.actions import choices
core.installed.update(tables())
"""

USE_MODE = """
import inspect
import numpy as np
import dustbust
scans = [np.full((2, 2), value, np.uint8) for value in (20, 80)]
page = dustbust.stack_scans(scans, mode="geometric mean", align=False, normalise=False)
assert page.dtype == np.uint8 and (page == 40).all(), page
assert '"geometric mean": the root of the product' in inspect.getdoc(dustbust.stack_scans)
try:
    dustbust.stack_scans(scans, mode="harmonic mean")
except ValueError as error:
    assert "geometric mean" in str(error)
"""

USE_METHOD = """
import inspect
import numpy as np
import dustbust
frames = [np.full((40, 50), level, np.float32) for level in (0.25, 0.5)]
for frame in frames:
    frame[10, 20] = 1
dust = dustbust.estimate_mask(frames, method="darkest", margin=0.25)
assert dust.method == "darkest" and np.argwhere(dust.binary()).tolist() == [[10, 20]]
text = inspect.getdoc(dustbust.estimate_mask)
assert '"darkest": the darkest value of each pixel.' in text and "margin = 0.0, 0 to 1:" in text
"""


def edit(path, before, after):
    text = path.read_text()
    assert text.count(before) == 1, f"{path}: {text.count(before)} times {before!r}"
    path.write_text(text.replace(before, after))


def python(tree, *arguments):
    """Run Python with the core, the plug-in and the tests' helpers of a tree. -> what it prints."""
    path = os.pathsep.join(str(tree / folder) for folder in ("core", "plugin", "tests"))
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "10000"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the checkout with a new mode and a new method, built."""
    tree = tmp_path_factory.mktemp("extended")
    skip = shutil.ignore_patterns("*.so", "__pycache__", "samples", "gimp", "*.egg-info")
    for folder in ("core", "cpp", "tests/helpers", "plugin/dustbust_gimp"):
        shutil.copytree(CHECKOUT / folder, tree / folder, ignore=None if "gimp" in folder else skip)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, tree)

    kernels = tree / "cpp" / "stacking" / "statistics.cpp"
    edit(kernels, "// The one list of modes", f"{FUNCTOR}// The one list of modes")
    edit(kernels, "using Modes = std::tuple<", "using Modes = std::tuple<GeometricMean, ")
    core = tree / "core" / "dustbust"
    last = '        Mode("kurtosis",'
    edit(core / "stacking" / "modes.py", last, MODE + last)

    (core / "estimation" / "darkest_method.py").write_text(METHOD)
    table = core / "estimation" / "methods.py"
    edit(
        table,
        "from .opacity_method",
        "from .darkest_method import estimate_darkest\nfrom .opacity_method",
    )
    edit(
        table, '        Method(\n            "sum",', ENTRY + '        Method(\n            "sum",'
    )

    edit(tree / "setup.py", '"-O3"', '"-O0", "-g0"')  # a third of the time
    python(tree, "setup.py", "-q", "build_ext", "--inplace")
    return tree


@pytest.mark.parametrize("use", [USE_MODE, USE_METHOD], ids=["mode", "method"])
def test_it_works_and_is_in_the_docstring(tree, use):
    python(tree, "-c", use)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("stack", "geometric mean: the root of the product"),
        ("estimate", "darkest: the darkest value of each pixel"),
        ("estimate", "--margin N value that is subtracted from it (0.0; only with darkest)"),
    ],
)
def test_it_is_in_the_help_of_the_command_line(tree, command, text):
    assert text in " ".join(python(tree, "-m", "dustbust", command, "--help").split())


def test_it_is_in_the_lists_of_the_readme(tree):
    python(tree, "tests/helpers/readme_lists.py")
    text = (tree / "README.md").read_text()
    assert "- **geometric mean**: the root of the product\n" in text
    assert "- **darkest**: the darkest value of each pixel\n" in text


@pytest.mark.parametrize(
    ("choice", "option"),
    [
        ("stacking_modes", ("geometric mean", "Geometric mean", "The root of the product")),
        ("estimation_methods", ("darkest", "Darkest", "The darkest value of each pixel")),
    ],
)
def test_it_is_a_choice_in_gimp(tree, choice, option):
    python(tree, "-c", f"{WITHOUT_GIMP}\nassert {option!r} in choices.{choice}()")
