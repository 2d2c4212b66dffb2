"""The receipt of a batch: one JSON beside the cleaned files that says how each was made, and by which they can be checked.

While a batch runs, what is done goes to a journal, a line a file, so that an interrupted batch can go on where it stopped
whatever interrupted it. At the end the journal becomes the receipt.
"""

import hashlib
import json
import os
from importlib import metadata
from pathlib import Path

from ..errors import DustbustError

RECEIPT_NAME = "dustbust-receipt.json"
FORMAT = 1


def version():
    """The version of this program."""
    try:
        return metadata.version("dustbust")
    except metadata.PackageNotFoundError:  # run from a folder into which nobody installed it
        return "unknown"


def checksum(path):
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class Receipt:
    """What is known of the cleaned files of a folder.

    Attributes
    ----------
    batches : list of dict : version, settings and mask of each batch that wrote into the folder.
    files : dict : name of an output -> dict with its "frame", "size", "sha256", "batch" (index into `batches`) and what was done.
    """

    def __init__(self, batches=(), files=None):
        self.batches = list(batches)
        self.files = dict(files or {})

    @classmethod
    def load(cls, path):
        """Read a receipt; it may come from a stranger, so that types and names are checked."""
        path = Path(path)
        try:
            data = json.loads(path.read_bytes())
            if data["format"] != FORMAT:
                raise ValueError(f"its format is {data['format']!r}, not {FORMAT}")
            check(data["batches"], data["files"])
            return cls(data["batches"], data["files"])
        except FileNotFoundError as error:
            raise DustbustError("{path}: there is no receipt here", path=path) from error
        except OSError as error:
            raise DustbustError(
                "{path}: cannot be read ({error})", path=path, error=error
            ) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DustbustError(
                "{path}: is no receipt of dustbust, or a damaged one ({error}); "
                "move it away to have the files of this folder made again",
                path=path,
                error=error,
            ) from error

    def save(self, path):
        """Write the receipt under a temporary name, then rename it."""
        part = Path(path).with_name(".dustbust-receipt.part")
        with open(part, "w", encoding="ascii") as file:
            json.dump(
                {
                    "program": "dustbust",
                    "format": FORMAT,
                    "batches": self.batches,
                    "files": self.files,
                },
                file,
                indent=1,
            )
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)


def check(batches, files):
    """Raise ValueError unless these are what a receipt holds."""
    if not isinstance(batches, list) or not all(isinstance(batch, dict) for batch in batches):
        raise ValueError("batches must be a list of objects")
    if not isinstance(files, dict):
        raise ValueError("files must be an object")
    for name, entry in files.items():
        check_entry(name, entry, len(batches))


def check_entry(name, entry, batches):
    """Raise ValueError unless this is what a receipt says of a file."""
    if not name or "/" in name or "\\" in name or name in (".", ".."):
        raise ValueError(f"{name!r} is not the name of a file")
    types = {"frame": str, "size": int, "sha256": str, "batch": int}
    if not isinstance(entry, dict) or not all(
        type(entry.get(key)) is kind for key, kind in types.items()
    ):
        raise ValueError(f"what it says of {name!r} is incomplete")
    if not 0 <= entry["batch"] < batches:
        raise ValueError(f"{name!r} is of batch {entry['batch']}, which it does not have")


def verify(path, *, progress=None):
    """Check the cleaned files of a folder against its receipt.

    Parameters
    ----------
    path : of the folder, or of the receipt in it.
    progress : callable(fraction, text), or None.

    Returns
    -------
    list of str : one sentence for each file that is missing or not as it was written; empty when all are.

    Raises
    ------
    DustbustError
        when there is no receipt, or it is damaged.
    """
    path = Path(path)
    path = path / RECEIPT_NAME if path.is_dir() else path
    receipt = Receipt.load(path)
    problems = []
    for index, (name, entry) in enumerate(receipt.files.items()):
        output = path.with_name(name)
        try:
            if output.stat().st_size != entry["size"]:
                problems.append(
                    f"{output}: has {output.stat().st_size} bytes, but was written with {entry['size']}"
                )
            elif checksum(output) != entry["sha256"]:
                problems.append(f"{output}: is not as it was written")
        except FileNotFoundError:
            problems.append(f"{output}: is missing")
        except OSError as error:
            problems.append(f"{output}: cannot be read ({error.strerror or error})")
        if progress:
            progress((index + 1) / len(receipt.files), name)
    return problems
