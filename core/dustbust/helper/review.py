"""Operations for the window of Apply in which a user reviews a mask particle by particle."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Any

from ..dust.mask import DustMask
from ..files.paths import place_of
from ..files.read import read_frame
from ..image.arrays import Picture
from ..restoration.places import Places
from ..review import Review
from .messages import Share, Threads, operation

Side = Annotated[int, 0, 524_288]


@operation
def begin_review(dust: DustMask, threads: Threads) -> dict[str, Any]:
    """A review of a mask, for the operations below, and the threshold that it has."""
    review = Review(dust, threads=threads)
    return {"review": review, "threshold": review.threshold}


@operation
def review_particles(review: Review, threshold: Share, order: str) -> dict[str, Any]:
    """The amount that a threshold marks, and the particles in the given order.

    Returns
    -------
    dict
        "pixels", "share", "changed", and "particles": for each its y and x, and the top, left,
        bottom and right of the box around it.
    """
    review.threshold = threshold
    counts = review.counts
    return {
        "pixels": counts.pixels,
        "share": counts.share,
        "changed": review.changed,
        "particles": [list(particle[:6]) for particle in review.sorted_by(order)],
    }


@operation
def toggle_particle(review: Review, threshold: Share, y: Side, x: Side) -> str | None:
    """Reject or keep the particle at a pixel, see `Review.toggle`."""
    review.threshold = threshold
    return review.toggle(y, x)


@operation
def undo_review(review: Review) -> bool:
    """Undo the last decision."""
    return review.undo()


@operation
def redo_review(review: Review) -> bool:
    """Redo the decision that was undone last."""
    return review.redo()


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


@functools.lru_cache(maxsize=1)
def _frame_on_grid(review: Review, frame: Path) -> Picture:
    """A frame as it lies on the mask, decoded once for all its parts."""
    picture = read_frame(frame)
    place = Places(review.dust).of(picture, place_of(frame))
    if place is None or place.covers(review.dust.grey.shape):
        return picture
    return place.pasted(picture, review.dust.grey.shape)
