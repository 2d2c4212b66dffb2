"""The helper as the plug-in starts it, without GIMP: the plug-in's own client asks it."""

import os
import sys
from pathlib import Path

import pytest

import dustbust
from dustbust.helper.tables import tables
from dustbust_gimp import core

# The helper. It ends without what Python does at its exit, where coverage would be saved.
SERVE = """
import os, sys
sys.path.insert(0, {package!r})
if "COVERAGE_PROCESS_START" in os.environ:
    import coverage
    leave = os._exit
    def save_and_leave(code):
        measured = getattr(coverage.process_startup, "coverage", None)
        if measured:
            measured.stop()
            measured.save()
        leave(code)
    os._exit = save_and_leave
from dustbust.helper.process import serve
serve(sys.argv[2])
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """What install.sh writes, for the core that is tested here and need not be installed.

    The interpreter is a script that puts the core on the path, which -I leaves out. It also loads
    the library of a sanitizer, which the plug-in leaves out.
    """
    folder = tmp_path_factory.mktemp("environment")
    python, program = folder / "python", folder / "serve.py"
    package = Path(dustbust.__file__).parents[1]
    program.write_text(SERVE.format(package=str(package)))
    python.write_text(
        f"#!/bin/sh\nshift 2\nexport LD_PRELOAD='{os.environ.get('LD_PRELOAD', '')}'\n"
        f'exec "{sys.executable}" "{program}" "$@"\n'
    )
    python.chmod(0o755)
    return {"python": str(python), "command": "./install.sh", **tables()}


def end(helper):
    """Close a helper as the end of the plug-in does."""
    helper.process.stdin.close()
    helper.process.wait(10)
    helper.listener.join(10)
    helper.process.stdout.close()


@pytest.fixture
def start(installed):
    """Start a helper, with other settings than those of the core if they are given."""
    started = []

    def start(**changed):
        started.append(core.Helper({**installed, **changed}))
        return started[-1]

    yield start
    for helper in started:
        end(helper)


@pytest.fixture
def helper(start):
    return start()


@pytest.fixture(scope="session")
def ask(installed):
    """Ask one and the same helper: `ask("thumbnail", path=...)`."""
    helper = core.Helper(installed)
    yield lambda operation, **arguments: helper.ask(core.Request(operation, **arguments))
    end(helper)


@pytest.fixture(scope="session")
def picture(ask):
    """Give the helper an array."""

    def give(array):
        height, width, channels = array.reshape(*array.shape[:2], -1).shape
        size = {"height": height, "width": width, "channels": channels}
        made = ask("new_picture", dtype=array.dtype.name, **size)
        for row in range(height):
            made.put(row, 1, array[row].tobytes())
        return made

    return give
