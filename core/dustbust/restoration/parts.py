"""Repairing a frame that shows a margin of the film around its picture, part by part."""

import numpy as np

from ..dust.film_margin import FilmMargin
from ..image.arrays import Mask, Picture, alpha_channel, colour_channels, luminance_and_data
from .repair import Repair, RepairReport


class RepairInParts:
    """Repairs the picture of a frame and the level parts of its margin, each by itself.

    All other pixels, such as the edges of holes, are not changed.

    Parameters
    ----------
    repair : Repair
        Repairs one part. The frame that it receives has no data outside this part.
    margin : FilmMargin
        The margin of the frames.
    """

    def __init__(self, repair: Repair, margin: FilmMargin) -> None:
        self._repair, self._margin = repair, margin

    def __call__(
        self, frame: Picture, *, threads: int | None = None
    ) -> tuple[Picture, RepairReport]:
        """See `Repair`. A particle across an edge counts in each of its parts."""
        clean: Picture = np.ascontiguousarray(frame).copy()
        reports = []
        for part in self._margin.parts(*luminance_and_data(frame)):
            if part.any():
                repaired, report = self._repair(_with_alpha(frame, part), threads=threads)
                colours = colour_channels(repaired)
                np.copyto(colour_channels(clean), colours, where=part[..., None])
                reports.append(report)
        return clean, RepairReport(
            sum(report.particles for report in reports),
            sum(report.restored for report in reports),
            sum(report.filled for report in reports),
            sum(report.absent for report in reports),
            sum(report.changed for report in reports),
            sum(report.unfilled for report in reports),
        )


def _with_alpha(frame: Picture, part: Mask) -> Picture:
    """A frame that has no data outside a part."""
    opaque = 1 if frame.dtype.kind == "f" else np.iinfo(frame.dtype).max
    alpha = alpha_channel(frame)
    seen = np.where(part, opaque if alpha is None else alpha, 0).astype(frame.dtype)
    return np.dstack([colour_channels(frame), seen])
