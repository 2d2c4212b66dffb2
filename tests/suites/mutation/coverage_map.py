"""Which tests go through which lines of the core, from one run of each test file."""

import ast
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from coverage import CoverageData

from mutation import processor_time

SETTINGS = """
[run]
source = {core}
parallel = true
data_file = {data}
context = ${{DUSTBUST_TEST_FILE}}
dynamic_context = test_function
"""


class Test(NamedTuple):
    """A test function, with all its parameters."""

    file: str
    function: str

    @property
    def node(self) -> str:
        return f"{self.file}::{self.function}"


class CoverageMap:
    """The tests of a tree, how long they take, and the lines that each goes through.

    Attributes
    ----------
    seconds : dict of Test to float
        Processor time of the tests that pass.
    failed : set of Test
        Tests that fail without any change. They tell nothing.
    """

    def __init__(self, tree: Path, data: Path) -> None:
        self.tree = tree
        self.seconds: dict[Test, float] = defaultdict(float)
        self.failed: set[Test] = set()
        for report in sorted(data.glob("*.xml")):
            self._read_report(report)
        for test in self.failed:
            self.seconds.pop(test, None)
        self._of_file = defaultdict(set)
        for test in self.seconds:
            self._of_file[test.file].add(test)
        self._lines: dict[Path, dict[int, set[Test]]] = defaultdict(lambda: defaultdict(set))
        for file in sorted(data.glob("data.*")):
            self._read_data(file)

    def _read_report(self, path: Path) -> None:
        file = path.stem.replace("+", "/") + ".py"
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            name = (case.get("name") or "").split("[")[0]
            inside = (case.get("classname") or "").split(f"{Path(file).stem}")[-1].strip(".")
            test = Test(file, f"{inside}::{name}" if inside else name)
            spent = case.find(f"properties/property[@name='{processor_time.PROPERTY}']")
            if spent is not None:
                self.seconds[test] += float(spent.get("value") or 0)
            if case.find("failure") is not None or case.find("error") is not None:
                self.failed.add(test)

    def _read_data(self, path: Path) -> None:
        data = CoverageData(os.fspath(path))
        data.read()
        for name in data.measured_files():
            lines = self._lines[Path(name)]
            for line, contexts in data.contexts_by_lineno(name).items():
                for context in contexts:
                    lines[line] |= self._tests(context)

    def _tests(self, context: str) -> set[Test]:
        """The tests of a context; all of the file where the line was run outside of its tests."""
        file, _, name = context.partition("|")
        parts = name.split(".")
        while parts:
            test = Test(file, "::".join(parts))
            if test in self.seconds:
                return {test}
            parts.pop(0)
        return self._of_file[file]

    def through_line(self, path: Path, number: int) -> set[Test]:
        """The tests that go through a line; for a line outside of functions, through the file.

        A module's lines are run once in each process, by whatever imports it first.
        """
        lines = self._lines[path]
        inside = _lines_in_functions(path)
        wanted = {number} if number in inside else inside
        return set().union(*(lines[each] for each in wanted & lines.keys()))

    def of_module(self, path: Path) -> set[Test]:
        """The tests in the files of the same room that are named after a module."""
        sources = self.tree / ("core/dustbust" if path.suffix == ".py" else "cpp")
        folder = "tests" / path.relative_to(sources).parent
        name = re.compile(rf"{folder.as_posix()}/test_{path.stem}(_\w+)?\.py")
        return {test for test in self.seconds if name.fullmatch(test.file)}

    def through_kernels(self, names: Iterable[str]) -> set[Test]:
        """The tests that go through a line of the core that names one of these kernels.

        And all tests of a file that names one itself.
        """
        wanted = re.compile(rf"_kernels\.({'|'.join(map(re.escape, names))})\b")
        found = set()
        for path in sorted((self.tree / "core" / "dustbust").rglob("*.py")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if wanted.search(line):
                    found |= self.through_line(path, number)
        for file, tests in self._of_file.items():
            if wanted.search((self.tree / file).read_text()):
                found |= tests
        return found


def _lines_in_functions(path: Path) -> set[int]:
    return {
        line
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for line in range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
    }


def measure(tree: Path, data: Path, files: Iterable[str]) -> None:
    """Run test files of a tree, one on each core, and put what they go through into `data`.

    The installation of coverage starts it in each process, also in those that the tests start.
    """
    data.mkdir(parents=True, exist_ok=True)
    settings = data / "settings"
    settings.write_text(SETTINGS.format(core=tree / "core" / "dustbust", data=data / "data"))

    def measure_file(file: str) -> None:
        report = data / f"{file.removesuffix('.py').replace('/', '+')}.xml"
        if report.exists():
            return
        unfinished = report.with_suffix(".unfinished")
        subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *("-p", processor_time.__name__, file, f"--junitxml={unfinished}"),
            ],
            cwd=tree,
            env={
                **os.environ,
                "PYTHONPATH": f"{tree / 'core'}{os.pathsep}{Path(__file__).parents[1]}",
                "COVERAGE_PROCESS_START": os.fspath(settings),
                "DUSTBUST_TEST_FILE": file,
            },
            stdout=subprocess.DEVNULL,
        )
        unfinished.rename(report)
        print(f"measured: {file}", flush=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(measure_file, files))
