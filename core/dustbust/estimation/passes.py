"""Going over the frames of a run: here, or in parts, by the workers of any `concurrent.futures.Executor`.

A pass over a run is an object that has
    look(plane, seen) : what a frame shows, given its luminance and where it has data (see `frames.read_luminance_and_data`). It depends on nothing that
        other frames show, and is called in several threads at a time.
    take(number, said) : takes in what `look` gave for the frame with this number.
    start : a callable without arguments that gives an empty pass of the same kind; it can be pickled.
    merge(other) : takes in what another such pass took in of other frames.
Everything is summed in whole numbers, so that neither the order of the frames nor how they are divided makes a difference.
"""

from concurrent.futures import FIRST_COMPLETED, wait
from functools import partial
from typing import NamedTuple

import numpy as np

from ..errors import DustbustError, Sentence
from ..files.paths import name_of, place_of
from ..files.read import read_luminance_and_data
from ..image.arrays import to_unit
from ..runtime.read_ahead import read_ahead

# A part of a run has so many frames at least, for what it found out is as large as some frames; and there are so many parts at most.
FEWEST_FRAMES = 8
MOST_PARTS = 64

# Frames that are held in memory take no more bytes than this.
LARGEST_HELD = 2**28


class Numbered(NamedTuple):
    """A frame, its number in the run, and what messages call it."""

    number: int
    name: str
    frame: object


class Run:
    """The frames of a run, to be gone over once or more.

    Parameters
    ----------
    frames, leave_out : as of `estimate_mask`.
    progress : called as progress(fraction, name) after each of the `planned` looks at a frame, or None.
    executor : whose workers see the same files under the same names; None: here.
    threads : how many to use; with an executor, for each part.

    Attributes
    ----------
    names, places : of the frames, as messages and as masks call them.
    unfit : {number: why} of the frames that are left out, since they cannot be read or have another size.
    shape : (H, W), that of the first frame that can be read; all must have it.
    """

    def __init__(self, frames, *, leave_out=False, progress=None, executor=None, threads=None):
        self.names = [name_of(frame, number) for number, frame in enumerate(frames)]
        self.places = [place_of(frame, number) for number, frame in enumerate(frames)]
        self.leave_out, self.progress, self.executor, self.threads = (
            leave_out,
            progress,
            executor,
            threads,
        )
        self.planned = len(self.names)
        self._frames, self._looks, self._held, self.unfit = list(frames), 0, {}, {}
        for number, frame in enumerate(self._frames):
            try:
                plane, seen = read_luminance_and_data(frame)
                break
            except DustbustError as error:
                self._leave_out(number, error)
        self.shape = plane.shape
        if seen is None and not executor:
            self._held[number] = in_steps_of_8_bit(plane)

    @property
    def used(self):
        """The places of the frames that are not left out."""
        return tuple(place for number, place in enumerate(self.places) if number not in self.unfit)

    @property
    def left_out(self):
        """[place, why] of the frames that are."""
        return [[self.places[number], why] for number, why in sorted(self.unfit.items())]

    def warnings(self):
        """What the user is to know of them: sentences."""
        return (
            [
                Sentence(
                    "{number} of {frames} frames cannot be used and were left out. {why}",
                    number=len(self.unfit),
                    frames=len(self.names),
                    why=self.left_out[0][1],
                )
            ]
            if self.unfit
            else []
        )

    def go_over(self, passes, numbers, *, hold=(), quiet=False):
        """Show the frames with these numbers to some passes. Those to `hold` are kept in memory, as far as there is room.
        `quiet`: these looks were not planned."""
        frames = [
            Numbered(number, self.names[number], self._held.get(number, self._frames[number]))
            for number in numbers
            if number not in self.unfit
        ]
        if self.executor:
            for part, unfit in go_over_parts(
                passes, frames, self.shape, self.executor, self.threads or 1
            ):
                for number, error in unfit.items():
                    self._leave_out(number, error)
                self._looked(part, quiet)
            return
        room = LARGEST_HELD // max(
            (plane.nbytes for plane in self._held.values()),
            default=4 * self.shape[0] * self.shape[1],
        )
        hold = set(hold[:room])
        for frame, seen in zip(
            frames, read_ahead(frames, partial(look_at, passes, self.shape, hold), self.threads)
        ):
            if isinstance(seen, DustbustError):
                self._leave_out(frame.number, seen)
            else:
                plane, said = seen
                if plane is not None:
                    self._held[frame.number] = plane
                for one, each in zip(passes, said):
                    one.take(frame.number, each)
            self._looked([frame], quiet)

    def release(self):
        """Hold no frames any more."""
        self._held.clear()

    def _leave_out(self, number, error):
        if not self.leave_out:
            raise error
        self.unfit[number] = error.args[0]
        if 2 * len(self.unfit) > len(self.names):
            raise DustbustError(
                "{number} of {frames} frames cannot be used. {why}",
                number=len(self.unfit),
                frames=len(self.names),
                why=self.left_out[0][1],
            )

    def _looked(self, frames, quiet):
        if quiet:
            return
        self._looks += len(frames)
        if self.progress:
            self.progress(self._looks / self.planned, frames[-1].name)


def look_at(passes, shape, hold, frame):
    """What passes see of a `Numbered` frame; before that its luminance, if it is one to hold and has data everywhere, or None.

    Or the DustbustError that says why it cannot be used.
    """
    try:
        plane, seen = read_luminance_and_data(frame.frame)
        check_frame_size(plane, shape, frame.name)
    except DustbustError as error:
        return error
    return in_steps_of_8_bit(plane) if frame.number in hold and seen is None else None, [
        one.look(plane, seen) for one in passes
    ]


def go_over_parts(passes, frames, shape, executor, threads):
    """Show frames to passes in the workers of an executor; yields the parts when they are done, with {number: error} of unfit frames."""
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
                for one, other in zip(passes, others):
                    one.merge(other)
                yield waiting.pop(future), unfit
    finally:
        for future in waiting:
            future.cancel()


def go_over_part(starts, frames, shape, threads):
    """Passes over a part of a run, in a worker, and {number: error} of its unfit frames."""
    passes, unfit = [start() for start in starts], {}
    for frame, seen in zip(
        frames, read_ahead(frames, partial(look_at, passes, shape, ()), threads)
    ):
        if isinstance(seen, DustbustError):
            unfit[frame.number] = seen
        else:
            for one, each in zip(passes, seen[1]):
                one.take(frame.number, each)
    return passes, unfit


def in_steps_of_8_bit(plane):
    """A plane in 0..1, float32 (H, W), as uint8 if it can be had back from that, or as it is."""
    whole = np.empty(plane.shape, np.uint8)
    for top in range(0, len(plane), 64):  # strips that stay in the processor's cache
        rows = slice(top, top + 64)
        whole[rows] = np.rint(plane[rows] * np.float32(255)).astype(np.uint8)
        if not np.array_equal(to_unit(whole[rows]), plane[rows]):
            return plane
    return whole


def check_frame_size(plane, shape, name):
    """All frames of a run have the size of the first."""
    if plane.shape != shape:
        raise DustbustError(
            "{frame}: is {size}, but the first frame is {first}; all frames of a run have one size: leave it out, or scan it again",
            frame=name,
            size="{1} x {0}".format(*plane.shape),
            first="{1} x {0}".format(*shape),
        )


def spread_over(numbers, count):
    """So many of some numbers, evenly spread over all of them."""
    return [
        numbers[place]
        for place in np.linspace(0, len(numbers) - 1, min(count, len(numbers))).round().astype(int)
    ]


def check_frames(frames):
    """The frames as a list; there must be some."""
    frames = list(frames)
    if not frames:
        raise DustbustError("no frames: give the frames of a run, ten or more if there are so many")
    return frames
