"""Removes the temporary files of a batch when the helper that writes them is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..batch.worker import TEMPORARY

# The standard input ends when the helper does, in whatever way: nobody else holds its other end.
# After that nobody writes, so that what has the name of a temporary file is left over.
CODE = """
import os, sys
folder, beginning = sys.argv[1:]
sys.stdin.buffer.read()
for name in os.listdir(folder) if os.path.isdir(folder) else ():
    if name.startswith(beginning):
        os.unlink(os.path.join(folder, name))
"""


@contextmanager
def tidied(folder: Path) -> Iterator[None]:
    """Let another process remove what is left in a folder if this one is killed in the block.

    GIMP's Cancel kills the group of the plug-in, so the process is in a group of its own.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the outputs of a batch; it need not exist yet.
    """
    janitor = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", CODE, os.fspath(folder), TEMPORARY],
        stdin=subprocess.PIPE,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    with janitor:
        yield
