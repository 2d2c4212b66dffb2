"""The list of frames that a user collects from files and folders, and the files it leaves out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..batch.receipt import RECEIPT_NAME, Receipt
from ..errors import DustbustError, Sentence, printable
from ..estimation.frames import another_size, commonest
from ..estimation.runs import formats_of, pattern
from ..files.find import in_order_of_taking, is_mask, natural_order, pictures_in, without_twins
from ..files.paths import as_path
from ..files.read import header_of
from ..image.arrays import Picture
from .messages import Threads, operation

Side = Annotated[int, 1, 4096]

# Differences from the background that are shown black and white, in deviations: clean blocks of a
# run of 20 frames stay below 0.4 in 95 %, and faint dust exceeds 1.
FAINT, CLEAR = 0.4, 1.2


@dataclass
class Listed:
    """A file of the list.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        Of the file, printable.
    width, height, bits : int
        px, px, and bits of a sample; 0 if the header cannot be read.
    format : str
        Name of its format, such as "JPEG"; empty if the header cannot be read.
    why : Sentence or None
        Why it is left out, in a few words.
    reason : Sentence or None
        The same as a whole sentence.
    """

    path: Path
    name: str
    width: int = 0
    height: int = 0
    bits: int = 0
    format: str = ""
    why: Sentence | None = None
    reason: Sentence | None = None

    def leave(self, why: Sentence, reason: DustbustError) -> None:
        """Leave it out."""
        self.why, self.reason = why, reason.args[0]


@operation
def list_frames(sources: list[str], one_format: bool) -> dict[str, Any]:
    """The frames among files and folders, and what is left out of them.

    Parameters
    ----------
    sources : list of str
        Paths, or addresses that begin with file://. A folder stands for its pictures.
    one_format : bool
        Whether frames of another format than the commonest are left out.

    Returns
    -------
    dict
        "files": each file once, as a `Listed`. Folders are in the order in which they were named,
        and the files of a folder in the order in which they were taken. "refused": one sentence
        for each source that no longer exists or has no pictures.
    """
    refused: list[Sentence] = []
    files = [_listed(path) for path in _in_order(sources, refused)]
    _leave_out_twins(files)
    _leave_out_results(files)
    if one_format:
        _leave_out_other_formats(files)
    return {"files": [asdict(file) for file in files], "refused": refused}


@operation
def dust_of_run(files: list[Path], width: Side, height: Side, threads: Threads) -> Picture:
    """The dust of a run at a glance, white on black, for the screen.

    Parameters
    ----------
    width, height : int
        Limits of the picture, px.
    """
    seen = np.abs(pattern(files, threads=threads))
    step = max(1, -(-seen.shape[0] // height), -(-seen.shape[1] // width))
    white = np.clip((seen - FAINT) / (CLEAR - FAINT), 0, 1)
    rows, columns = (np.arange(0, side, step) for side in seen.shape)
    sums = np.add.reduceat(np.add.reduceat(white, rows, axis=0), columns, axis=1)
    levels = 255 * np.sqrt(np.minimum(sums / step**2, 1))  # so that a single speck is seen
    return np.repeat(levels.astype(np.uint8)[..., None], 3, axis=2)


def _in_order(sources: list[str], refused: list[Sentence]) -> Iterator[Path]:
    """The files, sorted within their folders; adds a sentence to `refused` for each bad source."""
    folders: dict[Path, dict[Path, None]] = {}
    for source in sources:
        path = as_path(source)
        try:
            if not os.path.exists(path):
                raise DustbustError("{path}: there is no such file", path=path)
            for file in pictures_in(path) if os.path.isdir(path) else [path]:
                folders.setdefault(file.parent, {})[file] = None
        except DustbustError as error:
            refused.append(error.args[0])
    for paths in folders.values():
        yield from in_order_of_taking(sorted(paths, key=natural_order))


def _listed(path: Path) -> Listed:
    """A file with what its header says."""
    file = Listed(path, printable(path.name))
    try:
        (file.width, file.height), file.bits, file.format = header_of(path)
    except DustbustError as error:
        file.leave(Sentence("cannot be read"), error)
    if is_mask(path):
        reason = DustbustError("{path}: is a dust mask, not a frame; leave it out", path=path)
        file.leave(Sentence("a dust mask"), reason)
    return file


def _leave_out_twins(files: list[Listed]) -> None:
    """Leave out raw files beside a picture of the same name, as cameras write pairs."""
    kept = set(without_twins([file.path for file in files if not file.why]))
    for file in files:
        if not file.why and file.path not in kept:
            reason = DustbustError(
                "{path}: is the same frame as the picture of this name beside it", path=file.path
            )
            file.leave(Sentence("a twin"), reason)


def _leave_out_results(files: list[Listed]) -> None:
    """Leave out the cleaned files that Apply wrote and that the folders' receipts list."""
    results = {folder: _results_in(folder) for folder in {file.path.parent for file in files}}
    for file in files:
        if not file.why and file.path.name in results[file.path.parent]:
            reason = DustbustError(
                "{path}: is a cleaned frame, without its dust; take the original", path=file.path
            )
            file.leave(Sentence("a cleaned frame"), reason)


def _results_in(folder: Path) -> set[str]:
    try:
        return set(Receipt.load(folder / RECEIPT_NAME).files)
    except DustbustError:  # the folder has no receipt, or a damaged one
        return set()


def _leave_out_other_formats(files: list[Listed]) -> None:
    """Leave out the frames that do not have the commonest format."""
    usable = {number: file for number, file in enumerate(files) if not file.why}
    if not usable:
        return
    sizes = {number: (file.height, file.width) for number, file in usable.items()}
    formats = formats_of(sizes)
    ((most, _),) = Counter(formats.values()).most_common(1)
    shape = commonest(size for number, size in sizes.items() if formats[number] == most)
    for number, file in usable.items():
        if formats[number] != most:
            reason = another_size(str(file.path), sizes[number], shape)
            file.leave(Sentence("another format"), reason)
