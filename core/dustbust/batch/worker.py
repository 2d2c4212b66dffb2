"""One file of a batch: read, clean, write, in whatever thread or process it falls to."""

import errno
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..dust.mask import DustMask
from ..errors import DustbustError, Sentence, printable
from ..files.read import open_frame
from ..restoration.apply import Cleaner
from .receipt import checksum

# With these the rest of a batch would fail as well.
FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass
class Job:
    """One file: what is to be done, and what came of it. It travels to the worker and back."""

    frame: Path
    output: Path
    known: dict | None = (
        None  # what the receipt says of an output that is there: if it is still so, it is left as it is
    )
    entry: dict | None = None  # what the receipt is to say
    kept: bool = False  # the output was there already
    problem: str = ""  # why it failed
    number: int | None = None  # errno of that


class _Shared(NamedTuple):
    """What workers of an executor make a `Cleaner` of."""

    mask: Path
    options: tuple


def share_cleaner(dust, folder, options):
    """Put the mask where the workers find it."""
    path = (
        folder.absolute()
        / f".dustbust-{secrets.token_hex(8)}{'.png' if isinstance(dust, DustMask) else '.npy'}"
    )
    if isinstance(dust, DustMask):
        dust.save(path)
    else:
        np.save(path, np.asarray(dust), allow_pickle=False)
    return _Shared(path, tuple(sorted(options.items())))


@lru_cache(maxsize=1)
def _cleaner(shared):
    """The same for all files of a batch that this process is given."""
    path = shared.mask
    return Cleaner(
        DustMask.load(path) if path.suffix == ".png" else np.load(path, allow_pickle=False),
        **dict(shared.options),
    )


def clean_file(job, clean, preserve_times, threads):
    """Do a job and give it back. It never raises: one bad file must not end the batch, whatever is wrong with it."""
    part = job.output.with_name(f".dustbust-{secrets.token_hex(8)}.part")
    try:
        if job.known and checksum(job.output) == job.known["sha256"]:
            job.kept = True
            return job
        if isinstance(clean, _Shared):
            clean = _cleaner(clean)
        before = job.frame.stat()
        frame = open_frame(job.frame)
        pixels, report = clean(frame.pixels, threads=threads)
        try:
            notes = frame.write(pixels, part) if report.changed else _copy(job.frame, part)
            if report.unfilled:
                notes.append(
                    Sentence(
                        "{number} pixels could not be filled: there is no picture within reach",
                        number=report.unfilled,
                    )
                )
            flush_to_disk(part)
            if preserve_times:
                os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))
            entry = {
                "frame": str(job.frame),
                "frame_size": before.st_size,
                "frame_time": before.st_mtime_ns,
                "size": part.stat().st_size,
                "sha256": checksum(part),
                **asdict(report),
                "notes": notes,
            }
            os.replace(part, job.output)
            job.entry = entry
        except OSError as error:
            job.problem = Sentence(
                "{path}: cannot be written ({error})", path=job.output, error=error
            )
            job.number = error.errno
    except Exception as error:
        job.problem = reason_of(job.frame, error)
    finally:
        part.unlink(missing_ok=True)
    return job


def _copy(path, target):
    """Copy a frame in which there is nothing to clean; all is kept, so there is no note."""
    shutil.copyfile(path, target)
    return []


def flush_to_disk(path):
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def reason_of(path, error):
    """What went wrong, with the name of the file."""
    if isinstance(error, FileNotFoundError):
        return Sentence("{path}: there is no such file", path=path)
    said = (
        error.args[0]
        if isinstance(error, DustbustError)
        else Sentence(str(error) or type(error).__name__)
    )
    return said if printable(path) in said else Sentence("{path}: {error}", path=path, error=said)
