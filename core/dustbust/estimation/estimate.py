"""Estimate Dust Mask: from a run of frames to a mask of what stays with the scanner."""

import numpy as np

from ..dust.mask import DustMask
from ..dust.polarity import POLARITIES_TO_ESTIMATE
from .opacity_method import estimate_opacity
from .passes import Run, check_frames
from .sum_method import SumPass

METHODS = ("opacity", "sum")


def estimate_mask(
    frames,
    *,
    method="opacity",
    polarity="light",
    smallest=4,
    largest=None,
    blur=25.0,
    trim=8,
    leave_out=False,
    progress=None,
    executor=None,
    threads=None,
):
    """Find the dust that a run of frames has in common.

    Parameters
    ----------
    frames : paths of pictures, or arrays (H, W) or (H, W, C), uint8, uint16 or float32, all of one size. Ten are enough for most dust.
    method : "opacity": how much of the light the dust takes. "sum": the original method, the sum of the frames less a heavy blur.
    polarity : "light" (dust is brighter than the picture, as on inverted negatives), "dark" (slides), "both", or "auto": light or dark,
        whichever the frames show.
    smallest, largest : of "opacity" only: area in px of the smallest and the largest particle that is marked.
        None: a fiftieth of the picture, so that a lamp or a window that many frames have in common is left alone; thin hairs may be larger.
    blur, trim : of "sum" only: standard deviation of the blur in px, and how many px at the edges are left out.
    leave_out : what to do about frames that cannot be read or have another size than the first: True leaves them out and says so in the
        mask's report, unless they are more than half of all; False refuses the run.
    progress : called as progress(fraction, text) while the work goes on, or None.
    executor : any `concurrent.futures.Executor`, whose workers see the same files under the same names, such as that of a cluster
        (`dustbust.cluster.dask_executor`): the run is gone over in parts. The mask is the same, to the byte. None: here.
    threads : how many to use, by default one for each processor; with an executor, for each part of the run, by default one.

    Returns
    -------
    DustMask
        `report` tells how far it can be trusted: "frames" (used), "left_out" (name and reason of each frame that was not), "noise" (of the
        map), "coverage" (share of the picture that is marked), "particles" ([x, y, area in px, opacity, share of the frames that it was in]
        of each), "warnings" (sentences).

    Raises
    ------
    DustbustError
        when there are no frames, or one (see `leave_out`) cannot be read, or has another size than the first; the message names it.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frames = [np.full((120, 160), level, np.float32) + rng.normal(0, 0.01, (120, 160)).astype(np.float32) for level in (0.2, 0.3, 0.5, 0.4)]
    >>> for frame in frames:
    ...     frame[50:54, 60:66] += 0.4 * (1 - frame[50:54, 60:66])
    >>> dust = estimate_mask(frames)
    >>> dust.report["particles"][0][:3]
    [62, 52, 24]
    """
    frames = check_frames(frames)
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if polarity not in POLARITIES_TO_ESTIMATE:
        raise ValueError(
            f"polarity must be one of {', '.join(POLARITIES_TO_ESTIMATE)}, not {polarity!r}"
        )
    run = Run(frames, leave_out=leave_out, progress=progress, executor=executor, threads=threads)
    if method == "sum":
        total = SumPass()
        run.go_over([total], range(len(frames)))
        return DustMask(
            total.grey(blur, trim, threads),
            0.5,
            "light" if polarity == "auto" else polarity,
            method,
            run.used,
            report={"left_out": run.left_out, "warnings": run.warnings()},
        )
    return estimate_opacity(run, polarity, smallest, largest, threads)
