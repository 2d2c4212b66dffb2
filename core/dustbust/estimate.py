"""Estimate Dust Mask: from a run of frames to a mask of what stays with the scanner."""
import numpy as np

from .errors import DustbustError
from .filters import gaussian_blur
from .frames import name_of, read_ahead, read_luminance
from .mask import DustMask


def estimate_mask(frames, *, method="sum", polarity="light", blur=25.0, trim=8, progress=None, threads=None):
    """Find the dust that a run of frames has in common."""
    frames = list(frames)
    if not frames:
        raise DustbustError("no frames: give at least two frames of one run")
    if method != "sum":
        raise ValueError(f"method must be one of sum, not {method!r}")
    grey = sum_of_frames(frames, blur=blur, trim=trim, progress=progress, threads=threads)
    return DustMask(grey, 0.5, polarity, method, tuple(name_of(f, i) for i, f in enumerate(frames)))


def sum_of_frames(frames, *, blur, trim, progress=None, threads=None):
    """The original method: sum of the frames, maximum 1, minus a heavy blur, absolute value, edges trimmed."""
    total = None
    for index, plane in enumerate(read_ahead(frames, read_luminance, threads)):
        if total is None:
            total = np.zeros(plane.shape, np.float64)
        if plane.shape != total.shape:
            raise DustbustError(f"{name_of(frames[index], index)}: is {plane.shape[1]} x {plane.shape[0]}, but the first frame is "
                                f"{total.shape[1]} x {total.shape[0]}; all frames of a run have one size")
        total += plane
        if progress:
            progress((index + 1) / len(frames), name_of(frames[index], index))
    scaled = (total / max(total.max(), 1e-12)).astype(np.float32)
    grey = np.abs(scaled - gaussian_blur(scaled, blur, threads))
    if trim:
        inner = np.zeros_like(grey)
        inner[trim:-trim, trim:-trim] = grey[trim:-trim, trim:-trim]
        grey = inner
    return grey
