"""`import dustbust` gives everything public, and imports no more than is used."""

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dustbust

SOURCE = ast.parse(Path(dustbust.__file__).read_text())


def test_the_lists_for_users_and_for_type_checkers_are_the_same():
    typed = {
        name.name: node.module
        for node in ast.walk(SOURCE)
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for name in node.names
    }
    assert typed == dustbust._MODULES
    assert sorted([*typed, "__version__"]) == dustbust.__all__


@pytest.mark.parametrize("name", dustbust.__all__)
def test_each_name_can_be_used_and_is_described(name):
    value = getattr(dustbust, name)
    assert name == "__version__" or inspect.getdoc(value)
    assert name in dir(dustbust)


def test_results_of_public_functions_are_public():
    for name in dustbust.__all__:
        for annotation in getattr(getattr(dustbust, name), "__annotations__", {}).values():
            text = (
                annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
            )
            assert not text.endswith("Report") or text in dustbust.__all__, f"{name}: {text}"


def test_importing_the_package_imports_no_library():
    code = (
        "import sys, dustbust; print({'numpy', 'PIL', 'tifffile', 'distributed'} & {*sys.modules})"
    )
    path = str(Path(dustbust.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "set()\n", done.stdout + done.stderr


def test_rooms_are_there_without_an_import_of_their_own():
    code = "import dustbust; print(dustbust.files.read.read_frame.__name__)"
    path = str(Path(dustbust.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "read_frame\n", done.stderr


def test_other_names_are_an_error():
    with pytest.raises(AttributeError, match="has no attribute 'estimate_masks'"):
        dustbust.estimate_masks  # noqa: B018
