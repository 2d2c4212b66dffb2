"""Apply Dust Mask: one frame without its dust."""
import warnings

import numpy as np

from .arrays import alpha_channel, check_image, colour_channels
from .effect import Effect
from .errors import DustbustError
from .fill import fill_boxes, fill_dust
from .mask import DustMask
from .restore import Applied, count_particles, restore

METHODS = ("restore", "fill")


def apply_mask(frame, dust, *, method="restore", return_report=False, threads=None, **options):
    """Take the dust off a frame.

    Parameters
    ----------
    frame : uint8, uint16 or float32, (H, W) or (H, W, C); left as it is. Pixels that are transparent or not finite are no data.
    dust : a `DustMask`; or a mask from anywhere, (H, W): bool, or float as opacity of the repair (0 leaves a pixel alone).
    method : "restore" brings back what is under translucent dust and fills what is opaque. A particle that is not in this frame is
        left alone. It needs what `estimate_mask` found out about the dust; dust of which nothing but the place is known is filled.
        "fill" is the original: repeated means over the known pixels of a box.
    return_report : give an `Applied` as well.
    options : of "fill", see `dustbust.fill.fill_boxes`.

    Returns
    -------
    clean : like `frame`. Pixels away from dust are the same bit for bit, and so is alpha.
    report : `Applied`, how many particles were restored, filled and absent; only with `return_report`.

    Raises
    ------
    DustbustError
        when a `DustMask` has another size than the frame.
    TypeError, ValueError
        when `frame` is no picture, `dust` no mask for it, or an option is unknown.

    Warns
    -----
    RuntimeWarning
        when pixels could not be filled, unless `return_report` says so.

    >>> frame = np.full((9, 9), 100, np.uint8)
    >>> frame[4, 4] = 255
    >>> int(apply_mask(frame, frame == 255).max()) < 120
    True
    """
    frame = check_image(frame, "frame")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if method == "restore" and options:
        raise TypeError(f"{', '.join(options)}: no option of method=\"restore\"")
    dusty, strength = binary_and_strength(dust)
    if isinstance(dust, DustMask) and dusty.shape != frame.shape[:2]:
        raise DustbustError("the frame is {frame}, but the mask is {mask}; use the mask that was made from the frames of this run",
                            frame="{1} x {0}".format(*frame.shape), mask="{1} x {0}".format(*dusty.shape))
    hidden = not_finite(frame)
    if hidden is not None:
        return apply_where_finite(frame, hidden, dust, method=method, return_report=return_report, threads=threads, **options)
    effect = Effect.unpack(dust.effect, dusty.shape) if isinstance(dust, DustMask) else None
    if effect and method == "restore":
        clean, report = restore(frame, dusty, effect, threads=threads)
    else:
        fill = fill_boxes if method == "fill" else fill_dust
        clean, unfilled = fill(frame, dusty, strength=strength, threads=threads, **options)
        report = report_of_filled(frame, clean, dusty, unfilled)
    if return_report:
        return clean, report
    if report.unfilled:
        warnings.warn(f"{report.unfilled} pixels could not be filled: no picture within reach", RuntimeWarning, stacklevel=2)
    return clean


def not_finite(frame):
    """Where a frame is not finite, bool (H, W); None if it is everywhere."""
    if frame.dtype != np.float32 or np.isfinite(frame).all():
        return None
    return ~np.isfinite(frame).reshape(*frame.shape[:2], -1).all(axis=2)


def apply_where_finite(frame, hidden, dust, *, return_report, **options):
    """`apply_mask` for a frame with pixels that are not finite: they are no data, as transparent ones are, and stay as they are."""
    alpha = alpha_channel(frame)
    opaque = np.where(hidden, np.float32(0), np.float32(1) if alpha is None else alpha)
    seen = np.dstack([np.where(hidden[..., None], np.float32(0), colour_channels(frame)), opaque])
    clean, report = apply_mask(seen, dust, return_report=True, **options)
    result = frame.copy()
    np.copyto(colour_channels(result), colour_channels(clean), where=~hidden[..., None])
    return (result, report) if return_report else result


def report_of_filled(frame, clean, dusty, unfilled):
    """The `Applied` of a frame all of whose dust was filled."""
    particles = count_particles(dusty)
    changed = (frame != clean).reshape(*dusty.shape, -1).any(axis=2)
    return Applied(particles, 0, particles, 0, float(changed.mean()), unfilled)


def binary_and_strength(dust):
    """What to repair (bool) and how strongly (float32, or None for fully)."""
    if isinstance(dust, DustMask):
        return dust.binary(), None
    dust = np.ascontiguousarray(dust)       # also a part of a larger mask
    if dust.dtype == np.bool_:
        return dust, None
    if dust.dtype.kind != "f":
        raise TypeError(f"dust must be a DustMask or an array of bool or float, not {dust.dtype}; write mask > 0 if all that is not 0 is dust")
    dust = np.clip(np.nan_to_num(dust, nan=0), 0, 1).astype(np.float32)
    return dust > 0, dust
