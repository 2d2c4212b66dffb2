"""Going over the frames of a run: here, or in parts, by the workers of any `concurrent.futures.Executor`.

A pass over a run is an object that has
    look(frame) : what a frame shows. It depends on nothing that other frames show, and is called in several threads at a time.
    take(number, name, seen) : takes that in.
    start : a callable without arguments that gives an empty pass of the same kind; it can be pickled.
    merge(other) : takes in what another such pass saw of other frames.
Everything is summed in whole numbers, so that neither the order of the frames nor how they are divided makes a difference.
"""
from concurrent.futures import FIRST_COMPLETED, wait
from typing import NamedTuple

from .frames import name_of, read_ahead

# A part of a run has so many frames at least, for what it found out is as large as some frames; and there are so many parts at most.
FEWEST_FRAMES = 8
MOST_PARTS = 64


class Numbered(NamedTuple):
    """A frame, its number in the run, and what messages call it."""
    number: int
    name: str
    frame: object


def numbered(frames):
    """The frames of a run as a list of `Numbered`."""
    return [Numbered(number, name_of(frame, number), frame) for number, frame in enumerate(frames)]


def go_over(one, frames, *, executor=None, progress=None, threads=None):
    """Take frames, a list of `Numbered`, into a pass.

    Parameters
    ----------
    one : the pass.
    executor : whose workers see the same files under the same names; None: here.
    progress : called as progress(fraction, name), or None.
    threads : how many to use; with an executor, for each part.
    """
    if executor is None:
        for done, seen in enumerate(read_ahead([each.frame for each in frames], one.look, threads)):
            one.take(frames[done].number, frames[done].name, seen)
            if progress:
                progress((done + 1) / len(frames), frames[done].name)
        return
    size = max(FEWEST_FRAMES, -(-len(frames) // MOST_PARTS))
    parts = [frames[begin:begin + size] for begin in range(0, len(frames), size)]
    waiting, done = {executor.submit(go_over_part, one.start, part, threads or 1): part for part in parts}, 0
    try:
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                part = waiting.pop(future)
                one.merge(future.result())
                done += len(part)
                if progress:
                    progress(done / len(frames), part[-1].name)
    finally:
        for future in waiting:
            future.cancel()


def go_over_part(start, frames, threads):
    """A pass over a part of a run, in a worker."""
    one = start()
    go_over(one, frames, threads=threads)
    return one
