"""Review of a mask by hand: its particles one by one, and the picture with and without them.

This module depends on no window toolkit: pictures go in and come out as arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _kernels
from .dust.mask import DustMask, opacity_of
from .dust.model import DustModel
from .image.arrays import Mask, Picture, Positions, Values
from .image.fixed_point import STEPS_OF_16_BIT, to_steps
from .previews import Slices, to_rgb8
from .restoration.apply import apply_mask

# How particles can be sorted: the most opaque, the largest, or the least certain first.
ORDERS = ("strength", "size", "doubt")

# Pixels up to this distance from the part shown are repaired with it, as they can influence its
# repair, px.
MARGIN = 60

# A click selects the nearest particle within this distance, px.
REACH = 6

# A speck below the threshold is kept with the connected pixels whose grey is at least SHARE_OF_PEAK
# times its peak, up to SPECK_REACH px away. Grey below LOWEST_GREY counts as noise.
SHARE_OF_PEAK, SPECK_REACH, LOWEST_GREY = 0.6, 40, 0.2

# A rejected particle is removed with a rim of this width, px.
RIM = 3

# Views that can be shown beside a frame.
VIEWS = ("clean", "dust", "changes")

# Pixels that cleaning changes are shown in this red.
RED = np.array([230, 30, 30], np.uint8)


class Particle(NamedTuple):
    """One particle of a mask at its threshold.

    Parameters
    ----------
    y, x : int
        A pixel of the particle, near its middle.
    top, left, bottom, right : int
        The smallest box around it; `bottom` and `right` are one past its last row and column.
    area : int
        px.
    strength : float
        Mean opacity, 0..1.
    certainty : float
        Amount by which its peak exceeds the threshold, 0..1.
    """

    y: int
    x: int
    top: int
    left: int
    bottom: int
    right: int
    area: int
    strength: float
    certainty: float


class Counts(NamedTuple):
    """Amount that a mask marks: particles, pixels, and the share of the picture, 0..1."""

    particles: int
    pixels: int
    share: float


class Decision(NamedTuple):
    """What a decision, or taking one back, did to a particle.

    Parameters
    ----------
    kept : bool
        Whether the particle now counts as dust. Otherwise it stays in the picture.
    y, x : int
        One of its pixels.
    top, left, bottom, right : int
        The smallest box around the pixels that were changed; `bottom` and `right` are one past its
        last row and column.
    """

    kept: bool
    y: int
    x: int
    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class _Edit:
    """Pixels whose grey was changed, with their grey before and after in steps of 1/65535.

    `place` is a position in the particle that the decision is about.
    """

    place: int
    positions: Positions
    before: npt.NDArray[np.uint16]
    after: npt.NDArray[np.uint16]

    def decision(self, width: int, *, is_undone: bool = False) -> Decision:
        """The decision, in a picture of this width."""
        rejects = not self.after.any()
        y, x = np.divmod(self.positions, width)
        box = int(y.min()), int(x.min()), int(y.max()) + 1, int(x.max()) + 1
        return Decision(rejects == is_undone, *divmod(self.place, width), *box)


class Review:
    """A mask under review: a threshold, and particles that are kept or rejected.

    Parameters
    ----------
    dust : DustMask
        The mask, which is not changed; also the attribute `dust`, until `keep` is called.
    threads : int, optional

    Examples
    --------
    >>> grey = np.zeros((20, 30), np.float32)
    >>> grey[5:8, 5:8], grey[12, 20:25] = 0.9, 0.6
    >>> review = Review(DustMask(grey, 0.5))
    >>> review.counts.particles, review.sorted_by("size")[0].area
    (2, 9)
    >>> review.toggle(6, 6).kept, review.counts.particles
    (False, 1)
    >>> review.undo().kept, review.counts.particles
    (True, 2)
    """

    def __init__(self, dust: DustMask, *, threads: int | None = None) -> None:
        self.dust, self._threads = dust, threads
        self._steps = np.concatenate(
            [to_steps(dust.grey[top : top + 64]) for top in range(0, len(dust.grey), 64)]
        )
        self._limit = round(dust.threshold * STEPS_OF_16_BIT)
        self._done: list[_Edit] = []
        self._undone: list[_Edit] = []
        self._kept: list[_Edit] = []  # those of `_done` that are in `dust`
        self._state: _State | None = None

    @property
    def threshold(self) -> float:
        """Grey from which a pixel is dust, 0..1."""
        return self._limit / STEPS_OF_16_BIT

    @threshold.setter
    def threshold(self, value: float) -> None:
        if not 0 <= value <= 1:
            raise ValueError(f"threshold must be from 0 to 1, not {value}")
        limit = round(value * STEPS_OF_16_BIT)
        if limit != self._limit:
            self._limit, self._state = limit, None

    @property
    def counts(self) -> Counts:
        """How much is marked now."""
        state = self._marked
        pixels = len(state.labels)
        return Counts(state.number, pixels, pixels / self._steps.size)

    @property
    def mask(self) -> DustMask:
        """The mask with the threshold and the decisions of the review.

        Pixels that were kept although below the threshold have grey 1, and rejected ones grey 0, so
        other thresholds do not change these decisions.
        """
        return replace(self.dust, grey=self._steps.copy(), threshold=self.threshold)

    @property
    def changed(self) -> bool:
        """Whether the mask is not `dust`."""
        edited = list(map(id, self._done)) != list(map(id, self._kept))
        return edited or self.threshold != self.dust.threshold

    def keep(self) -> DustMask:
        """Return the mask, and count changes from it: it becomes `dust`.

        Decisions can still be undone.

        Examples
        --------
        >>> review = Review(DustMask(np.full((9, 9), 0.6, np.float32), 0.5))
        >>> review.threshold = 0.7
        >>> review.changed, review.keep().threshold == review.threshold, review.changed
        (True, True, False)
        """
        self.dust, self._kept = self.mask, list(self._done)
        return self.dust

    @property
    def _marked(self) -> _State:
        if self._state is None:
            self._state = _State(self._steps, self._limit, self.dust.scale)
        return self._state

    def sorted_by(self, order: str) -> list[Particle]:
        """All particles.

        Parameters
        ----------
        order : {"strength", "size", "doubt"}
            The most opaque, the largest, or the least certain first.

        Raises
        ------
        ValueError
            If there is no such order.
        """
        if order not in ORDERS:
            raise ValueError(f"order must be one of {', '.join(ORDERS)}, not {order!r}")
        return self._marked.sorted_by(order)

    def particle_at(self, y: int, x: int) -> Particle | None:
        """The particle that a pixel belongs to.

        Examples
        --------
        >>> review = Review(DustMask(np.eye(9, dtype=np.float32), 0.5))
        >>> review.particle_at(2, 2).area, review.particle_at(2, 5)
        (9, None)
        """
        return self._marked.particle_at(y, x)

    def toggle(self, y: int, x: int) -> Decision | None:
        """Reject the particle at a pixel, or keep a rejected or unmarked particle there.

        Parameters
        ----------
        y, x : int
            The pixel, or one beside the particle.

        Returns
        -------
        Decision or None
            None if there is no particle.
        """
        marked, rejected = self._marked.particle_near(y, x, 0), self._rejected_at(y, x)
        if marked is None and rejected is None:
            marked = self._marked.particle_near(y, x, REACH)
        if marked is not None:
            return self._reject(marked)
        if rejected is not None:
            return self._write(rejected.place, rejected.positions, rejected.before)
        speck = self._speck_near(y, x)
        if speck is None:
            return None
        return self._write(int(speck[0]), speck, np.full(speck.size, STEPS_OF_16_BIT, np.uint16))

    def _reject(self, particle: Positions) -> Decision:
        """Remove a particle with its rim, so that a lower threshold does not bring it back."""
        y, x = np.divmod(particle, self._steps.shape[1])
        box = int(y.min()), int(x.min()), int(y.max()), int(x.max())
        part = _around(*box, RIM, self._steps.shape)
        inside = np.zeros(self._steps[part].shape, bool)
        inside[y - part[0].start, x - part[1].start] = True
        others = (self._steps[part] >= self._limit) & ~inside
        wide = _kernels.dilate(inside, RIM, 1) & ~others
        positions = _positions(wide, part, self._steps.shape[1])
        return self._write(int(particle[0]), positions, np.zeros(positions.size, np.uint16))

    def _rejected_at(self, y: int, x: int) -> _Edit | None:
        """The last rejection of what is at a place, if it still holds."""
        here = y * self._steps.shape[1] + x
        for edit in reversed(self._done):
            gone = not edit.after.any() and not self._steps.reshape(-1)[edit.positions].any()
            if gone and here in edit.positions:
                return edit
        return None

    def _speck_near(self, y: int, x: int) -> Positions | None:
        """The pixels of the particle that a lower threshold would mark at a place."""
        shape = self._steps.shape
        near = _around(y, x, y, x, REACH, shape)
        lowest = round(LOWEST_GREY * STEPS_OF_16_BIT)
        if self._steps[near].size == 0 or self._steps[near].max() < lowest:
            return None
        row, column = np.unravel_index(int(self._steps[near].argmax()), self._steps[near].shape)
        y, x = near[0].start + int(row), near[1].start + int(column)
        part = _around(y, x, y, x, SPECK_REACH, shape)
        at_least = max(round(SHARE_OF_PEAK * int(self._steps[y, x])), lowest)
        above = self._steps[part] >= at_least
        labels, _, _ = _kernels.connected_components(above, above)
        numbered = np.full(above.shape, -1, np.int32)
        numbered[above] = labels
        own = numbered == numbered[y - part[0].start, x - part[1].start]
        return _positions(own, part, shape[1])

    def _write(self, place: int, positions: Positions, steps: npt.NDArray[np.uint16]) -> Decision:
        flat = self._steps.reshape(-1)
        edit = _Edit(place, positions, flat[positions], steps)
        self._done.append(edit)
        self._undone.clear()
        flat[positions] = steps
        self._state = None
        return edit.decision(self._steps.shape[1])

    @property
    def can_undo(self) -> bool:
        """Whether there is a decision to undo."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a decision to redo."""
        return bool(self._undone)

    def undo(self) -> Decision | None:
        """Undo the last decision. None if there is none."""
        return self._move(self._done, self._undone, is_undone=True)

    def redo(self) -> Decision | None:
        """Redo the decision that was undone last. None if there is none."""
        return self._move(self._undone, self._done, is_undone=False)

    def _move(self, source: list[_Edit], target: list[_Edit], is_undone: bool) -> Decision | None:
        if not source:
            return None
        edit = source.pop()
        target.append(edit)
        self._steps.reshape(-1)[edit.positions] = edit.before if is_undone else edit.after
        self._state = None
        return edit.decision(self._steps.shape[1], is_undone=is_undone)

    def look(
        self,
        picture: Picture,
        part: Slices,
        reduce: int = 1,
        view: str = "clean",
        method: str = "restore",
    ) -> tuple[Picture, Picture]:
        """A part of a frame before and after.

        Parameters
        ----------
        picture : ndarray, shape (H, W) or (H, W, C)
            A frame of the size of the mask.
        part : tuple of slice
            Rows and columns, inside the frame.
        reduce : int
            The result is this many times smaller.
        view : {"clean", "dust", "changes"}
            What `after` shows. "clean": the cleaned picture. "dust": the dust of the mask alone,
            white on black. "changes": the frame, with the pixels that cleaning changes in red;
            these are fewer than the mask marks, because not every particle is in every frame.
        method : str
            As in `apply_mask`.

        Returns
        -------
        before, after : ndarray of uint8, shape (h, w, 3)

        Raises
        ------
        ValueError
            If there is no such view.
        """
        if view not in VIEWS:
            raise ValueError(f"view must be one of {', '.join(VIEWS)}, not {view!r}")
        before = to_rgb8(picture[part])
        if view == "dust":
            marked = self._steps[part] >= self._limit
            after = np.repeat(np.where(marked, np.uint8(255), np.uint8(0))[..., None], 3, axis=2)
        else:
            cleaned = self._cleaned(picture, part, method)
            after = to_rgb8(cleaned)
            if view == "changes":
                changed = cleaned != picture[part]
                changed = changed if changed.ndim == 2 else changed.any(axis=2)
                after = np.where(changed[..., None], RED, before)
        return _reduced(before, reduce), _reduced(after, reduce)

    def _cleaned(self, picture: Picture, part: Slices, method: str) -> Picture:
        rows, columns = (
            slice(max(each.start - MARGIN, 0), min(each.stop + MARGIN, size))
            for each, size in zip(part, self._steps.shape, strict=True)
        )
        inside = (
            slice(part[0].start - rows.start, part[0].stop - rows.start),
            slice(part[1].start - columns.start, part[1].stop - columns.start),
        )
        if self._steps[rows, columns].shape == self._steps.shape:
            of_part = self.mask
        else:
            of_part = replace(
                self.dust.part(rows, columns, self._model),
                grey=self._steps[rows, columns],
                threshold=self.threshold,
            )
        after, _ = apply_mask(
            np.ascontiguousarray(picture[rows, columns]),
            of_part,
            method=method,
            return_report=True,
            threads=self._threads,
        )
        return after[inside]

    @cached_property
    def _model(self) -> DustModel | None:
        return DustModel.unpack(self.dust.model, self.dust.grey.shape)


class _State:
    """The particles at one threshold."""

    def __init__(self, steps: npt.NDArray[np.uint16], limit: int, scale: float) -> None:
        self._marked: Mask = steps >= limit
        self.labels, _, self.number = _kernels.connected_components(self._marked, self._marked)
        self._steps, self._limit, self._scale = steps, limit, scale

    @cached_property
    def positions(self) -> Positions:
        """Pixels of all particles, in reading order."""
        return np.flatnonzero(self._marked)

    @cached_property
    def particles(self) -> list[Particle]:
        """All particles, in reading order."""
        y, x = np.divmod(self.positions, self._steps.shape[1])
        grey = self._steps.reshape(-1)[self.positions] / np.float32(STEPS_OF_16_BIT)
        order = np.argsort(self.labels, kind="stable")
        starts = np.searchsorted(self.labels[order], np.arange(self.number))
        area = np.bincount(self.labels, minlength=self.number)

        def each(reduce: np.ufunc, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return np.asarray(reduce.reduceat(values[order], starts))

        if not self.number:
            return []
        strength = np.bincount(self.labels, opacity_of(grey, self._scale), self.number) / area
        peak = each(np.maximum, grey)
        threshold = self._limit / STEPS_OF_16_BIT
        certainty = (peak - threshold) / max(1 - threshold, 1 / STEPS_OF_16_BIT)
        middle = order[starts + area // 2]
        columns = (
            y[middle],
            x[middle],
            each(np.minimum, y),
            each(np.minimum, x),
            each(np.maximum, y) + 1,
            each(np.maximum, x) + 1,
            area,
        )
        return [
            Particle(*(int(value) for value in whole), float(opacity), float(above))  # type: ignore[call-arg]
            for *whole, opacity, above in zip(*columns, strength, certainty, strict=True)
        ]

    def sorted_by(self, order: str) -> list[Particle]:
        """All particles, see `Review.sorted_by`."""
        key: Callable[[Particle], float] = {
            "strength": lambda particle: -particle.strength,
            "size": lambda particle: -particle.area,
            "doubt": lambda particle: particle.certainty,
        }[order]
        return sorted(self.particles, key=key)

    def particle_at(self, y: int, x: int) -> Particle | None:
        """The particle that a pixel belongs to."""
        height, width = self._steps.shape
        if not (0 <= y < height and 0 <= x < width and self._marked[y, x]):
            return None
        return self.particles[int(self.labels[np.searchsorted(self.positions, y * width + x)])]

    def particle_near(self, y: int, x: int, reach: int) -> Positions | None:
        """The pixels of the particle that is nearest to a pixel, no farther away than `reach`."""
        part = _around(y, x, y, x, reach, self._steps.shape)
        rows, columns = np.nonzero(self._marked[part])
        if not rows.size:
            return None
        distance: Values = np.hypot(rows + part[0].start - y, columns + part[1].start - x)
        nearest = int(distance.argmin())
        width = self._steps.shape[1]
        place = (rows[nearest] + part[0].start) * width + columns[nearest] + part[1].start
        label = self.labels[np.searchsorted(self.positions, place)]
        return np.asarray(self.positions[self.labels == label])


def _around(
    top: int, left: int, bottom: int, right: int, margin: int, shape: tuple[int, ...]
) -> Slices:
    """A box with a margin, inside a picture; it includes the last row and column given."""
    return (
        slice(max(top - margin, 0), max(min(bottom + margin + 1, shape[0]), 0)),
        slice(max(left - margin, 0), max(min(right + margin + 1, shape[1]), 0)),
    )


def _positions(mask: Mask, part: Slices, width: int) -> Positions:
    """Positions in a picture of the pixels that a mask of one part marks."""
    rows, columns = np.nonzero(mask)
    return np.asarray((rows + part[0].start) * width + columns + part[1].start)


def _reduced(picture: Picture, factor: int) -> Picture:
    """uint8 (H, W, 3), made smaller by means of blocks."""
    if factor == 1:
        return picture
    from PIL import Image

    return np.asarray(Image.fromarray(picture).reduce(factor))
