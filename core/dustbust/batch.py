"""A batch: the frames of a run, files to files. Originals are only read; every output is whole or not there."""
import errno
import hashlib
import os
import secrets
import shutil
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from .apply import apply_mask
from .errors import DustbustError, printable
from .frames import as_path, find_frames, is_path, open_frame
from .mask import DustMask
from .receipt import JOURNAL, NAME, Journal, checksum, version
from .threads import count

EXISTS = ("skip", "overwrite", "rename")

# Jobs that are handed to the executor ahead of the one that is waited for.
AHEAD = 1000

# With these the rest of a batch would fail as well.
FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass
class Cleaned:
    """What a batch did.

    Attributes
    ----------
    folder : pathlib.Path of the outputs.
    written : paths of the outputs that were written, in the order of the run.
    skipped : paths of outputs that were there already.
    failed : path of a frame -> why it could not be cleaned, one sentence.
    notes : path of an output -> list of what could not be kept, or what to look at.
    """
    folder: Path
    written: list = field(default_factory=list)
    skipped: list = field(default_factory=list)
    failed: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)


def clean_frames(paths, dust, folder="cleanedphotos", *, exists="skip", times=False, executor=None, progress=None, threads=None, **options):
    """Take the dust off files; the cleaned copies have the same names, in another folder.

    Parameters
    ----------
    paths : the frames: files, folders or patterns, see `dustbust.frames.find_frames`.
    dust : the mask: a `DustMask`, an array as in `apply_mask`, or the path of a file with one.
    folder : of the outputs; made if it is not there. One that is not absolute is taken from the folder of the first frame.
    exists : what to do about an output that is there already:
        "skip" it if it is complete and newer than its frame, and was made with this mask and these settings as far as the receipt tells
        (so that an interrupted batch, run again, goes on where it stopped); "overwrite" it; or "rename" the new one.
    times : give the outputs the times of their frames.
    executor : any `concurrent.futures.Executor`, whose workers see the same files under the same names, such as that of a cluster
        (`dustbust.cluster.dask_executor`); None runs in threads of this process.
    progress : callable(fraction, text), or None.
    threads : how many files are worked on at a time; with an executor, threads for each file.
    options : of `apply_mask`, such as `method`.

    Returns
    -------
    Cleaned : what was written, skipped and failed. One bad file does not keep the others from being done.

    Raises
    ------
    DustbustError
        when nothing can be done at all: no frames, no mask, a folder that cannot be written or is that of the frames.
    """
    if exists not in EXISTS:
        raise ValueError(f"exists must be one of {', '.join(EXISTS)}, not {exists!r}")
    frames = find_frames(paths)
    if not frames:
        raise DustbustError("no frames: give at least one file to clean")
    if is_path(dust):
        dust = DustMask.load(as_path(dust))
    folder = _prepare(frames, folder)
    cleaned = Cleaned(folder)
    journal = _open_journal(folder)
    try:
        _remove_leftovers(folder)
        batch = journal.begin_batch({"version": version(), "mask": _checksum_of(dust), "settings": {name: str(value) for name, value in sorted(options.items())}})
        jobs = _jobs(frames, folder, exists, journal, batch, cleaned)
        _run(jobs, dust, options, times, executor, threads, progress, len(frames), journal, batch, cleaned)
    finally:
        journal.close()
        _remove_leftovers(folder)
        if not os.listdir(folder):
            folder.rmdir()
    return cleaned


# --- before the first file ---------------------------------------------------------------------------------------------------------

def _prepare(frames, folder):
    """Make the folder of the outputs and refuse it if it is a folder of frames, by whatever name."""
    folder = frames[0].parent / as_path(folder)
    names = {}
    for frame in frames:
        other = names.setdefault(os.path.normcase(frame.name), frame)
        if other != frame:
            raise DustbustError(f"{other} and {frame} have the same name, so that one output would replace the other; clean them one after the other")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DustbustError(f"{folder}: cannot be made ({error.strerror or error}); choose another folder") from error
    for parent in {frame.resolve().parent for frame in frames} | {frame.parent for frame in frames}:
        if parent.exists() and os.path.samefile(parent, folder):
            raise DustbustError(f"{folder}: is the folder of the frames themselves, which are never written over; choose another folder")
    return folder


def _open_journal(folder):
    try:
        return Journal(folder)
    except OSError as error:
        raise DustbustError(f"{folder}: cannot be written to ({error.strerror or error}); choose another folder") from error


def _remove_leftovers(folder):
    """Remove what an interrupted batch left half done."""
    for name in os.listdir(folder):
        if name.startswith(".dustbust-") and name != JOURNAL:
            (folder / name).unlink(missing_ok=True)


def _checksum_of(dust):
    """SHA-256 of a mask: of all that makes a difference to what is cleaned with it."""
    digest = hashlib.sha256()
    for part in (dust.grey, dust.extra()) if isinstance(dust, DustMask) else (np.asarray(dust),):
        digest.update(np.ascontiguousarray(part).data if isinstance(part, np.ndarray) else part)
    return digest.hexdigest()


# --- which files are to be done ----------------------------------------------------------------------------------------------------

def _jobs(frames, folder, exists, journal, batch, cleaned):
    """Yield (frame, output or None) for each frame; None: nothing is to be done."""
    for frame in frames:
        output = folder / frame.name
        try:
            if output.exists() or output.is_symlink():
                if output.exists() and os.path.samefile(frame, output):
                    raise DustbustError(f"{output}: is the frame itself by another name, and frames are never written over")
                if exists == "rename":
                    output = _free_name(output)
                elif exists == "skip" and _is_done(frame, output, journal, batch):
                    cleaned.skipped.append(output)
                    yield frame, None
                    continue
        except (OSError, DustbustError) as error:
            cleaned.failed[frame] = _sentence(frame, error)
            yield frame, None
            continue
        journal.begin(output.name)
        yield frame, output


def _free_name(output):
    number = 2
    while (free := output.with_name(f"{output.stem}-{number}{output.suffix}")).exists():
        number += 1
    return free


def _is_done(frame, output, journal, batch):
    """Whether an output that is there is what this batch would write."""
    entry = journal.receipt.files.get(output.name)
    if entry is not None:
        now = frame.stat()
        return (entry["batch"] == batch and entry.get("frame_size") == now.st_size and entry.get("frame_time") == now.st_mtime_ns
                and entry["size"] == output.stat().st_size and checksum(output) == entry["sha256"])
    if output.name in journal.begun:
        return False
    # Not ours, as far as we know: never replaced unless asked for.
    if output.stat().st_mtime_ns < frame.stat().st_mtime_ns:
        raise DustbustError(f"{output}: exists, but is older than its frame; remove it, or choose to overwrite or to rename")
    try:
        complete = open_frame(output).pixels.shape[:2] == open_frame(frame).pixels.shape[:2]
    except DustbustError:
        complete = False
    if not complete:
        raise DustbustError(f"{output}: exists, but is no complete picture like its frame; remove it, or choose to overwrite or to rename")
    return True


# --- doing them --------------------------------------------------------------------------------------------------------------------

def _run(jobs, dust, options, times, executor, threads, progress, total, journal, batch, cleaned):
    own = ThreadPoolExecutor(count(threads)) if executor is None else None
    inner = max(1, count(threads) // total) if own else (threads or 1)
    shared = dust if own else _share(dust, cleaned.folder)
    waiting = deque()
    finished = 0

    def finish(frame, output, future):
        nonlocal finished
        finished += 1
        if future is not None:
            entry, problem, fatal = _result(frame, future)
            if entry is None:
                cleaned.failed[frame] = problem
                if fatal:
                    raise _Stop(problem)
            else:
                cleaned.written.append(output)
                if entry.get("notes"):
                    cleaned.notes[output] = entry["notes"]
                journal.done(output.name, {**entry, "batch": batch})
        if progress:
            progress(finished / total, frame.name)

    try:
        for frame, output in jobs:
            future = (own or executor).submit(_clean_file, frame.absolute(), output.absolute(), shared, options, times, inner) if output else None
            waiting.append((frame, output, future))
            while len(waiting) > AHEAD or (waiting and (waiting[0][2] is None or waiting[0][2].done())):
                finish(*waiting.popleft())
        while waiting:
            finish(*waiting.popleft())
    except _Stop as stop:
        for frame, output, future in waiting:
            if future is not None:
                future.cancel()
                cleaned.failed[frame] = f"{frame}: not done, since writing had to stop ({stop})"
        for frame, output in jobs:
            if output:
                cleaned.failed[frame] = f"{frame}: not done, since writing had to stop ({stop})"
    finally:
        for _, _, future in waiting:
            if future is not None:
                future.cancel()
        if own:
            own.shutdown()


class _Stop(Exception):
    """The rest of the batch cannot be done either."""


def _result(frame, future):
    """(entry, None, False) of a file that was cleaned, or (None, why not, whether the others would fail as well)."""
    try:
        entry, problem, number = future.result()
    except Exception as error:                  # the executor lost it
        return None, _sentence(frame, error), False
    return entry, problem, number in FATAL


def _share(dust, folder):
    """Put the mask where the workers of an executor find it: gives its path."""
    path = folder.absolute() / f".dustbust-{secrets.token_hex(8)}{'.png' if isinstance(dust, DustMask) else '.npy'}"
    if isinstance(dust, DustMask):
        dust.save(path)
    else:
        np.save(path, np.asarray(dust), allow_pickle=False)
    return path


@lru_cache(maxsize=1)
def _shared(path):
    return DustMask.load(path) if path.suffix == ".png" else np.load(path, allow_pickle=False)


def _clean_file(path, output, dust, options, times, threads):
    """Clean one file. Gives (entry for the receipt, None, None), or (None, why it failed, errno or None); it never raises."""
    part = output.with_name(f".dustbust-{secrets.token_hex(8)}.part")
    try:
        if isinstance(dust, Path):
            dust = _shared(dust)
        before = path.stat()
        frame = open_frame(path)
        clean, report = apply_mask(frame.pixels, dust, return_report=True, threads=threads, **options)
        notes = []
        try:
            if report.changed:
                notes = frame.write(clean, part)
            else:
                shutil.copyfile(path, part)
            _flush(part)
            if times:
                os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))
            entry = {"frame": str(path.absolute()), "frame_size": before.st_size, "frame_time": before.st_mtime_ns,
                     "size": part.stat().st_size, "sha256": checksum(part), **asdict(report), "notes": notes}
            os.replace(part, output)
        except OSError as error:
            return None, printable(f"{output}: cannot be written ({error.strerror or error})"), error.errno
        return entry, None, None
    except Exception as error:                  # one bad file must not end the batch, whatever is wrong with it
        return None, _sentence(path, error), None
    finally:
        part.unlink(missing_ok=True)


def _flush(path):
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _sentence(path, error):
    """What went wrong, with the name of the file."""
    text = printable(error) or type(error).__name__
    return text if printable(path) in text else f"{printable(path)}: {text}"
