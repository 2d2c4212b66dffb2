"""The receipt of a batch: a JSON file beside the cleaned files that tells how each was made.

The files can be checked against it. While a batch runs, its results go to a journal, one line a
file, so that an interrupted batch continues where it stopped. At the end the journal becomes the
receipt.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from ..errors import DustbustError, Sentence
from ..files.paths import check_regular
from ..files.write import new_file

RECEIPT_NAME = "dustbust-receipt.json"
FORMAT = 1

# Part of the names of a batch's temporary files. A batch removes the files with this mark that an
# interrupted batch left, and no others.
OWNER = "batch-"

# The receipt's data about a batch (version, mask, settings) and about an output.
Batch = dict[str, Any]
Entry = dict[str, Any]

REQUIRED = {"frame": str, "size": int, "sha256": str, "batch": int}  # of an entry


def version() -> str:
    """The version of this program; "unknown" if it runs from a folder and is not installed."""
    try:
        return metadata.version("dustbust")
    except metadata.PackageNotFoundError:
        return "unknown"


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class Receipt:
    """The records of the cleaned files of a folder.

    Parameters
    ----------
    batches : iterable of dict
        Version, settings and mask of each batch that wrote into the folder.
    files : mapping of str to dict
        Name of an output -> its "frame", "size", "sha256", "batch" (index into `batches`) and its
        repairs.
    warnings : iterable of str
        Warnings of the last batch that had any: sentences to read before the files are used.
    """

    def __init__(
        self,
        batches: Iterable[Batch] = (),
        files: Mapping[str, Entry] | None = None,
        warnings: Iterable[str] = (),
    ) -> None:
        self.batches = list(batches)
        self.files = dict(files or {})
        self.warnings = list(warnings)

    @classmethod
    def load(cls, path: Path) -> "Receipt":
        """Read a receipt. It may come from a stranger, so types and names are checked.

        Raises
        ------
        DustbustError
            If the file does not exist, or is not a receipt.
        """
        path = Path(path)
        try:
            check_regular(path)
            data = json.loads(path.read_bytes())
            if data["format"] != FORMAT:
                raise ValueError(f"its format is {data['format']!r}, not {FORMAT}")
            warnings = data.get("warnings", [])
            check(data["batches"], data["files"], warnings)
            return cls(data["batches"], data["files"], warnings)
        except FileNotFoundError as error:
            raise DustbustError("{path}: there is no receipt here", path=path) from error
        except OSError as error:
            raise DustbustError(
                "{path}: cannot be read ({error})", path=path, error=error
            ) from error
        except (ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
            raise DustbustError(
                "{path}: is not a receipt of dustbust, or a damaged one ({error}); "
                "move it away to have the files of this folder made again",
                path=path,
                error=error,
            ) from error

    def save(self, path: Path) -> None:
        """Write the receipt completely or not at all."""
        content = {
            "program": "dustbust",
            "format": FORMAT,
            "batches": self.batches,
            "warnings": self.warnings,
            "files": self.files,
        }
        with new_file(Path(path), owner=OWNER) as part:
            part.write_text(json.dumps(content, indent=1), encoding="ascii")


def check(batches: object, files: object, warnings: object) -> None:
    """Raise ValueError unless these are valid parts of a receipt."""
    if not isinstance(warnings, list) or not all(isinstance(each, str) for each in warnings):
        raise ValueError("warnings must be a list of texts")
    if not isinstance(batches, list) or not all(isinstance(batch, dict) for batch in batches):
        raise ValueError("batches must be a list of objects")
    if not isinstance(files, dict):
        raise ValueError("files must be an object")
    for name, entry in files.items():
        check_entry(name, entry, len(batches))


def check_entry(name: object, entry: object, batches: int) -> None:
    """Raise ValueError unless this is an output's name and entry in a receipt of some batches."""
    if not _is_file_name(name):
        raise ValueError(f"{name!r} is not the name of a file")
    if not isinstance(entry, dict) or not all(
        type(entry.get(key)) is kind for key, kind in REQUIRED.items()
    ):
        raise ValueError(f"its entry for {name!r} is incomplete")
    if not 0 <= entry["batch"] < batches:
        raise ValueError(f"{name!r} is of batch {entry['batch']}, which it does not have")


def _is_file_name(name: object) -> bool:
    # A backslash separates folders on Windows only; elsewhere it is a letter like others.
    apart = {"/", "\0", os.sep, os.altsep}
    if not isinstance(name, str) or name in ("", ".", "..") or set(name) & apart:
        return False
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def verify(
    path: str | os.PathLike[str], *, progress: Callable[[float, str], object] | None = None
) -> list[str]:
    """Check the cleaned files of a folder against its receipt.

    Parameters
    ----------
    path : path-like
        The folder, or the receipt in it.
    progress : callable, optional
        Called with a fraction, 0..1, and the name of a file.

    Returns
    -------
    list of str
        One sentence for each file that is missing or differs from what was written.

    Raises
    ------
    DustbustError
        If there is no receipt, or it is damaged.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> import dustbust
    >>> from dustbust.batch.receipt import verify
    >>> from dustbust.files.write import write_picture
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_picture(folder + "/1.png", np.full((9, 9), 100, np.uint8))
    ...     dust = np.zeros((9, 9), bool)
    ...     dust[4, 4] = True
    ...     report = dustbust.clean_frames(folder, dust)
    ...     verify(report.folder)
    []
    """
    path = Path(path)
    path = path / RECEIPT_NAME if path.is_dir() else path
    receipt = Receipt.load(path)
    problems: list[str] = []
    for index, (name, entry) in enumerate(receipt.files.items()):
        output = path.with_name(name)
        try:
            check_regular(output)
            size = output.stat().st_size
            if size != entry["size"]:
                problems.append(
                    Sentence(
                        "{path}: has {size} bytes, but was written with {written}",
                        path=output,
                        size=size,
                        written=entry["size"],
                    )
                )
            elif checksum(output) != entry["sha256"]:
                problems.append(Sentence("{path}: is not as it was written", path=output))
        except FileNotFoundError:
            problems.append(Sentence("{path}: is missing", path=output))
        except OSError as error:
            problems.append(Sentence("{path}: cannot be read ({error})", path=output, error=error))
        if progress:
            progress((index + 1) / len(receipt.files), name)
    return problems
