"""The check_ functions in inside/, one test each; GIMP starts once for each file."""

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
    """Name of a check -> None, or how it failed; each file runs when it is first asked for."""
    known = {}

    def of(path):
        if path not in known:
            folder = tmp_path_factory.mktemp(path.stem)
            known[path], console = gimp.run_script(
                INSIDE / "run_checks.py", str(path), str(folder), fonts=True
            )
            print(console)
        return known[path]

    return of


@pytest.mark.parametrize(
    ("path", "name"), CHECKS, ids=[f"{path.stem[6:]}-{name[6:]}" for path, name in CHECKS]
)
def test_inside_gimp(outcomes, path, name):
    failure = outcomes(path)[name]
    assert failure is None, failure
