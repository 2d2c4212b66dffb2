"""What the files in inside/ check, inside GIMP: one start of GIMP for each file, one test for each of its check_ functions."""

import ast
from pathlib import Path

import pytest

INSIDE = Path(__file__).parent / "inside"
FILES = sorted(INSIDE.glob("check_*.py"))
CHECKS = [
    (path, node.name)
    for path in FILES
    for node in ast.parse(path.read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")
]


@pytest.fixture(scope="session")
def outcomes(gimp, tmp_path_factory):
    """Name of a check -> None when it holds, else how it failed; each file is run when it is first asked for."""
    known = {}

    def of(path):
        if path not in known:
            folder = tmp_path_factory.mktemp(path.stem)
            known[path], console = gimp.run_script(
                INSIDE / "run_checks.py", str(path), str(folder), str(gimp.plug_in), fonts=True
            )
            print(console)
        return known[path]

    return of


@pytest.mark.parametrize(
    "path, name", CHECKS, ids=[f"{path.stem[6:]}-{name[6:]}" for path, name in CHECKS]
)
def test_inside_gimp(outcomes, path, name):
    failure = outcomes(path)[name]
    assert failure is None, failure
