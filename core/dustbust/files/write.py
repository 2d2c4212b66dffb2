"""Writes new files completely or not at all, and never over the pictures they are made from."""

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from ..errors import DustbustError
from ..image.arrays import Picture, check_image
from .formats import WRITABLE
from .formats.base import FrameFile
from .parts import part_of
from .paths import as_path
from .read import open_frame
from .written import remember

# What to do about an output that exists.
EXISTS = ("skip", "overwrite", "rename")


def check_target(
    path: str | bytes | os.PathLike[str],
    inputs: Iterable[str | bytes | os.PathLike[str]] = (),
    suffixes: Collection[str] = tuple(WRITABLE),
) -> None:
    """Refuse an invalid name for a new file.

    Parameters
    ----------
    path : path-like
        The name.
    inputs : iterable of path-like
        The files that the new one is made from.
    suffixes : collection of str
        Suffixes that it may have, lower case.

    Raises
    ------
    DustbustError
        If it has another suffix, its folder does not exist, or it is one of `inputs`.

    Examples
    --------
    >>> from dustbust.files.write import check_target
    >>> check_target("page.gif")
    Traceback (most recent call last):
    ...
    dustbust.errors.DustbustError: page.gif: the name must end in .jpg, .jpeg, .jpe, .png, ...
    """
    path = as_path(path)
    if path.suffix.lower() not in suffixes:
        raise DustbustError(
            "{path}: the name must end in {kinds}", path=path, kinds=", ".join(suffixes)
        )
    if not path.parent.is_dir():
        raise DustbustError("{path}: there is no folder {folder}", path=path, folder=path.parent)
    if path.exists() and any(
        os.path.exists(file) and os.path.samefile(file, path) for file in inputs
    ):
        raise DustbustError(
            "{path}: is one of the pictures it is made from, which are never written over; "
            "choose another name",
            path=path,
        )


@contextmanager
def new_file(path: Path, *, owner: str = "") -> Iterator[Path]:
    """A file that is written completely or not at all.

    Gives a temporary name beside `path` to write to, which no other process uses. If writing
    fails, `path` stays as it was. Otherwise the content is on the disk before it gets its name.
    `owner` is part of the temporary name, by which its leftovers are recognised. Those without an
    owner are removed by the next process that writes into the folder.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from dustbust.files.write import new_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with new_file(Path(folder, "a.txt")) as part:
    ...         _ = part.write_text("whole")
    ...     Path(folder, "a.txt").read_text()
    'whole'
    """
    try:
        with part_of(path, owner=owner) as part:
            yield part
            flush_to_disk(part)
            os.replace(part, path)
            flush_folder(path.parent)
            remember(path)
    except OSError as error:
        raise DustbustError(
            "{path}: cannot be written ({error}); choose another folder", path=path, error=error
        ) from error


def flush_to_disk(path: Path) -> None:
    """Wait until the content of a file is on the disk."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that."""
    with suppress(OSError):  # Windows opens no folders; some network file systems do not flush them
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_picture(
    path: str | bytes | os.PathLike[str],
    pixels: Picture,
    *,
    like: str | bytes | os.PathLike[str] | None = None,
    inputs: Iterable[str | bytes | os.PathLike[str]] = (),
) -> None:
    """Write a picture to a new file, whole or not at all.

    Parameters
    ----------
    path : path-like
        Its suffix tells the format. A file of this name is replaced, but never one of `inputs`.
    pixels : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
        The picture.
    like : path-like, optional
        A file of the same size, depth and format, whose tags, profile, resolution and tables the
        new file takes over. A file of another size, depth or format is not used.
    inputs : iterable of path-like
        The files that the picture was made from.

    Raises
    ------
    DustbustError
        If the format cannot hold such pixels, or the file cannot be written.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from dustbust.files.read import read_frame
    >>> from dustbust.files.write import write_picture
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_picture(folder + "/a.tif", np.full((2, 3), 7, np.uint16))
    ...     int(read_frame(folder + "/a.tif")[0, 0])
    7
    """
    path = as_path(path)
    pixels = np.ascontiguousarray(check_image(pixels, "pixels"))
    check_target(path, inputs)
    form = WRITABLE[path.suffix.lower()]
    has_alpha = pixels.ndim == 3 and pixels.shape[2] in (2, 4)
    if pixels.dtype.name not in form.dtypes or (has_alpha and not form.alpha):
        raise DustbustError(
            "{path}: a {kind} cannot hold {dtype} pixels of shape {shape} without loss; "
            "write a TIFF",
            path=path,
            kind=form.kind,
            dtype=pixels.dtype.name,
            shape=pixels.shape,
        )
    with new_file(path) as part:
        template = open_frame(like) if like is not None else None
        if template is not None and _can_be_template(template, form, pixels):
            template.write(pixels, part)
        else:
            form.create(part, pixels)


def _can_be_template(template: FrameFile, form: type[FrameFile], pixels: Picture) -> bool:
    return (
        isinstance(template, form)
        and template.pixels.shape == pixels.shape
        and template.pixels.dtype == pixels.dtype
    )


def free_name(output: Path) -> Path:
    """A name beside an output that is not taken.

    Examples
    --------
    >>> from pathlib import Path
    >>> from dustbust.files.write import free_name
    >>> free_name(Path("/none/1.jpg")).name
    '1-2.jpg'
    """
    number = 2
    while (free := output.with_name(f"{output.stem}-{number}{output.suffix}")).exists():
        number += 1
    return free


def check_complete(frame: Path, output: Path) -> None:
    """Refuse an existing output of unknown origin, unless it looks like the cleaned frame.

    Parameters
    ----------
    frame, output : pathlib.Path
        A frame, and the file with the name of its output.

    Raises
    ------
    DustbustError
        If the output is older than the frame, or is not a complete picture of the same size.
    """
    if output.stat().st_mtime_ns < frame.stat().st_mtime_ns:
        raise DustbustError(
            "{output}: exists, but is older than its frame; "
            "remove it, or choose to overwrite or to rename",
            output=output,
        )
    try:
        complete = open_frame(output).pixels.shape[:2] == open_frame(frame).pixels.shape[:2]
    except DustbustError:
        complete = False
    if not complete:
        raise DustbustError(
            "{output}: exists, but is not a complete picture like its frame; "
            "remove it, or choose to overwrite or to rename",
            output=output,
        )
