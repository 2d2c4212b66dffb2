"""Recovering the picture under round dust whose size and strength change from frame to frame."""

import numpy as np

from ..dust.profiles import RoundDust, disc
from ..image.arrays import Mask, Picture, colour_channels, largest, luminance_and_data, put
from .repair import Repair, RepairReport

# Dust below the smallest density is not changed. Densities are limited to the largest, as un-mixing
# would otherwise amplify noise too much.
SMALLEST_DENSITY, LARGEST_DENSITY = 0.002, 2.5


class RoundRepair:
    """Removes round dust by the profile of each frame, then the other dust.

    Parameters
    ----------
    dust : RoundDust
        The round dust of the run.
    dusty : ndarray of bool, shape (H, W)
        Pixels that the mask marks. A particle whose centre is not marked is kept.
    others : Repair or None
        Removes the other dust.
    """

    def __init__(self, dust: RoundDust, dusty: Mask, others: Repair | None) -> None:
        y, x = np.rint(dust.centres).astype(int).T
        height, width = dusty.shape
        marked = dusty[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
        self.dust = dust.part(np.asarray(marked, bool))
        self.others = others

    def __call__(
        self, frame: Picture, *, threads: int | None = None
    ) -> tuple[Picture, RepairReport]:
        """See `Repair`."""
        plane, has_data = luminance_and_data(frame)
        clean: Picture = np.ascontiguousarray(frame).copy()
        profile, around = self.dust.measure(plane, has_data)
        number = len(self.dust.centres)
        restored = 0
        if number and profile.is_significant:
            strengths = profile.certain_share * self.dust.strengths(around, profile)
            restored = int(np.count_nonzero(strengths))
            density = np.zeros(plane.shape, np.float32)
            for centre, strength in zip(self.dust.centres, strengths, strict=True):
                y, x, distance = disc(centre, profile.radius, plane.shape)
                density[y, x] = np.maximum(density[y, x], strength * profile.at(distance))
            positions = np.flatnonzero(density > SMALLEST_DENSITY)
            here = np.minimum(density.ravel()[positions], LARGEST_DENSITY)[:, None]
            rows, columns = np.divmod(positions, plane.shape[1])
            observed = colour_channels(frame)[rows, columns].astype(np.float32)
            observed = observed / np.float32(largest(frame.dtype))
            if self.dust.dark:
                observed = 1 - observed
            values = self.dust.response.restored(observed, here)
            put(clean, positions, np.float32(1 - values if self.dust.dark else values))
        report = RepairReport(number, restored, 0, number - restored, 0.0)
        if self.others is not None:
            clean, other = self.others(clean, threads=threads)
            report = RepairReport(
                number + other.particles,
                restored + other.restored,
                other.filled,
                number - restored + other.absent,
                0.0,
                other.unfilled,
            )
        differ = (np.asarray(frame) != clean).reshape(*plane.shape, -1).any(axis=2)
        return clean, RepairReport(
            report.particles,
            report.restored,
            report.filled,
            report.absent,
            float(differ.mean()),
            report.unfilled,
        )
