"""Estimate Dust Mask: from a run of frames to a mask of what stays with the scanner."""
import numpy as np

from . import _kernels
from .errors import DustbustError
from .filters import gaussian_blur
from .frames import name_of, read_ahead, read_luminance
from .mask import DustMask
from .opacity import OpacitySums, soften
from .threads import count

# Opacity from which a pixel is marked: what takes a thirtieth of the light shows.
SUGGESTED = 0.035

METHODS = ("opacity", "sum")
POLARITIES = ("light", "dark", "both", "auto")


def estimate_mask(frames, *, method="opacity", polarity="light", blur=25.0, trim=8, progress=None, threads=None):
    """Find the dust that a run of frames has in common.

    Parameters
    ----------
    frames : paths of pictures, or arrays (H, W) or (H, W, C), uint8, uint16 or float32, all of one size. Ten are enough for most dust.
    method : "opacity": how much of the light the dust takes. "sum": the original method, the sum of the frames less a heavy blur.
    polarity : "light" (dust is brighter than the picture, as on inverted negatives), "dark" (slides), "both", or "auto": light or dark,
        whichever the frames show.
    blur, trim : of "sum" only: standard deviation of the blur in px, and how many px at the edges are left out.
    progress : called as progress(fraction, text) while the work goes on, or None.
    threads : how many to use; by default one for each processor.

    Returns
    -------
    DustMask

    Raises
    ------
    DustbustError
        when there are no frames, one cannot be read, or has another size than the first; the message names it.
    """
    frames = list(frames)
    if not frames:
        raise DustbustError("no frames: give at least two frames of one run")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if polarity not in POLARITIES:
        raise ValueError(f"polarity must be one of {', '.join(POLARITIES)}, not {polarity!r}")
    names = tuple(name_of(frame, index) for index, frame in enumerate(frames))
    if method == "sum":
        grey = sum_of_frames(frames, blur=blur, trim=trim, progress=progress, threads=threads)
        return DustMask(grey, 0.5, "light" if polarity == "auto" else polarity, method, names)
    found = [opacity_of_frames(frames, each, progress, threads) for each in (("light", "dark") if polarity in ("both", "auto") else (polarity,))]
    if polarity == "auto":
        best = int(found[1].sum() > found[0].sum())
        return DustMask(found[best], SUGGESTED, ("light", "dark")[best], method, names)
    return DustMask(np.maximum.reduce(found), SUGGESTED, polarity, method, names)


def opacity_of_frames(frames, polarity, progress=None, threads=None):
    """The share of the light that dust of one polarity takes, float32 (H, W), from two passes over the frames."""
    mask = None
    for part in (0, 1):
        sums = None

        def read(frame):
            plane = read_luminance(frame)
            return plane, OpacitySums(plane.shape, polarity, mask).coarse(plane, 1)

        for index, (plane, coarse) in enumerate(read_ahead(frames, read, threads)):
            name = name_of(frames[index], index)
            if sums is None:
                sums = OpacitySums(plane.shape, polarity, mask)
            check_size(plane, sums.shape, name)
            sums.add(plane, coarse, threads)
            if progress:
                progress((part + (index + 1) / len(frames)) / 2, name)
        opacity = soften(sums.opacity(threads))
        noise = noise_floor(opacity, 16 * sums.side)
        mask = _kernels.dilate(opacity > np.maximum(4 * noise, 0.02), 3, count(threads))
    return opacity * np.clip(opacity / (5 * noise), 0, 1)


def check_size(plane, shape, name):
    """All frames of a run have the size of the first."""
    if plane.shape != shape:
        raise DustbustError(f"{name}: is {plane.shape[1]} x {plane.shape[0]}, but the first frame is {shape[1]} x {shape[0]}; "
                            "all frames of a run have one size: leave it out, or scan it again")


def noise_floor(opacity, tile):
    """Standard deviation of what is no dust, float32 (H, W): from the median absolute deviation of tiles, so that dust does not count."""
    rows, columns = (-(-n // tile) for n in opacity.shape)
    floor = np.array([[np.median(np.abs(opacity[y * tile:(y + 1) * tile, x * tile:(x + 1) * tile])) for x in range(columns)]
                      for y in range(rows)], np.float32)
    return _kernels.interpolate(soften(soften(floor)) * np.float32(1.4826), tile, *opacity.shape, 1) + np.float32(1e-6)


def sum_of_frames(frames, *, blur, trim, progress=None, threads=None):
    """The original method: sum of the frames, maximum 1, minus a heavy blur, absolute value, edges trimmed."""
    total = None
    for index, plane in enumerate(read_ahead(frames, read_luminance, threads)):
        if total is None:
            total = np.zeros(plane.shape, np.float64)
        check_size(plane, total.shape, name_of(frames[index], index))
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
