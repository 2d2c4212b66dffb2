"""Removes the temporary files of a batch when the helper that writes them is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..batch.worker import TEMPORARY

# The helper alone holds the other end of this standard input, so the input ends when the helper
# ends, even if it is killed. After that nothing writes into the folder, and all files with
# temporary names are left over.
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
    """Let another process remove temporary files if this process is killed within the block.

    GIMP's Cancel kills the plug-in's process group, so the other process has its own group.

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
