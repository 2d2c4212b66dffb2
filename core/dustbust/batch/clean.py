"""A batch: the frames of a run, files to files. Originals are only read; every output is whole or not there."""

import hashlib
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..dust.mask import DustMask
from ..errors import DustbustError, Sentence
from ..files.find import find_frames
from ..files.paths import as_path, is_path
from ..files.write import EXISTS, check_complete, free_name
from ..restoration.apply import Cleaner
from ..runtime.threads import count
from .journal import JOURNAL_NAME, Journal
from .receipt import RECEIPT_NAME, version
from .worker import FATAL, Job, clean_file, reason_of, share_cleaner

# Jobs that are handed to the executor ahead of the one that is waited for.
JOBS_AHEAD = 1000


@dataclass
class BatchReport:
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


def clean_frames(
    paths,
    dust,
    folder="cleanedphotos",
    *,
    exists="skip",
    preserve_times=False,
    executor=None,
    progress=None,
    threads=None,
    **options,
):
    """Take the dust off files; the cleaned copies have the same names, in another folder.

    Parameters
    ----------
    paths : the frames: files, folders or patterns, see `dustbust.frames.find_frames`.
    dust : the mask: a `DustMask`, an array as in `apply_mask`, or the path of a file with one.
    folder : of the outputs; made if it is not there. One that is not absolute is taken from the folder of the first frame.
    exists : what to do about an output that is there already:
        "skip" it if it is complete and newer than its frame, and was made with this mask and these settings as far as the receipt tells
        (so that an interrupted batch, run again, goes on where it stopped); "overwrite" it; or "rename" the new one.
    preserve_times : give the outputs the times of their frames.
    executor : any `concurrent.futures.Executor`, whose workers see the same files under the same names, such as that of a cluster
        (`dustbust.cluster.dask_executor`); None runs in threads of this process.
    progress : callable(fraction, text), or None.
    threads : how many files are worked on at a time; with an executor, threads for each file.
    options : of `apply_mask`, such as `method`.

    Returns
    -------
    BatchReport : what was written, skipped and failed. One bad file does not keep the others from being done.

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
    clean = Cleaner(dust, **options)
    folder = _prepare(frames, folder)
    batch = _Batch(frames, folder, dust, exists, preserve_times, options, progress)
    try:
        if executor is None:
            workers = count(threads)
            with ThreadPoolExecutor(workers) as own:
                batch.run(own, clean, max(1, workers // len(frames)))
        else:
            batch.run(executor, share_cleaner(dust, folder, options), threads or 1)
    finally:
        batch.close()
    return batch.cleaned


def _prepare(frames, folder):
    """Make the folder of the outputs and refuse it if it is a folder of frames, by whatever name."""
    if not any(map(os.path.exists, frames)):
        raise DustbustError(
            "{path}: there is no such file"
            if len(frames) == 1
            else "{path}: there is no such file, nor any of the other {number} frames; name them where they are now",
            path=frames[0],
            number=len(frames) - 1,
        )
    folder = frames[0].parent / as_path(folder)
    names = {}
    for frame in frames:
        other = names.setdefault(os.path.normcase(frame.name), frame)
        if other != frame:
            raise DustbustError(
                "{other} and {frame} have the same name, so that one output would replace the other; clean them one after the other",
                other=other,
                frame=frame,
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DustbustError(
            "{folder}: cannot be made ({error}); choose another folder", folder=folder, error=error
        ) from error
    for parent in {frame.resolve().parent for frame in frames} | {frame.parent for frame in frames}:
        if parent.exists() and os.path.samefile(parent, folder):
            raise DustbustError(
                "{folder}: is the folder of the frames themselves, which are never written over; choose another folder",
                folder=folder,
            )
    return folder


def _remove_leftovers(folder):
    """Remove what an interrupted batch left half done."""
    for name in os.listdir(folder):
        if name.startswith(".dustbust-") and name != JOURNAL_NAME:
            (folder / name).unlink(missing_ok=True)


def _checksum_of(dust):
    """SHA-256 of a mask: of all that makes a difference to what is cleaned with it."""
    digest = hashlib.sha256()
    for part in (dust.grey, dust.extra()) if isinstance(dust, DustMask) else (np.asarray(dust),):
        digest.update(np.ascontiguousarray(part).data if isinstance(part, np.ndarray) else part)
    return digest.hexdigest()


class _Stop(Exception):
    """The rest of the batch cannot be done either."""


class _Batch:
    """A batch at work: hands out jobs in the order of the run, and takes what comes back in the same order."""

    def __init__(self, frames, folder, dust, exists, preserve_times, options, progress):
        self.frames, self.folder, self.exists, self.preserve_times, self.options, self.progress = (
            frames,
            folder,
            exists,
            preserve_times,
            options,
            progress,
        )
        self.cleaned = BatchReport(folder)
        try:
            self.journal = Journal(folder)
            _remove_leftovers(folder)
            self.number = self.journal.begin_batch(
                {
                    "version": version(),
                    "mask": _checksum_of(dust),
                    "settings": {name: str(value) for name, value in sorted(options.items())},
                }
            )
        except OSError as error:
            raise DustbustError(
                "{folder}: cannot be written to ({error}); choose another folder",
                folder=folder,
                error=error,
            ) from error

    def run(self, executor, clean, threads):
        """Do all jobs. `clean` is a `Cleaner` or a `_Shared`, `threads` are for each file."""
        waiting = deque()
        jobs = self.jobs()
        try:
            for job in jobs:
                waiting.append(
                    (
                        job,
                        None
                        if job.kept or job.problem
                        else executor.submit(clean_file, job, clean, self.preserve_times, threads),
                    )
                )
                while waiting and (
                    len(waiting) > JOBS_AHEAD or waiting[0][1] is None or waiting[0][1].done()
                ):
                    self.finish(*waiting.popleft())
            while waiting:
                self.finish(*waiting.popleft())
        except _Stop as stop:
            for job, future in waiting:
                if future is None or not future.cancel():
                    with suppress(_Stop):
                        self.finish(job, future)
                else:
                    self.give_up(stop)
            while self.done < len(self.frames):
                self.give_up(stop)
        finally:
            for _, future in waiting:
                if future is not None:
                    future.cancel()

    @property
    def done(self):
        """How many frames are dealt with, one way or another."""
        return len(self.cleaned.written) + len(self.cleaned.skipped) + len(self.cleaned.failed)

    def give_up(self, stop):
        """Note that the next frame is not done."""
        frame = self.frames[self.done]
        self.cleaned.failed[frame] = Sentence(
            "{path}: not done, since the batch had to stop ({reason})", path=frame, reason=stop
        )

    def jobs(self):
        """Yield a job for each frame; one that is `kept` or has a `problem` is done already."""
        for frame in self.frames:
            job = Job(frame.absolute(), self.folder.absolute() / frame.name)
            try:
                self.look_at_output(job)
            except (OSError, DustbustError) as error:
                job.problem = reason_of(frame, error)
            if not (job.kept or job.problem):
                self.note(self.journal.begin, job.output.name)
            yield job

    def look_at_output(self, job):
        """Decide what to do about an output that may be there."""
        frame, output = job.frame, job.output
        if not (output.exists() or output.is_symlink()):
            return
        if output.exists() and os.path.samefile(frame, output):
            raise DustbustError(
                "{output}: is the frame itself by another name, and frames are never written over",
                output=output,
            )
        if self.exists == "rename":
            job.output = free_name(output)
        if self.exists != "skip":
            return
        known = self.journal.receipt.files.get(output.name)
        if known is not None:
            now = frame.stat()
            if (
                known["batch"],
                known.get("frame_size"),
                known.get("frame_time"),
                known["size"],
            ) == (self.number, now.st_size, now.st_mtime_ns, output.stat().st_size):
                job.known = known
        elif output.name not in self.journal.begun:
            check_complete(frame, output)
            job.kept = True

    def finish(self, job, future):
        """Take what came of a job."""
        if future is not None:
            try:
                job = future.result()
            except Exception as error:  # the executor lost it
                job.problem = reason_of(job.frame, error)
        frame = self.frames[self.done]
        output = self.folder / job.output.name
        if job.problem:
            self.cleaned.failed[frame] = job.problem
        else:
            (self.cleaned.skipped if job.kept else self.cleaned.written).append(output)
        if job.entry:
            if job.entry["notes"]:
                self.cleaned.notes[output] = job.entry["notes"]
            self.note(self.journal.done, output.name, {**job.entry, "batch": self.number})
        if job.number in FATAL:
            raise _Stop(job.problem)
        if self.progress:
            self.progress(self.done / len(self.frames), frame.name)

    def note(self, write, *what):
        """Write into the journal."""
        try:
            write(*what)
        except OSError as error:
            raise _Stop(
                Sentence(
                    "{folder}: cannot be written to ({error})", folder=self.folder, error=error
                )
            ) from error

    def close(self):
        """Turn the journal into the receipt, and leave nothing else behind."""
        try:
            self.journal.close()
        except OSError as error:  # the journal stays, and the next batch makes the receipt
            self.cleaned.failed[self.folder / RECEIPT_NAME] = Sentence(
                "{path}: cannot be written ({error})", path=self.folder / RECEIPT_NAME, error=error
            )
        _remove_leftovers(self.folder)
        if not os.listdir(self.folder):
            self.folder.rmdir()
