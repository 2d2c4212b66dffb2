"""Passes over the frames of a run: in this process, or in parts by the workers of an executor.

A pass sums its readings in whole numbers. Neither the order of the frames nor the way they are
divided among workers changes the result.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

from ..dust.film_margin import FilmMargin
from ..dust.placement import Placement, Shape
from ..errors import DustbustError
from ..files.read import Frame, read_luminance_and_data
from ..image.arrays import Grey, Mask
from ..runtime.progress import Progress
from ..runtime.read_ahead import read_ahead
from .frames import Frames, another_size

# A worker's part of a run has at least this many frames, because its result is as large as some
# frames. There are at most MOST_PARTS parts.
FEWEST_FRAMES = 8
MOST_PARTS = 64

# Frames held in memory take at most this many bytes.
LARGEST_HELD = 2**28


class Pass(Protocol):
    """One way of looking at every frame of a run."""

    @property
    def start(self) -> "Callable[[], Pass]":
        """A callable that gives an empty pass of the same kind. It can be pickled."""
        ...

    def look(self, plane: Grey, has_data: Mask | None) -> Any:
        """The observation of one frame.

        It depends on this frame only, and is called in several threads at the same time.

        Parameters
        ----------
        plane : ndarray of uint8, uint16 or float32, shape (H, W)
            The frame's luminance in the range of its dtype; it may be held, so it must not change.
        has_data : ndarray of bool, shape (H, W), or None
            False where the frame has no data. None: it has data everywhere.
        """
        ...

    def take(self, number: int, observed: Any) -> None:
        """Add the result of `look` for the frame with this number."""
        ...

    def merge(self, other: Any) -> None:
        """Add the sums of another such pass over other frames."""
        ...


class SummingPass(Pass, Protocol):
    """A pass that can also take frames out again; `start` gives another one."""

    def add(self, observed: Any, *, sign: int = 1) -> None:
        """Add the result of `look` for a frame. `sign` -1 takes it out."""
        ...


class Removal:
    """A pass that takes frames out of another pass.

    Parameters
    ----------
    sums : SummingPass
        The pass from which the frames are taken out.
    """

    def __init__(self, sums: SummingPass) -> None:
        self.sums = sums

    @property
    def start(self) -> "Callable[[], Pass]":
        """See `Pass`."""
        return partial(removal_from, self.sums.start)

    def look(self, plane: Grey, has_data: Mask | None) -> Any:
        """See `Pass`."""
        return self.sums.look(plane, has_data)

    def take(self, number: int, observed: Any) -> None:
        """See `Pass`."""
        self.sums.add(observed, sign=-1)

    def merge(self, other: "Removal") -> None:
        """See `Pass`."""
        self.sums.merge(other.sums)


def removal_from(start: Callable[[], Pass]) -> Removal:
    """A `Removal` from the empty pass that `start` gives."""
    return Removal(cast(SummingPass, start()))


class Numbered(NamedTuple):
    """A frame, its number in the run, what messages call it, its size, its place, its margin."""

    number: int
    name: str
    source: Frame
    size: Shape
    placement: Placement | None
    margin: FilmMargin | None


class Runner:
    """Shows the frames of a run to passes.

    Parameters
    ----------
    frames : Frames
        The run.
    progress : callable or None
        Called as progress(fraction, name) after each look at a frame.
    executor : concurrent.futures.Executor or None
        Its workers go over the run in parts. None: threads of this process do.
    threads : int or None
        Number of threads; with an executor, for each part.
    """

    def __init__(
        self,
        frames: Frames,
        *,
        progress: Progress | None = None,
        executor: Executor | None = None,
        threads: int | None = None,
    ) -> None:
        self.frames = frames
        self.progress, self.executor, self.threads = progress, executor, threads
        self._done = 0.0
        self._held: dict[int, Grey] = {}

    def go_over(
        self,
        passes: Sequence[Pass],
        numbers: Iterable[int],
        *,
        hold: Sequence[int] = (),
        to_come: int | None = None,
    ) -> None:
        """Show frames to passes.

        Parameters
        ----------
        passes : sequence of Pass
            The passes that are given the frames.
        numbers : iterable of int
            Numbers of the frames. Those that are left out of the run are skipped.
        hold : sequence of int
            Numbers of frames to keep in memory for the next passes, as far as there is room.
        to_come : int or None
            Number of looks at frames that follow later. The rest of the progress is divided among
            these and the later looks. None: these looks do not move the progress.
        """
        frames = [
            Numbered(
                number,
                self.frames.names[number],
                self._held.get(number, self.frames.sources[number]),
                self.frames.sizes[number],
                self.frames.placements.get(number),
                self.frames.margin,
            )
            for number in numbers
            if number not in self.frames.left_out
        ]
        looked = self._counter(len(frames), to_come)
        if self.executor:
            for part, unfit in go_over_parts(
                passes, frames, self.frames.shape, self.executor, self.threads or 1
            ):
                self.frames.leave(unfit)
                looked(part)
            return
        look = partial(look_at, passes, self.frames.shape, set(hold))
        for frame, result in zip(frames, read_ahead(frames, look, self.threads), strict=True):
            if isinstance(result, DustbustError):
                self.frames.leave({frame.number: result})
            else:
                plane, observed = result
                if plane is not None and self._bytes_held() + plane.nbytes <= LARGEST_HELD:
                    self._held[frame.number] = plane
                for one, each in zip(passes, observed, strict=True):
                    one.take(frame.number, each)
            looked([frame])

    def show(self, one: Pass, numbers: Sequence[int]) -> None:
        """Show frames to one pass; this does not move the progress."""
        self.go_over([one], numbers)

    def release(self) -> None:
        """Stop holding frames in memory."""
        self._held.clear()

    def _bytes_held(self) -> int:
        return sum(plane.nbytes for plane in self._held.values())

    def _counter(self, looks: int, to_come: int | None) -> Callable[[Sequence[Numbered]], None]:
        """A function that counts the frames that were looked at, and moves the progress."""
        begin = self._done
        share = (1 - begin) / max(looks + (to_come or 0), 1)
        counted = 0

        def looked(frames: Sequence[Numbered]) -> None:
            nonlocal counted
            counted += len(frames)
            if to_come is None:
                return
            # After the last look the progress is exactly 1, in spite of rounding.
            self._done = 1.0 if counted == looks and not to_come else begin + counted * share
            if self.progress:
                self.progress(self._done, frames[-1].name)

        return looked


Look = tuple[Grey | None, list[Any]]


def look_at(
    passes: Sequence[Pass], grid: Shape, hold: set[int], frame: Numbered
) -> Look | DustbustError:
    """Show one frame to passes, on the grid of the run if it has a placement.

    Returns
    -------
    tuple or DustbustError
        The luminance, if it is to be held and has data everywhere, or None; and a list of what each
        pass observed. If the frame cannot be used: the error that names the reason.
    """
    try:
        plane, has_data = read_luminance_and_data(frame.source)
        if plane.shape != frame.size:  # not what the header says
            raise another_size(frame.name, (plane.shape[0], plane.shape[1]), frame.size)
    except DustbustError as error:
        return error
    kept = plane if frame.number in hold and has_data is None else None
    if frame.placement is not None:
        plane, has_data = frame.placement.on_grid(plane, has_data, grid)
    if frame.margin is not None:
        has_data = frame.margin.data(plane, has_data)
    return kept, [one.look(plane, has_data) for one in passes]


Unfit = dict[int, DustbustError]


def go_over_parts(
    passes: Sequence[Pass],
    frames: Sequence[Numbered],
    shape: Shape,
    executor: Executor,
    threads: int,
) -> Iterator[tuple[Sequence[Numbered], Unfit]]:
    """Show frames to passes in the workers of an executor.

    Yields
    ------
    tuple
        The frames of a part that is done, and {number: error} of those that cannot be used.
    """
    size = max(FEWEST_FRAMES, -(-len(frames) // MOST_PARTS))
    parts = [frames[begin : begin + size] for begin in range(0, len(frames), size)]
    waiting = {
        executor.submit(go_over_part, [one.start for one in passes], part, shape, threads): part
        for part in parts
    }
    try:
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                others, unfit = future.result()
                for one, other in zip(passes, others, strict=True):
                    one.merge(other)
                yield waiting.pop(future), unfit
    finally:
        for future in waiting:
            future.cancel()


def go_over_part(
    starts: Sequence[Callable[[], Pass]], frames: Sequence[Numbered], shape: Shape, threads: int
) -> tuple[list[Pass], Unfit]:
    """Passes over a part of a run, made in a worker, and {number: error} of its unfit frames."""
    passes, unfit = [start() for start in starts], {}
    look = partial(look_at, passes, shape, set())
    for frame, result in zip(frames, read_ahead(frames, look, threads), strict=True):
        if isinstance(result, DustbustError):
            unfit[frame.number] = result
        else:
            for one, each in zip(passes, result[1], strict=True):
                one.take(frame.number, each)
    return passes, unfit
