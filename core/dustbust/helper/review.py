"""Operations for the window of Apply in which a user reviews a mask particle by particle."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import Annotated, Any

from ..dust.mask import DustMask
from ..errors import DustbustError
from ..files.paths import place_of
from ..files.read import read_frame
from ..image.arrays import Picture
from ..restoration.places import Places
from ..review import Decision, Review
from .messages import Share, Threads, operation

Side = Annotated[int, 0, 524_288]


@operation
def begin_review(dust: DustMask, threads: Threads) -> dict[str, Any]:
    """A review of a mask, for the operations below, and the threshold that it has."""
    review = Review(dust, threads=threads)
    return {"review": review, "threshold": review.threshold}


@operation
def review_particles(
    review: Review, threshold: Share, order: str, at: list[Side]
) -> dict[str, Any]:
    """The amount that a threshold marks, and the particles in the given order.

    Parameters
    ----------
    at : list of int
        y and x of a pixel of the particle that is shown; empty if there is none.

    Returns
    -------
    dict
        "pixels", "share", "changed", "can_undo", "can_redo"; "particles": for each its y and x, and
        the top, left, bottom and right of the box around it; "number": the index of the particle
        that is shown, or -1 if there is none, or if it is not marked at this threshold.
    """
    review.threshold = threshold
    counts, particles = review.counts, review.sorted_by(order)
    shown = review.particle_at(*at) if at else None
    return {
        "pixels": counts.pixels,
        "share": counts.share,
        "changed": review.changed,
        "can_undo": review.can_undo,
        "can_redo": review.can_redo,
        "particles": [list(particle[:6]) for particle in particles],
        "number": -1 if shown is None else particles.index(shown),
    }


@operation
def toggle_particle(review: Review, threshold: Share, y: Side, x: Side) -> dict[str, Any] | None:
    """Reject or keep the particle at a pixel, see `Review.toggle`."""
    review.threshold = threshold
    return _plain(review.toggle(y, x))


@operation
def undo_review(review: Review) -> dict[str, Any] | None:
    """Undo the last decision."""
    return _plain(review.undo())


@operation
def redo_review(review: Review) -> dict[str, Any] | None:
    """Redo the decision that was undone last."""
    return _plain(review.redo())


def _plain(decision: Decision | None) -> dict[str, Any] | None:
    """A decision as plain data: whether the particle was kept, a pixel of it, and its box."""
    if decision is None:
        return None
    return {"kept": decision.kept, "at": [decision.y, decision.x], "box": list(decision[3:])}


@operation
def keep_review(review: Review, threshold: Share) -> DustMask | None:
    """The mask with all decisions, if it has changed since the last time; see `Review.keep`."""
    review.threshold = threshold
    return review.keep() if review.changed else None


@operation
def look_at_review(
    review: Review,
    frame: Path,
    threshold: Share,
    box: list[Side],
    reduce: Annotated[int, 1, 64],
    view: str,
    method: str,
) -> list[Picture]:
    """A part of a frame before and after, for the screen.

    Parameters
    ----------
    box : list of int
        Top, left, bottom and right on the grid of the mask. It is cut off at the mask's edges.
    """
    review.threshold = threshold
    picture = _frame_on_grid(review, frame)
    top, left, bottom, right = box
    rows, columns = picture.shape[:2]
    part = slice(top, min(bottom, rows)), slice(left, min(right, columns))
    return list(review.look(picture, part, reduce, view, method))


@operation
def read_ahead(frame: Path) -> None:
    """Decode a frame that will be looked at. An error is left to `look_at_review`."""
    with contextlib.suppress(DustbustError):
        _decoded(frame)


@functools.lru_cache(maxsize=1)
def _decoded(frame: Path) -> Picture:
    return read_frame(frame)


@functools.lru_cache(maxsize=1)
def _frame_on_grid(review: Review, frame: Path) -> Picture:
    """A frame as it lies on the mask, decoded once for all its parts."""
    picture = _decoded(frame)
    place = Places(review.dust).of(picture, place_of(frame))
    if place is None or place.covers(review.dust.grey.shape):
        return picture
    return place.pasted(picture, review.dust.grey.shape)
