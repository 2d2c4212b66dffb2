"""Estimate Dust Mask: from a run of frames to a mask of the dust that stays with the scanner."""

from collections.abc import Iterable
from concurrent.futures import Executor

from ..dust.mask import DustMask
from ..dust.polarity import POLARITIES_TO_ESTIMATE
from ..files.read import Frame
from ..options import Number
from ..runtime.progress import Progress
from .blank import estimate_from_blank
from .frames import Frames
from .methods import METHODS
from .passes import Runner


def estimate_mask(
    frames: Iterable[Frame],
    *,
    method: str = METHODS.default,
    polarity: str = "auto",
    blank: Frame | Iterable[Frame] | None = None,
    leave_out: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
    **options: Number,
) -> DustMask:
    """Find the dust that a run of frames has in common.

    Parameters
    ----------
    frames : iterable of path or ndarray
        Pictures (H, W) or (H, W, C), uint8, uint16 or float32. Ten are enough for most dust.
        Frames that were cropped, that wander or that are turned by quarters are placed by the dust
        that they have in common.
    method : str
        How the mask is made. The methods and their options:

        {methods}
    polarity : {"light", "dark", "both", "auto"}
        "auto" takes light or dark, whichever the frames show. "light" if dust is brighter than the
        picture, as on inverted negatives; "dark" if it is darker, as on slides.
    blank : path, ndarray, or iterable of these, optional
        One or more scans of the empty glass or light table (for a camera: of an evenly lit wall)
        with the settings of the frames. The dust is read from them, and one frame is enough. A TIFF
        with an infrared plane, the fourth channel of VueScan or the second page of SilverFast,
        serves as the blank of its own dust. Of the method "opacity" only.
    leave_out : bool
        What to do about frames that cannot be read, or that have another size than most frames and
        cannot be placed. True leaves them out and reports it, but refuses the run if they are more
        than half of all frames. False refuses the run.
    progress : callable, optional
        Called as progress(fraction, text).
    executor : concurrent.futures.Executor, optional
        Runs the work in parts, for example on a cluster (`dustbust.dask_executor`). Its workers
        must see the same files under the same names. The mask has the same bytes.
    threads : int, optional
        Number of threads; by default one for each processor. With an executor: threads for each
        part of the run, by default one.

    Returns
    -------
    DustMask
        Its `report` tells how far it can be trusted: "frames" (number used), "left_out" (name and
        reason of each frame that was not used), "noise" (of the map), "coverage" (share of the
        picture that is marked), "particles" ([x, y, area in px, opacity, share of the frames in
        which it is present] of each), "warnings" (sentences).

    Raises
    ------
    DustbustError
        If there are no frames, or one cannot be used (see `leave_out`). The message names it.
    TypeError
        If the method does not have an option.
    ValueError
        If the method or the polarity is unknown, or the value of an option is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust import estimate_mask
    >>> rng = np.random.default_rng(1)
    >>> levels = (0.2, 0.3, 0.5, 0.4)
    >>> frames = [rng.normal(level, 0.01, (120, 160)).astype(np.float32) for level in levels]
    >>> for frame in frames:
    ...     frame[50:54, 60:66] += 0.4 * (1 - frame[50:54, 60:66])
    >>> dust = estimate_mask(frames)
    >>> dust.report["particles"][0][:3]
    [62, 52, 24]
    """
    chosen = METHODS.named(method)
    if polarity not in POLARITIES_TO_ESTIMATE:
        raise ValueError(
            f"polarity must be one of {', '.join(POLARITIES_TO_ESTIMATE)}, not {polarity!r}"
        )
    own = METHODS.checked(method, options)
    frames = list(frames)

    def new_runner() -> Runner:
        return Runner(
            Frames.of(frames, leave_out=leave_out),
            progress=progress,
            executor=executor,
            threads=threads,
        )

    runner = new_runner()
    if blank is not None:
        if method != "opacity":
            raise TypeError(f'method="{method}" has no option blank; it is one of "opacity"')
        return estimate_from_blank(runner, blank, polarity, **own)
    mask = chosen.estimate(runner, polarity, **own)
    margin = runner.frames.margin
    if polarity == "auto" and margin is not None and margin.polarity == "both":
        # What of the film's margin can show dust depends on the polarity, which was not known yet:
        # of light dust not the holes, which would be taken for dust.
        mask = chosen.estimate(new_runner(), mask.polarity, **own)
    return mask


METHODS.describe(estimate_mask)
