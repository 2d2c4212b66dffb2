"""Apply Dust Mask: one frame without its dust."""

import warnings
from functools import partial

import numpy as np

from ..dust.model import DustModel
from ..dust.mask import DustMask
from ..errors import DustbustError
from ..image.arrays import alpha_channel, check_image, colour_channels
from ..image.morphology import count_particles
from .box_fill import fill_boxes
from .inpaint import fill_dust
from .restore import RepairReport, Restorer

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
    return_report : give an `RepairReport` as well.
    options : of "fill", see `dustbust.fill.fill_boxes`.

    Returns
    -------
    clean : like `frame`. Pixels away from dust are the same bit for bit, and so is alpha.
    report : `RepairReport`, how many particles were restored, filled and absent; only with `return_report`.

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
    clean, report = Cleaner(dust, method=method, threads=threads, **options)(frame, threads=threads)
    if return_report:
        return clean, report
    if report.unfilled:
        warnings.warn(
            f"{report.unfilled} pixels could not be filled: no picture within reach",
            RuntimeWarning,
            stacklevel=2,
        )
    return clean


class Cleaner:
    """`apply_mask` for any number of frames with one mask: what depends on the mask only is worked out once.

    Parameters
    ----------
    dust, method, options : as of `apply_mask`; and so are the exceptions.

    >>> dust = np.zeros((9, 9), bool)
    >>> dust[4, 4] = True
    >>> clean = Cleaner(dust)
    >>> [clean(np.full((9, 9), level, np.uint8))[1].filled for level in (10, 20)]
    [1, 1]
    """

    def __init__(self, dust, *, method="restore", threads=None, **options):
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
        if method == "restore" and options:
            raise TypeError(f'{", ".join(options)}: no option of method="restore"')
        self.dusty, strength = binary_and_strength(dust)
        self.is_of_a_run = isinstance(dust, DustMask)
        effect = (
            DustModel.unpack(dust.effect, self.dusty.shape)
            if self.is_of_a_run and method == "restore"
            else None
        )
        self._restore = Restorer(self.dusty, effect, threads=threads) if effect else None
        self._fill = partial(
            fill_boxes if method == "fill" else fill_dust,
            mask=self.dusty,
            strength=strength,
            **options,
        )

    def __call__(self, frame, *, threads=None):
        """-> clean, report: as `apply_mask` with `return_report`."""
        frame = check_image(frame, "frame")
        if self.is_of_a_run and self.dusty.shape != frame.shape[:2]:
            raise DustbustError(
                "the frame is {frame}, but the mask is {mask}; use the mask that was made from the frames of this run",
                frame="{1} x {0}".format(*frame.shape),
                mask="{1} x {0}".format(*self.dusty.shape),
            )
        hidden = not_finite(frame)
        if hidden is not None:
            return self._where_finite(frame, hidden, threads)
        if self._restore:
            return self._restore(frame, threads=threads)
        clean, unfilled = self._fill(frame, threads=threads)
        particles = count_particles(self.dusty)
        changed = (frame != clean).reshape(*self.dusty.shape, -1).any(axis=2)
        return clean, RepairReport(particles, 0, particles, 0, float(changed.mean()), unfilled)

    def _where_finite(self, frame, hidden, threads):
        """The same for a frame with pixels that are not finite: they are no data, as transparent ones are, and stay as they are."""
        alpha = alpha_channel(frame)
        opaque = np.where(hidden, np.float32(0), np.float32(1) if alpha is None else alpha)
        clean, report = self(
            np.dstack([np.where(hidden[..., None], np.float32(0), colour_channels(frame)), opaque]),
            threads=threads,
        )
        result = frame.copy()
        np.copyto(colour_channels(result), colour_channels(clean), where=~hidden[..., None])
        return result, report


def not_finite(frame):
    """Where a frame is not finite, bool (H, W); None if it is everywhere."""
    if frame.dtype != np.float32 or np.isfinite(frame).all():
        return None
    return ~np.isfinite(frame).reshape(*frame.shape[:2], -1).all(axis=2)


def binary_and_strength(dust):
    """What to repair (bool) and how strongly (float32, or None for fully)."""
    if isinstance(dust, DustMask):
        return dust.binary(), None
    dust = np.ascontiguousarray(dust)  # also a part of a larger mask
    if dust.dtype == np.bool_:
        return dust, None
    if dust.dtype.kind != "f":
        raise TypeError(
            f"dust must be a DustMask or an array of bool or float, not {dust.dtype}; write mask > 0 if all that is not 0 is dust"
        )
    dust = np.clip(np.nan_to_num(dust, nan=0), 0, 1).astype(np.float32)
    return dust > 0, dust
