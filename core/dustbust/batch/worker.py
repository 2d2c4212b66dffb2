"""Reads, cleans and writes one file of a batch, in a thread or in another process."""

import errno
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..dust.mask import DustMask
from ..errors import DustbustError, Sentence, printable, reason
from ..files.paths import place_of
from ..files.read import open_frame
from ..files.write import flush_to_disk
from ..restoration.apply import Cleaner
from .receipt import OWNER, Entry, checksum

# Beginning of the names of temporary files in the folder of the outputs.
TEMPORARY = f".dustbust-{OWNER}"

# After these errors the rest of a batch would fail as well.
FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass
class Job:
    """One file: the task and its result. It travels to the worker and back.

    Attributes
    ----------
    frame, output : pathlib.Path
        Absolute paths.
    part : pathlib.Path or None
        The complete output under its temporary name, once it is written.
    entry : dict or None
        The entry for the receipt.
    problem : str
        Why the job failed; empty if it did not.
    number : int or None
        The errno of the failure.
    """

    frame: Path
    output: Path
    part: Path | None = None
    entry: Entry | None = None
    problem: str = ""
    number: int | None = None


class SharedCleaner(NamedTuple):
    """The data from which workers of an executor make a `Cleaner`."""

    mask: Path
    options: tuple[tuple[str, Any], ...]


def share_cleaner(
    dust: DustMask | np.ndarray[Any, Any], folder: Path, options: dict[str, Any]
) -> SharedCleaner:
    """Put the mask where the workers find it."""
    suffix = ".png" if isinstance(dust, DustMask) else ".npy"
    path = temporary(folder.absolute(), suffix)
    if isinstance(dust, DustMask):
        dust.save(path)
    else:
        np.save(path, np.asarray(dust), allow_pickle=False)
    return SharedCleaner(path, tuple(sorted(options.items())))


def temporary(folder: Path, suffix: str) -> Path:
    """A temporary name in a folder that no other process uses."""
    return folder / f"{TEMPORARY}{secrets.token_hex(8)}{suffix}"


@lru_cache(maxsize=1)
def _cleaner(shared: SharedCleaner) -> Cleaner:
    """The cleaner of a batch, the same for all files that this process is given."""
    path = shared.mask
    mask = DustMask.load(path) if path.suffix == ".png" else np.load(path, allow_pickle=False)
    return Cleaner(mask, **dict(shared.options))


def clean_file(job: Job, clean: Cleaner | SharedCleaner, preserve_times: bool, threads: int) -> Job:
    """Write the cleaned file under a temporary name, and give the job back.

    It never raises, because one bad file must not end the batch.
    """
    part = temporary(job.output.parent, ".part")
    try:
        cleaner = _cleaner(clean) if isinstance(clean, SharedCleaner) else clean
        before = job.frame.stat()
        frame = open_frame(job.frame)
        pixels = frame.pixels = np.require(frame.pixels, requirements=["C", "W"])
        changed, report = cleaner.in_place(pixels, name=place_of(job.frame), threads=threads)
        try:
            copied = not report.changed and not frame.written_as
            notes = _copy(job.frame, part) if copied else frame.write(pixels, part, changed)
            if report.unfilled:
                notes.append(_unfilled(report.unfilled))
            if preserve_times:
                os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))
            flush_to_disk(part)
            job.entry = {
                "frame": str(job.frame),
                "frame_size": before.st_size,
                "frame_time": before.st_mtime_ns,
                "size": part.stat().st_size,
                "sha256": checksum(part),
                **asdict(report),
                "notes": notes,
            }
            job.part = part
        except OSError as error:
            fail_to_write(job, error)
    except Exception as error:
        job.problem = reason_of(job.frame, error)
    finally:
        if job.part is None:
            part.unlink(missing_ok=True)
    return job


def fail_to_write(job: Job, error: OSError) -> None:
    """Note that the output of a job cannot be written."""
    job.problem = Sentence("{path}: cannot be written ({error})", path=job.output, error=error)
    job.number = error.errno


def _copy(path: Path, target: Path) -> list[str]:
    """Copy a frame without dust. Everything is kept, so there are no notes."""
    shutil.copyfile(path, target)
    return []


def _unfilled(number: int) -> Sentence:
    return Sentence(
        "{number} pixels could not be filled: there is no picture within reach", number=number
    )


def reason_of(path: Path, error: Exception) -> str:
    """The error as a sentence with the name of the file."""
    if isinstance(error, FileNotFoundError):
        return Sentence("{path}: there is no such file", path=path)
    if isinstance(error, MemoryError):
        return Sentence(
            "{path}: there is not enough memory for it; close other programs, or clean fewer files "
            "at a time",
            path=path,
        )
    message: Sentence = (
        error.args[0] if isinstance(error, DustbustError) else Sentence(reason(error))
    )
    if printable(path) in message:
        return message
    return Sentence("{path}: {error}", path=path, error=message)
