"""Apply Dust Mask: one frame without its dust."""

import warnings
from dataclasses import replace
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from ..dust.film_margin import FilmMargin, without_margin
from ..dust.mask import DustMask
from ..dust.placement import Placement
from ..image.arrays import (
    Mask,
    Picture,
    Plane,
    alpha_channel,
    check_image,
    check_mask,
    colour_channels,
)
from ..options import Number
from .methods import METHODS
from .parts import RepairInParts
from .places import Places
from .repair import Changes, DustToRepair, RepairOfPixels, RepairReport

__all__ = ["METHODS", "Cleaner", "RepairReport", "apply_mask"]


@overload
def apply_mask(
    frame: Picture,
    dust: DustMask | npt.NDArray[Any],
    *,
    method: str = ...,
    return_report: Literal[False] = ...,
    threads: int | None = ...,
    **options: Number,
) -> Picture: ...


@overload
def apply_mask(
    frame: Picture,
    dust: DustMask | npt.NDArray[Any],
    *,
    method: str = ...,
    return_report: Literal[True],
    threads: int | None = ...,
    **options: Number,
) -> tuple[Picture, RepairReport]: ...


def apply_mask(
    frame: Picture,
    dust: DustMask | npt.NDArray[Any],
    *,
    method: str = METHODS.default,
    return_report: bool = False,
    threads: int | None = None,
    **options: Number,
) -> Picture | tuple[Picture, RepairReport]:
    """Remove the dust from a frame.

    The method "restore" does not change places of particles that are absent from this frame. It
    needs the density that `estimate_mask` measured; dust of which only the place is known is
    filled.

    Parameters
    ----------
    frame : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
        The frame, which is not changed. Pixels that are transparent or not finite do not count as
        data.
    dust : DustMask or ndarray of bool or float, shape (H, W)
        What to remove. Any mask will do: bool, or float as opacity of the repair (0 leaves a pixel
        alone).
    method : str
        How the frame is repaired. The methods and their options:

        {methods}
    return_report : bool
        Whether the result includes a `RepairReport`.
    threads : int, optional
        Number of threads; by default one for each processor.

    Returns
    -------
    clean : ndarray like `frame`
        Pixels away from dust are the same bit for bit, and so is alpha.
    report : RepairReport
        How many particles were restored, filled and absent; only with `return_report`.

    Raises
    ------
    DustbustError
        If the frame of a `DustMask` has another size than the mask and does not show its dust.
    TypeError
        If `frame` is not a picture, `dust` is not a mask, or the method does not have an option.
    ValueError
        If a shape does not fit, the method is unknown, or the value of an option is out of range.

    Warns
    -----
    RuntimeWarning
        If pixels could not be filled, unless the report is returned.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust import apply_mask
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


METHODS.describe(apply_mask)


class Cleaner:
    """`apply_mask` for any number of frames. Results that depend only on the mask are reused.

    Parameters
    ----------
    dust, method, threads, **options
        See `apply_mask`; so are the exceptions.

    Examples
    --------
    >>> import numpy as np
    >>> dust = np.zeros((9, 9), bool)
    >>> dust[4, 4] = True
    >>> clean = Cleaner(dust)
    >>> [clean(np.full((9, 9), level, np.uint8))[1].filled for level in (10, 20)]
    [1, 1]
    """

    def __init__(
        self,
        dust: DustMask | npt.NDArray[Any],
        *,
        method: str = METHODS.default,
        threads: int | None = None,
        **options: Number,
    ) -> None:
        chosen = METHODS.named(method)
        options = METHODS.checked(method, options)
        self.dusty, strength = binary_and_strength(dust)
        self._places = Places(dust) if isinstance(dust, DustMask) else None
        packed = dust.model if isinstance(dust, DustMask) else {}
        polarity = dust.polarity if isinstance(dust, DustMask) else "both"
        margin = FilmMargin.unpack(packed, self.dusty.shape, polarity)
        repair = chosen.prepare(
            DustToRepair(self.dusty, strength, without_margin(packed)), threads=threads, **options
        )
        self._repair = repair if margin is None else RepairInParts(repair, margin)

    def __call__(
        self, frame: Picture, *, name: str = "", threads: int | None = None
    ) -> tuple[Picture, RepairReport]:
        """As `apply_mask` with `return_report`.

        Parameters
        ----------
        frame : ndarray
            See `apply_mask`.
        name : str
            What the mask calls the frame, if it was made from it.
        threads : int or None
            See `apply_mask`.
        """
        clean: Picture = np.array(check_image(frame, "frame"), order="C")
        return clean, self.in_place(clean, name=name, threads=threads)[1]

    def in_place(
        self, picture: Picture, *, name: str = "", threads: int | None = None
    ) -> tuple[Mask, RepairReport]:
        """Remove the dust from a picture, which is changed.

        Parameters
        ----------
        picture : ndarray
            See `apply_mask`; contiguous.
        name : str
            What the mask calls the frame, if it was made from it.
        threads : int or None
            See `apply_mask`.

        Returns
        -------
        changed : ndarray of bool, shape (H, W)
            Which pixels changed.
        report : RepairReport
        """
        changes, report = self._changes(picture, name, threads)
        return changes.mask(picture), report

    def _changes(
        self, picture: Picture, name: str, threads: int | None
    ) -> tuple[Changes, RepairReport]:
        """As `in_place`."""
        hidden = not_finite(picture)
        if hidden is not None:
            clean, report = self._where_finite(picture, hidden, name, threads)
            return Changes.make(picture, clean), report
        if self._places is None:
            check_mask(self.dusty, picture.shape)
            return self._repaired(picture, threads)
        place = self._places.of(picture, name)
        if place is not None:
            return self._placed(picture, place, threads)
        changes, report = self._repaired(picture, threads)
        if self._places.is_doubtful(report.particles, report.absent):
            repaired = Changes.begin(picture, changes.positions)
            changes.undo(picture)
            place = self._places.find(picture)
            if place is not None and not place.covers(self._places.grid):
                return self._placed(picture, place, threads)
            repaired.undo(picture)
        return changes, report

    def _repaired(self, picture: Picture, threads: int | None) -> tuple[Changes, RepairReport]:
        """The same for a picture that covers the mask exactly and is finite."""
        if isinstance(self._repair, RepairOfPixels):
            return self._repair.in_place(picture, threads=threads)
        clean, report = self._repair(picture, threads=threads)
        return Changes.make(picture, clean), report

    def _placed(
        self, frame: Picture, place: Placement, threads: int | None
    ) -> tuple[Changes, RepairReport]:
        """The same for a frame that does not cover the mask exactly."""
        pasted = place.pasted(frame, (self.dusty.shape[0], self.dusty.shape[1]))
        clean, report = self._repair(pasted, threads=threads)
        pixels = frame.shape[0] * frame.shape[1]
        return Changes.make(frame, place.taken_back(clean, frame)), replace(
            report,
            changed=report.changed * self.dusty.size / pixels,
            placed=place.placed,
        )

    def _where_finite(
        self, frame: Picture, hidden: Mask, name: str, threads: int | None
    ) -> tuple[Picture, RepairReport]:
        """The same for a frame with pixels that are not finite.

        Like transparent pixels, they do not count as data and are not changed.
        """
        alpha = alpha_channel(frame)
        opaque = np.where(hidden, np.float32(0), np.float32(1) if alpha is None else alpha)
        clean, report = self(
            np.dstack([np.where(hidden[..., None], np.float32(0), colour_channels(frame)), opaque]),
            name=name,
            threads=threads,
        )
        result: Picture = frame.copy()
        np.copyto(colour_channels(result), colour_channels(clean), where=~hidden[..., None])
        return result, report


def not_finite(frame: Picture) -> Mask | None:
    """Where a frame is not finite, shape (H, W); None if it is finite everywhere."""
    if frame.dtype != np.float32 or np.isfinite(frame).all():
        return None
    return np.asarray(~np.isfinite(frame).reshape(*frame.shape[:2], -1).all(axis=2))


def binary_and_strength(dust: DustMask | npt.ArrayLike) -> tuple[Mask, Plane | None]:
    """What to repair, and how strongly (None: fully)."""
    if isinstance(dust, DustMask):
        return dust.binary(), None
    array: npt.NDArray[Any] = np.ascontiguousarray(dust)  # also a part of a larger mask
    if array.dtype == np.bool_:
        return array, None
    if array.dtype.kind != "f":
        raise TypeError(
            f"dust must be a DustMask or an array of bool or float, not {array.dtype}; "
            "write mask > 0 if all that is not 0 is dust"
        )
    strength = np.clip(np.nan_to_num(array, nan=0), 0, 1).astype(np.float32)
    return strength > 0, strength
