"""A batch: cleans the frames of a run, from files to files.

Frames are only read. Every output is complete or does not exist. An output that somebody changed is
never replaced without being asked to.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from ..dust.mask import DustMask
from ..dust.mask_file import checksum_of
from ..errors import DustbustError, Sentence
from ..files.find import find_frames
from ..files.formats import output_name
from ..files.paths import as_path, is_path
from ..files.read import check_writable
from ..files.write import EXISTS, check_complete, flush_folder, free_name
from ..image.arrays import Picture
from ..restoration.apply import Cleaner
from ..runtime.read_ahead import at_once
from ..runtime.threads import Threads, count
from .journal import Journal, Records
from .outputs import Found, State, look_at, stamp_of
from .receipt import RECEIPT_NAME, Batch, version
from .report import BatchPlan, BatchReport
from .worker import (
    FATAL,
    TEMPORARY,
    Job,
    SharedCleaner,
    clean_file,
    fail_to_write,
    reason_of,
    share_cleaner,
)

Noted = TypeVar("Noted")
PathLike: TypeAlias = str | bytes | os.PathLike[str]
Progress: TypeAlias = Callable[[float, str], object]

# Number of jobs that are handed to the executor ahead of the one whose result is awaited.
JOBS_AHEAD = 1000


def clean_frames(
    paths: PathLike | Iterable[PathLike],
    dust: DustMask | Picture | PathLike,
    folder: PathLike = "cleanedphotos",
    *,
    exists: str = "skip",
    preserve_times: bool = False,
    executor: Executor | None = None,
    announce: Callable[[BatchPlan], object] | None = None,
    progress: Progress | None = None,
    threads: int | None = None,
    **options: Any,
) -> BatchReport:
    """Remove the dust from files. The cleaned copies have the same names, in another folder.

    Parameters
    ----------
    paths : path-like or iterable of path-like
        The frames: files, folders or patterns, see `dustbust.files.find.find_frames`.
    dust : DustMask, ndarray or path-like
        The mask; an array as in `apply_mask`, or a file with a mask.
    folder : path-like
        The folder of the outputs, made if it does not exist. A relative path starts from the folder
        of the first frame.
    exists : {"skip", "overwrite", "rename"}
        What to do about outputs that exist. "skip" keeps them, but renews outdated ones: those that
        Dustbust wrote with another mask or other settings or from another version of the frame, and
        that nobody changed since. An interrupted batch that is run again thus continues.
        "overwrite" replaces all; "rename" gives the new ones other names.
    preserve_times : bool
        Give the outputs the times of their frames.
    executor : concurrent.futures.Executor, optional
        Runs the work, for example on a cluster (`dustbust.runtime.dask.dask_executor`). Its workers
        must see the same files under the same names. None: threads of this process.
    announce : callable, optional
        Called with a `BatchPlan` before anything is written. An exception that it raises ends the
        batch.
    progress : callable, optional
        Called with a fraction, 0..1, and the name of a frame.
    threads : int, optional
        Number of files that are cleaned at a time; with an executor, threads for each file.
    **options
        Options of `apply_mask`, such as `method`.

    Returns
    -------
    BatchReport
        Which files were written, skipped and failed. One bad file does not keep the others from
        being cleaned.

    Raises
    ------
    DustbustError
        If the batch cannot begin: there are no frames or no mask, or the folder cannot be written
        or is the folder of the frames.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from dustbust import clean_frames
    >>> from dustbust.files.write import write_picture
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_picture(folder + "/1.png", np.full((9, 9), 100, np.uint8))
    ...     dust = np.zeros((9, 9), bool)
    ...     dust[4, 4] = True
    ...     report = clean_frames(folder, dust)
    >>> [path.name for path in report.written], report.folder.name
    (['1.png'], 'cleanedphotos')
    """
    task = _Task.of(paths, dust, folder, exists, options)
    works: list[Callable[[], Any]] = [partial(Cleaner, task.dust, **options), lambda: task.batch]
    clean, _ = at_once(works, threads if executor is None else None)
    _make(task.folder)
    _check_folder(task.frames, task.folder)
    batch = _Batch(task, preserve_times, progress)
    try:
        plan = batch.plan()
        if announce:
            announce(plan)
        if executor is None:
            workers = count(threads)
            with Threads(workers) as own:
                batch.run(own, clean, max(1, workers // len(task.frames)))
        else:
            batch.run(executor, share_cleaner(task.dust, task.folder, options), threads or 1)
    finally:
        batch.close()
    return batch.report


def plan_frames(
    paths: PathLike | Iterable[PathLike],
    dust: DustMask | Picture | PathLike,
    folder: PathLike = "cleanedphotos",
    **options: Any,
) -> BatchPlan:
    """The plan of `clean_frames`, made without writing anything.

    Parameters
    ----------
    paths, dust, folder, options
        As of `clean_frames`.

    Returns
    -------
    BatchPlan
        Which outputs are new, up to date, outdated and edited.

    Raises
    ------
    DustbustError
        As `clean_frames`.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from dustbust.batch.clean import plan_frames
    >>> from dustbust.files.write import write_picture
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_picture(folder + "/1.png", np.full((9, 9), 100, np.uint8))
    ...     plan_frames(folder, np.zeros((9, 9), bool)).summary()
    '1 new'
    """
    task = _Task.of(paths, dust, folder, "skip", options)
    if task.folder.exists():
        _check_folder(task.frames, task.folder)
    records = Records.of(task.folder)
    plan, _ = _plan(task, records)
    return plan


@dataclass
class _Task:
    """The work that a batch is asked to do."""

    frames: list[Path]
    folder: Path
    dust: DustMask | Picture
    exists: str
    options: dict[str, Any]

    @classmethod
    def of(
        cls,
        paths: PathLike | Iterable[PathLike],
        dust: DustMask | Picture | PathLike,
        folder: PathLike,
        exists: str,
        options: dict[str, Any],
    ) -> "_Task":
        if exists not in EXISTS:
            raise ValueError(f"exists must be one of {', '.join(EXISTS)}, not {exists!r}")
        frames = find_frames(paths)
        if not frames:
            raise DustbustError("no frames: give at least one file to clean")
        _check_frames(frames)
        mask = DustMask.load(as_path(dust)) if is_path(dust) else cast("DustMask | Picture", dust)
        return cls(frames, frames[0].parent / as_path(folder), mask, exists, options)

    @cached_property
    def batch(self) -> Batch:
        """The entry of this batch in the receipt."""
        return {
            "version": version(),
            "mask": checksum_of(self.dust),
            "settings": {name: str(value) for name, value in sorted(self.options.items())},
        }

    def makes(self, state: State) -> bool:
        """Whether the output is made of a frame whose output is in this state."""
        return self.exists != "skip" or state in (State.NEW, State.OUTDATED)


def _check_frames(frames: list[Path]) -> None:
    """Refuse frames if none of them exists, or if two have the same name."""
    if not any(map(os.path.exists, frames)):
        raise DustbustError(
            "{path}: there is no such file"
            if len(frames) == 1
            else "{path}: there is no such file, nor any of the other {number} frames; "
            "name them where they are now",
            path=frames[0],
            number=len(frames) - 1,
        )
    names: dict[str, Path] = {}
    for frame in frames:
        other = names.setdefault(os.path.normcase(output_name(frame)), frame)
        if other != frame:
            raise DustbustError(
                "{other} and {frame} have the same name, so that one output would replace the "
                "other; clean them one after the other",
                other=other,
                frame=frame,
            )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DustbustError(
            "{folder}: cannot be made ({error}); choose another folder", folder=folder, error=error
        ) from error


def _check_folder(frames: list[Path], folder: Path) -> None:
    """Refuse a folder of outputs that is a folder of frames, even under another name."""
    parents = {Path(os.path.realpath(frame)).parent for frame in frames}
    for parent in parents | {frame.parent for frame in frames}:
        if os.path.exists(parent) and os.path.samefile(parent, folder):
            raise DustbustError(
                "{folder}: is the folder of the frames themselves, which are never written over; "
                "choose another folder",
                folder=folder,
            )


def _remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of an interrupted batch."""
    for name in os.listdir(folder):
        if name.startswith(TEMPORARY):
            (folder / name).unlink(missing_ok=True)


def _plan(task: _Task, records: Records) -> tuple[BatchPlan, list[Found | str]]:
    """Check all outputs. -> the plan; and for each frame its output's state, or why it fails."""
    batches = records.receipt.batches
    number = batches.index(task.batch) if task.batch in batches else None

    def look(frame: Path) -> Found | str:
        output = task.folder / output_name(frame)
        try:
            found = look_at(frame, output, records, number)
            if found.state == State.UNKNOWN:
                if task.exists == "skip":
                    check_complete(frame, output)
                state = State.UP_TO_DATE if task.exists == "skip" else State.EDITED
                found = replace(found, state=state)
            if task.makes(found.state):
                check_writable(frame)
            return found
        except (OSError, DustbustError) as error:
            return reason_of(frame, error)

    with Threads(count()) as pool:  # they read and hash files
        found = list(pool.map(look, task.frames))
    plan = BatchPlan(task.folder)
    lists = {
        State.NEW: plan.new,
        State.UP_TO_DATE: plan.up_to_date,
        State.OUTDATED: plan.outdated,
        State.EDITED: plan.edited,
    }
    for frame, one in zip(task.frames, found, strict=True):
        if isinstance(one, Found):
            lists[one.state].append(task.folder / output_name(frame))
        else:
            plan.failed[frame] = one
    return plan, found


class _FatalError(Exception):
    """The rest of the batch cannot be done either."""


class _Batch:
    """A running batch: it hands out jobs and takes them back, both in the order of the run."""

    def __init__(self, task: _Task, preserve_times: bool, progress: Progress | None) -> None:
        self.task, self.preserve_times, self.progress = task, preserve_times, progress
        self.folder = task.folder
        self.report = BatchReport(task.folder)
        self.found: list[Found | str] = []
        self.dealt_with: set[Path] = set()
        try:
            self.journal = Journal(self.folder)
            _remove_leftovers(self.folder)
        except OSError as error:
            raise DustbustError(
                "{folder}: cannot be written to ({error}); choose another folder",
                folder=self.folder,
                error=error,
            ) from error

    def plan(self) -> BatchPlan:
        """Check the outputs that exist."""
        plan, self.found = _plan(self.task, self.journal)
        return plan

    def run(self, executor: Executor, clean: Cleaner | SharedCleaner, threads: int) -> None:
        """Clean all frames that need it, with `threads` for each file."""
        waiting: deque[_Item] = deque()
        items = self._items()
        try:
            for item in items:
                if item.job:
                    item.future = executor.submit(
                        clean_file, item.job, clean, self.preserve_times, threads
                    )
                waiting.append(item)
                while waiting and (len(waiting) > JOBS_AHEAD or waiting[0].is_ready):
                    self._finish(waiting.popleft())
            while waiting:
                self._finish(waiting.popleft())
        except _FatalError as stop:
            for item in (*waiting, *items):
                if item.job is None or (item.future and not item.future.cancel()):
                    with suppress(_FatalError):
                        self._finish(item)
            for frame in self.task.frames:
                if frame not in self.dealt_with:
                    self.report.failed[frame] = Sentence(
                        "{path}: not done, since the batch had to stop ({reason})",
                        path=frame,
                        reason=stop,
                    )
        finally:
            for item in waiting:
                if item.future:
                    item.future.cancel()

    def _items(self) -> Iterator["_Item"]:
        """An item for each frame, in the order of the run."""
        exists = self.task.exists
        for frame, found in zip(self.task.frames, self.found, strict=True):
            output = self.folder / output_name(frame)
            if isinstance(found, str):
                yield _Item(frame, output, problem=found)
                continue
            if not self.task.makes(found.state):
                yield _Item(frame, output, edited=found.state == State.EDITED)
                continue
            if exists == "rename" and found.state != State.NEW:
                output, found = free_name(output), NOTHING
            job = Job(frame.absolute(), self.folder.absolute() / output.name)
            yield _Item(frame, output, job, found)

    def _finish(self, item: "_Item") -> None:
        """Take the result of a frame."""
        job = item.result()
        if job and job.part:
            self._publish(item, job)
        self.dealt_with.add(item.frame)
        problem = job.problem if job else item.problem
        if problem:
            self.report.failed[item.frame] = problem
        elif job is None:
            self.report.skipped.append(item.output)
            if item.edited:
                self.report.edited.append(item.output)
        if job and job.number in FATAL:
            raise _FatalError(problem)
        if self.progress:
            self.progress(self.report.done / len(self.task.frames), item.frame.name)

    def _publish(self, item: "_Item", job: Job) -> None:
        """Give a complete output its name, after it is noted in the journal."""
        assert job.part is not None
        assert job.entry is not None
        if self.task.exists != "overwrite" and item.found.stamp != stamp_of(item.output):
            job.part.unlink(missing_ok=True)
            job.problem = Sentence(
                "{path}: somebody wrote it while the batch was at work; it is kept as it is",
                path=item.output,
            )
            return
        number = self._note(self.journal.begin_batch, self.task.batch)
        self._note(self.journal.done, item.output.name, {**job.entry, "batch": number})
        try:
            os.replace(job.part, item.output)
        except OSError as error:
            self._note(self.journal.undone, item.output.name)
            job.part.unlink(missing_ok=True)
            fail_to_write(job, error)
            return
        self.report.written.append(item.output)
        self.report.count_dust(item.frame, job.entry["particles"], job.entry["absent"])
        self.report.count_place(job.entry["placed"])
        if job.entry["notes"]:
            self.report.notes[item.output] = job.entry["notes"]

    def _note(self, write: Callable[..., Noted], *what: Any) -> Noted:
        """Write into the journal."""
        try:
            return write(*what)
        except OSError as error:
            raise _FatalError(
                Sentence(
                    "{folder}: cannot be written to ({error})", folder=self.folder, error=error
                )
            ) from error

    def close(self) -> None:
        """Turn the journal into the receipt, and remove temporary files."""
        _remove_leftovers(self.folder)
        flush_folder(self.folder)
        if self.report.written:
            self.journal.receipt.warnings = [str(each) for each in self.report.warnings]
        try:
            self.journal.close()
        except (OSError, DustbustError) as error:
            # The journal stays, and the next batch makes the receipt.
            path = self.folder / RECEIPT_NAME
            self.report.failed[path] = reason_of(path, error)
        if not os.listdir(self.folder):
            self.folder.rmdir()


NOTHING = Found(State.NEW)


@dataclass
class _Item:
    """A frame of a running batch. A frame without a job is not cleaned."""

    frame: Path
    output: Path
    job: Job | None = None
    found: Found = NOTHING
    edited: bool = False
    problem: str = ""
    future: Future[Job] | None = None

    @property
    def is_ready(self) -> bool:
        return self.future is None or self.future.done()

    def result(self) -> Job | None:
        """Wait for the job and return its result."""
        if self.job is None or self.future is None:
            return None
        try:
            return self.future.result()
        except Exception as error:  # the executor lost it
            self.job.problem = reason_of(self.frame, error)
            return self.job
