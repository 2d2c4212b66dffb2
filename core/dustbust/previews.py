"""Previews for windows: thumbnails, a typical frame, and spots with dust.

This module depends on no window toolkit: pictures go in and come out as arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import JpegImagePlugin

from . import _kernels
from .dust.mask import DustMask
from .dust.model import DustModel
from .errors import DustbustError
from .files.read import read_frame, read_luminance
from .files.spool import Spool
from .image.arrays import alpha_channel, colour_channels, from_unit, largest, to_unit
from .registration.register import Registration
from .restoration.apply import apply_mask
from .runtime.progress import steps
from .runtime.threads import count
from .stacking.dust_polarity import find_polarity
from .stacking.evidence import Evidence
from .stacking.modes import MODES
from .stacking.scans import Scans
from .stacking.stack import combine_scans, stack_scans
from .stacking.tone import Evening

# Side of a spot, px, which is shown one to one. Pixels up to SPOT_MARGIN px from the spot are
# repaired with it, as they can influence its repair.
SPOT_SIDE = 240
SPOT_MARGIN = 60

# Scans with at most this many values in total are combined whole, which takes about a second. Dust
# is then told from the page on the whole page. Of larger scans only the part shown is combined.
WHOLE_SIZE = 6_000_000

# Scans are reduced to about this many px on the longer side to look for dust.
OVERVIEW_SIDE = 1600

# Where reduced scans differ by more than this share of white, one of them has dust.
VISIBLE_DIFFERENCE = 0.1

# Frames of a run that are read to find a typical one; in these, every eighth pixel is enough.
FRAMES_COMPARED = 5
PIXEL_STEP = 8

DUST_FREE = "dust-free"  # the stacking mode that finds the dust of the scanner

Slices = tuple[slice, slice]


def thumbnail(path: str | Path, side: int = SPOT_SIDE) -> np.ndarray:
    """Read a picture file reduced in size.

    Parameters
    ----------
    path : str or Path
    side : int
        The largest width and height of the result, px.

    Returns
    -------
    ndarray
        uint8, uint16 or float32, (H, W) or (H, W, C).

    Raises
    ------
    DustbustError
        If the file is not a readable picture.
    """
    if str(path).lower().endswith((".jpg", ".jpeg")):
        # Pillow decodes a JPEG at an eighth of its size, which is much quicker.
        with JpegImagePlugin.JpegImageFile(path) as picture:
            picture.draft("RGB", (side, side))
            picture.thumbnail((side, side))
            return np.asarray(picture.convert("RGB"))
    pixels = read_frame(path)
    step = -(-max(pixels.shape[:2]) // side)
    return pixels[::step, ::step]


def to_rgb8(picture: np.ndarray) -> np.ndarray:
    """Convert a picture to what screens show: contiguous uint8 (H, W, 3), without alpha.

    >>> to_rgb8(np.full((1, 1), 65535, np.uint16)).tolist()
    [[[255, 255, 255]]]
    """
    colours = colour_channels(picture)
    if colours.dtype != np.uint8:
        colours = from_unit(to_unit(colours), np.uint8)
    return np.ascontiguousarray(np.broadcast_to(colours, (*colours.shape[:2], 3)))


def typical_frame(frames: Sequence[Any]) -> Any:
    """Return the frame of median brightness among a few spread over the run.

    >>> dark, grey, light = (np.full((8, 8), value, np.uint8) for value in (10, 100, 200))
    >>> int(typical_frame([light, dark, grey])[0, 0])
    100
    """
    few = list(frames[:: max(len(frames) // FRAMES_COMPARED, 1)])
    brightness = [float(read_luminance(frame)[::PIXEL_STEP, ::PIXEL_STEP].mean()) for frame in few]
    order = sorted(range(len(few)), key=brightness.__getitem__)
    return few[order[len(few) // 2]]


class Spots:
    """The parts of a picture with dust, the dustiest first.

    Parameters
    ----------
    dusty : ndarray
        bool (H, W), of the picture, or of a picture `scale` times smaller.
    shape : tuple of int, optional
        Height and width of the picture, if it is not that of `dusty`.
    scale : int
    """

    def __init__(
        self, dusty: np.ndarray, shape: tuple[int, int] | None = None, scale: int = 1
    ) -> None:
        height, width = self.shape = shape or dusty.shape
        rows, self._columns = max(height // SPOT_SIDE, 1), max(width // SPOT_SIDE, 1)
        self._tall, self._wide = height // rows, width // self._columns
        y, x = np.nonzero(dusty)
        row = np.minimum(y * scale // self._tall, rows - 1)
        column = np.minimum(x * scale // self._wide, self._columns - 1)
        counts = np.bincount(row * self._columns + column, minlength=rows * self._columns)
        dustiest = np.argsort(-counts, kind="stable")
        self._order = dustiest[: max(np.count_nonzero(counts), 1)]

    def __len__(self) -> int:
        return len(self._order)

    def window(self, number: int) -> tuple[Slices, Slices]:
        """Return the slices of a spot, and of it with its surroundings; numbers wrap around."""
        row, column = divmod(int(self._order[number % len(self)]), self._columns)
        height, width = self.shape
        rows, rows_near = _window(row * self._tall, height)
        columns, columns_near = _window(column * self._wide, width)
        return (rows, columns), (rows_near, columns_near)


def _window(start: int, size: int) -> tuple[slice, slice]:
    """Return one dimension of a spot, and of it with its surroundings, inside a picture."""
    start = max(min(start, size - SPOT_SIDE), 0)
    end = start + SPOT_SIDE
    return (
        slice(start, min(end, size)),
        slice(max(start - SPOT_MARGIN, 0), min(end + SPOT_MARGIN, size)),
    )


def _inside(part: Slices, whole: Slices) -> Slices:
    """Return the slices of `part` in an array that holds `whole`."""
    rows, columns = (
        slice(one.start - all_.start, one.stop - all_.start)
        for one, all_ in zip(part, whole, strict=True)
    )
    return rows, columns


class MaskPreview:
    """Spots of pictures with and without the dust of a mask.

    Results that several spots need are computed once.

    Parameters
    ----------
    dust : DustMask
    """

    def __init__(self, dust: DustMask) -> None:
        self._dust = dust
        self._part = functools.lru_cache(maxsize=4)(self._cut_part)

    @functools.cached_property
    def _spots(self) -> Spots:
        return Spots(self._dust.binary())

    @functools.cached_property
    def _model(self) -> DustModel | None:
        return DustModel.unpack(self._dust.model, self._dust.grey.shape)

    def _cut_part(self, number: int) -> DustMask:
        __, near = self._spots.window(number)
        return self._dust.part(*near, self._model)

    def look(
        self, number: int, read: Callable[[], np.ndarray], **options: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return spot `number` of the picture that `read()` gives, before and after.

        `options` are those of `apply_mask`.
        """
        picture = read()
        if picture.shape[:2] != self._dust.grey.shape:
            return self._look_where_placed(number, picture, options)
        part, near = self._spots.window(number)
        after, __ = apply_mask(
            np.ascontiguousarray(picture[near]),
            self._part(number),
            return_report=True,
            **options,
        )
        return picture[part], after[_inside(part, near)]

    def _look_where_placed(
        self, number: int, picture: np.ndarray, options: dict[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Do as `look`, for a picture that does not cover the mask: clean the whole picture."""
        after = apply_mask(picture, self._dust, **options)
        changed = (after != picture).reshape(*picture.shape[:2], -1).any(axis=2)
        part, _ = Spots(changed).window(number)
        return picture[part], after[part]


@dataclass(frozen=True)
class Overview:
    """The places where reduced scans show dust.

    Parameters
    ----------
    spots : Spots
    polarity : str
        Of the dust; "auto" if it is not known.
    """

    spots: Spots
    polarity: str


class PagePreview:
    """Spots of the first scan, and of the page stacked from several scans.

    Only the part shown is combined, and results that several spots need are computed once. It can
    be used from any thread, but only from one at a time.

    Parameters
    ----------
    pictures : sequence of ndarray
        The scans, (H, W, C) of one dtype.
    positions : ndarray
        (scans, 2), x and y of each scan's top left corner on a common canvas, px.
    registrations : callable
        Returns the registrations of the scans, as `register_scans` does.
    threads : int, optional
    """

    def __init__(
        self,
        pictures: Sequence[np.ndarray],
        positions: np.ndarray,
        registrations: Callable[[], list[Registration]],
        *,
        threads: int | None = None,
    ) -> None:
        self._pictures, self._positions = pictures, np.asarray(positions, float)
        self._registrations, self._threads = registrations, count(threads)
        self._brightness = functools.cache(self._fit_brightness)
        self._dust = functools.cache(self._measure_dust)
        self._overview = functools.cache(self._look_for_dust)
        self._page = functools.lru_cache(maxsize=16)(self._combine_spot)
        self._whole = functools.lru_cache(maxsize=4)(self._combine_whole)

    def look(
        self, number: int, mode: str, align: bool, polarity: str = "auto"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return spot `number` of the first scan and of the page.

        Parameters
        ----------
        number : int
        mode : str
            A stacking mode.
        align : bool
            Whether the scans are aligned, or used where `positions` puts them.
        polarity : str
            Of the dust, as the mode "dust-free" takes it.
        """
        part, __ = self._overview(align).spots.window(number)
        return self._pictures[0][part], self._page(number, mode, align, polarity)

    def _combine_spot(self, number: int, mode: str, align: bool, polarity: str) -> np.ndarray:
        overview = self._overview(align)
        part, near = overview.spots.window(number)
        if self._pictures[0].size <= WHOLE_SIZE:
            return self._whole(mode, align, polarity)[part]
        box = self._box_around(near, mode, align)
        noise = None
        if mode == DUST_FREE:
            noise, known = self._dust(align)
            polarity = known if polarity == "auto" else polarity
        return self._combined(box, mode, align, polarity, noise)[_inside(part, box)]

    def _combine_whole(self, mode: str, align: bool, polarity: str) -> np.ndarray:
        """Return the whole page."""
        bottom, right = np.max([picture.shape[:2] for picture in self._pictures], axis=0)
        return self._combined((slice(0, bottom), slice(0, right)), mode, align, polarity)

    def _transforms(self, align: bool) -> list[Registration]:
        """Return where the page lies in each scan."""
        if align:
            return self._registrations()
        transforms = []
        for x, y in self._positions[0] - self._positions:
            matrix = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], float)
            transforms.append(Registration(matrix, moved=float(np.hypot(x, y))))
        return transforms

    def _fit_brightness(self, align: bool) -> list[Evening]:
        """Return the correction that makes each scan as bright as the first one."""
        first, *others = self._pictures
        fitted = [
            Evening.between(first, other, transform, threads=self._threads)
            for other, transform in zip(others, self._transforms(align)[1:], strict=True)
        ]
        return [Evening.unchanged(colour_channels(first).shape[2]), *fitted]

    def _measure_dust(self, align: bool) -> tuple[float | None, str]:
        """Return the noise of a scan and the polarity of the dust, measured on the whole scans."""
        if len(self._pictures) > 2:
            return None, self._overview(align).polarity
        with Spool() as whole:
            for picture in self._pictures:
                whole.add(picture, on_disk=False)
            names = [f"scan {number}" for number in range(len(whole))]
            transforms = self._transforms(align)
            scans = Scans.of(whole, names, transforms, self._brightness(align), self._threads)
            evidence = Evidence(scans, None)
            return evidence.noise, find_polarity(evidence).value

    def _look_for_dust(self, align: bool) -> Overview:
        """Look for dust in reduced scans.

        Where dust cannot be told from the page, any difference between the scans counts as dust.
        """
        shape = self._pictures[0].shape[:2]
        smallest = min(min(picture.shape[:2]) for picture in self._pictures)
        factor = min(max(1, round(max(shape) / OVERVIEW_SIDE)), smallest)
        scans = [_reduced(picture, factor, self._threads) for picture in self._pictures]
        placed: dict[str, Any] = {
            "registrations": [
                transform.scaled(1 / factor) for transform in self._transforms(align)
            ],
            "threads": self._threads,
        }
        height, width = scans[0].shape[:2]
        try:
            dust = stack_scans(scans, mode=DUST_FREE, return_report=True, **placed).dust
            assert dust is not None
            dusty, polarity = dust.binary()[:height, :width], dust.polarity
        except DustbustError:  # the page moved too little
            difference = stack_scans(scans, mode="range", **placed)[..., 0]
            dusty, polarity = difference > VISIBLE_DIFFERENCE, "auto"
        return Overview(Spots(dusty, shape, factor), polarity)

    def _box_around(self, part: Slices, mode: str, align: bool) -> Slices:
        """Return the part of the scanner in which all scans show a part of the page.

        For the mode "dust-free", it includes the surroundings needed to find the dust there.
        """
        bottom, right = np.max([picture.shape[:2] for picture in self._pictures], axis=0)
        rows, columns = part
        ends = [(x, y) for x in (columns.start, columns.stop) for y in (rows.start, rows.stop)]
        here = np.array(ends, float).T
        corners = [here]
        for transform in self._transforms(align)[1:]:
            there = transform.map_points(*here)
            corners.append(there)
            if mode == DUST_FREE:
                # The parts of the page that the other scans show where scanner dust may be.
                corners += [transform.map_points(*there), 2 * here - there]
        all_corners = np.concatenate(corners, axis=1)
        left, top = np.maximum(np.floor(all_corners.min(axis=1)), 0).astype(int)
        x, y = np.ceil(all_corners.max(axis=1)).astype(int)
        return slice(top, min(y, bottom)), slice(left, min(x, right))

    def _combined(
        self, box: Slices, mode: str, align: bool, polarity: str, noise: float | None = None
    ) -> np.ndarray:
        """Combine the scans inside a box of the scanner.

        Brightness, noise and polarity come from the whole scans, as a part may show too little.
        Statistics are scaled to the values in the box, not to those of the whole page.
        """
        rows, columns = box
        inside = columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start
        how = MODES.named(mode)
        evening = (
            self._brightness(align)
            if align or mode == DUST_FREE
            else [Evening.unchanged(colour_channels(self._pictures[0]).shape[2])]
            * len(self._pictures)
        )
        registrations, evening_of_parts = [], []
        with Spool() as parts:
            for picture, transform, even in zip(
                self._pictures, self._transforms(align), evening, strict=True
            ):
                if picture[box].size:  # scans may differ in size
                    parts.add(picture[box], on_disk=False)
                    registrations.append(transform.within_box(*inside))
                    evening_of_parts.append(even)
            if len(parts) == 1:
                return parts[0]
            names = [f"scan {number}" for number in range(len(parts))]
            scans = Scans.of(parts, names, registrations, evening_of_parts, self._threads)
            scans.noise = noise
            options: dict[str, Any] = {"polarity": polarity} if how.kind == DUST_FREE else {}
            return combine_scans(scans, how, steps(None, mode), view=True, **options).page


def _reduced(picture: np.ndarray, factor: int, threads: int) -> np.ndarray:
    """Return luminance and alpha of a picture, `factor` times smaller, float32 (H, W, 2)."""
    has_alpha = alpha_channel(picture) is not None
    white = largest(picture.dtype)
    return _kernels.reduce_luminance(
        np.ascontiguousarray(picture), has_alpha, factor, white, threads
    )
