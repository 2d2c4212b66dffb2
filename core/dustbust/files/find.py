"""Finds the files that a user names: folders, patterns, ranges of names."""

import glob
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

from ..errors import DustbustError
from .formats import SUFFIXES
from .formats.png import MASK_CHUNK, chunk_in
from .formats.raw import RawFile
from .paths import as_path, is_path

# Counters of cameras have at least this many digits.
FEWEST_DIGITS = 3

PathLike = str | bytes | os.PathLike[str]


def natural_order(path: str | os.PathLike[str]) -> tuple[list[tuple[int, str]], str]:
    """Sorting key that puts frame2 before frame10, and ignores upper and lower case.

    Examples
    --------
    >>> from dustbust.files.find import natural_order
    >>> sorted(["b10.tif", "B9.tif", "a.tif"], key=natural_order)
    ['a.tif', 'B9.tif', 'b10.tif']
    """
    name = Path(path).name
    parts = re.split("([0-9]+)", name.casefold())
    return [(int(part), "") if index % 2 else (0, part) for index, part in enumerate(parts)], name


def is_picture(path: Path) -> bool:
    """Whether a file in a folder is taken for a frame.

    It is named like a picture and is neither hidden (as partial files are) nor a dust mask.
    """
    return is_named_like_picture(path) and not is_mask(path)


def is_named_like_picture(path: Path) -> bool:
    """Whether a file has the name of a picture that can be read, and is not hidden."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def is_mask(path: Path) -> bool:
    """Whether a file is a dust mask that `DustMask.save` wrote."""
    try:
        return chunk_in(path, MASK_CHUNK) is not None
    except OSError:  # reported by the function that reads the file
        return False


def frames_in(folder: PathLike) -> list[Path]:
    """The picture files of a folder, in natural order; see `by_series`.

    Cameras can write a raw file beside a picture of the same name. The raw file is left out, as it
    is the same frame.
    """
    return by_series(without_twins(_files_in(as_path(folder), is_picture)))


def pictures_in(folder: PathLike) -> list[Path]:
    """All files of a folder that are named like pictures, also dust masks, in natural order.

    Raises
    ------
    DustbustError
        If there are none, or the folder cannot be listed.
    """
    folder = as_path(folder)
    pictures = _files_in(folder, is_named_like_picture)
    if not pictures:
        raise _no_pictures(folder)
    return pictures


def without_twins(paths: list[Path]) -> list[Path]:
    """Files without the raw ones that lie beside a picture of the same name.

    Examples
    --------
    >>> from pathlib import Path
    >>> from dustbust.files.find import without_twins
    >>> [path.name for path in without_twins([Path("1.dng"), Path("1.jpg"), Path("2.dng")])]
    ['1.jpg', '2.dng']
    """
    raw = {path for path in paths if path.suffix.lower() in RawFile.suffixes}
    names = {path.with_suffix("") for path in paths if path not in raw}
    return [path for path in paths if path not in raw or path.with_suffix("") not in names]


def by_series(paths: list[Path]) -> list[Path]:
    """Files in their order; but if formats share names, each is a series, one after the other.

    Otherwise the frames of two rolls, such as 01.jpg and 01.tif, would lie between each other.

    Examples
    --------
    >>> from pathlib import Path
    >>> from dustbust.files.find import by_series
    >>> names = ["1.jpg", "1.tif", "2.jpg", "2.tif", "3.tif"]
    >>> [path.name for path in by_series([Path(name) for name in names])]
    ['1.jpg', '2.jpg', '1.tif', '2.tif', '3.tif']
    """
    if len({path.with_suffix("") for path in paths}) == len(paths):
        return paths
    formats = [path.suffix.lower() for path in paths]
    return sorted(paths, key=lambda path: formats.index(path.suffix.lower()))


def masks_in(folder: PathLike) -> list[Path]:
    """The dust masks of a folder, in natural order.

    Raises
    ------
    DustbustError
        If there are none.
    """
    folder = as_path(folder)
    masks = _files_in(folder, is_mask)
    if not masks:
        raise DustbustError("{folder}: there are no dust masks", folder=folder)
    return masks


def _files_in(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    try:
        return sorted(filter(wanted, folder.iterdir()), key=natural_order)
    except OSError as error:
        raise DustbustError(
            "{folder}: cannot be listed ({error})", folder=folder, error=error
        ) from error


def _no_pictures(path: Path) -> DustbustError:
    """The exception for a folder or pattern without pictures; it names the kinds that are there."""
    kinds: Counter[str] = Counter()
    if os.path.isdir(path):
        kinds.update(
            each.suffix.lower()
            for each in path.iterdir()
            if each.suffix and each.is_file() and not each.name.startswith(".")
        )
    if not kinds:
        return DustbustError("{path}: there are no pictures", path=path)
    return DustbustError(
        "{path}: there are no pictures of a kind that can be read, only {kinds}; "
        "save them as TIFF, PNG or JPEG",
        path=path,
        kinds=", ".join(f"{number} {kind}" for kind, number in kinds.most_common(5)),
    )


def frames_between(first: PathLike, last: PathLike) -> list[Path]:
    """The picture files of a folder from one file to another, in natural order.

    Exchanging the two ends gives the same files. Cameras count to 9999 and begin again. A run from
    IMG_9990 to IMG_0012 continues across this wrap if the files were made in that order.

    Parameters
    ----------
    first, last : path-like
        Both ends, which are included.

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    DustbustError
        If an end does not exist, or they are in different folders.
    """
    first, last = as_path(first), as_path(last)
    for path in (first, last):
        if not path.is_file():
            raise DustbustError("{path}: there is no such file", path=path)
    if not os.path.samefile(first.parent, last.parent):
        raise DustbustError(
            "{first} and {last} are in different folders; a run is part of one folder: "
            "copy its frames into one, or name them one by one in the order of scanning",
            first=first,
            last=last,
        )
    paths = in_order_of_taking(frames_in(first.parent))
    order = {path.name: place for place, path in enumerate(paths)}
    if first.name in order and last.name in order:
        begin, end = sorted((order[first.name], order[last.name]))
        return paths[begin : end + 1]
    low, high = sorted((natural_order(first), natural_order(last)))
    return [path for path in paths if low <= natural_order(path) <= high]


def in_order_of_taking(paths: list[Path]) -> list[Path]:
    """Files in natural order; if a camera's counter wrapped, the files before the wrap come first.

    Examples
    --------
    >>> from pathlib import Path
    >>> from dustbust.files.find import in_order_of_taking
    >>> [path.name for path in in_order_of_taking([Path("1.tif"), Path("2.tif")])]
    ['1.tif', '2.tif']
    """
    numbers = [counter[1] if (counter := _counter(path)) else 0 for path in paths]
    gaps = [after - before for before, after in pairwise(numbers)]
    if not gaps:
        return paths
    place = gaps.index(max(gaps)) + 1
    earlier, later = paths[place:], paths[:place]
    return earlier + later if _counter_wraps(earlier, later) else paths


def _counter_wraps(earlier: list[Path], later: list[Path]) -> bool:
    """Whether a camera's counter wrapped between two groups of files.

    All names differ in their last number only, the earlier group has the highest number, there is a
    gap between the groups, and all files of the later group were modified after the earlier ones.
    """
    parts = [[_counter(path) for path in part] for part in (earlier, later)]
    if not all(parts) or None in parts[0] + parts[1]:
        return False
    (high, low) = ([counter for counter in part if counter] for part in parts)
    kinds = {(prefix, digits) for prefix, _, digits in high + low}
    if len(kinds) > 1:
        return False
    digits = high[0][2]
    first, last = min(number for _, number, _ in high), max(number for _, number, _ in low)
    if digits < FEWEST_DIGITS or max(number for _, number, _ in high) != 10**digits - 1:
        return False
    before = max(path.stat().st_mtime_ns for path in earlier)
    after = min(path.stat().st_mtime_ns for path in later)
    return first - last > 1 and after > before


def _counter(path: Path) -> tuple[str, int, int] | None:
    """The name of a file before its last number, the number, and how many digits it has."""
    found = re.fullmatch("(.*?)([0-9]+)[^0-9]*", path.stem)
    return (found[1].casefold(), int(found[2]), len(found[2])) if found else None


def find_frames(sources: PathLike | Iterable[PathLike]) -> list[Path]:
    """The frames that a user names.

    Parameters
    ----------
    sources : path-like or iterable of path-like
        Picture files, folders (their pictures in natural order, see `in_order_of_taking`) and
        patterns with `*`, `?` or `[...]`.

    Returns
    -------
    list of pathlib.Path
        In the order in which they were named. A file that is named twice comes once. Dust masks in
        folders are left out.

    Raises
    ------
    DustbustError
        If there is no picture, or a dust mask is named as a frame.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from dustbust.files.find import find_frames
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("frame10.tif", "frame9.tif", "notes.txt"):
    ...         Path(folder, name).touch()
    ...     print([path.name for path in find_frames(folder)])
    ['frame9.tif', 'frame10.tif']
    """
    found: dict[Path, None] = {}
    named: Iterable[PathLike] = [sources] if is_path(sources) else sources  # type: ignore[assignment]
    for source in named:
        path = as_path(source)
        if os.path.isdir(path):
            paths = in_order_of_taking(frames_in(path))
        elif is_mask(path):
            raise DustbustError("{path}: is a dust mask, not a frame; leave it out", path=path)
        elif os.path.exists(path) or not glob.has_magic(str(path)):
            paths = [path]
        else:
            paths = sorted(
                filter(is_picture, map(Path, glob.glob(str(path), recursive=True))),
                key=lambda found: (str(found.parent), natural_order(found)),
            )
        if not paths:
            raise _no_pictures(path)
        found.update(dict.fromkeys(paths))
    return list(found)
