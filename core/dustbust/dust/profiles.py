"""Round dust whose size and strength change from frame to frame.

Dust on a camera's sensor lies in front of it, so that it throws a shadow of the lens's aperture:
small and dark at f/22, wide and faint at f/4. No model of the lens is needed. All particles of a
frame have one profile, the density at a distance from the centre, and each particle has its own
strength; the profile is the mean over the particles, and is measured in each frame anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import DustbustError
from ..image.arrays import Grey, Labels, Mask, Positions, Values, to_unit
from ..image.block_grid import block_side
from ..image.robust import DEVIATIONS_PER_MAD
from .response import VALUE_NOISE, Response

# Radii of the region that is examined, and width of the ring around it in which the background is
# measured, in blocks. A near ring gives a better background, a far one leaves room for wide dust.
# The radius at which the dust stands out most is used.
REACHES, RING = (6.0, 4.25, 3.0, 2.25), 1.5

# A profile is measured from at most this many particles, the strongest ones.
PARTICLES_ASKED = 120

# A profile ends where it falls below this share of its maximum. Pixels beyond are not changed.
# It is at most WIDEST half radii wide: a disc has 1, a Gaussian 2.2 where it is at 4 %.
END_OF_PROFILE, WIDEST = 0.04, 2.2

# A profile is trusted if its middle is this many times as large as its error.
SIGNIFICANT = 4.0

# Profiles err by about this many times their errors: frames in which the dust stood out by 6 errors
# were off by a factor of 1.7 to 2.5 (measuring kit, sensor dust at f/8).
SHRINKAGE = 3.0

# Share of the readings around a particle that err independently.
INDEPENDENT = 0.1

# Strengths of a particle in one frame differ from its usual one by about this share.
SPREAD_OF_STRENGTH = 0.15

# A particle is absent from a frame in which it is weaker than usual by this many errors.
ABSENT = 4.0

# The sharper and the wider third of the frames that show the dust well are compared. A run has
# changing dust if the radius at half height rises by the factor CHANGING, and the density in the
# middle falls by the factor FADING, as wider shadows are fainter.
# In runs of glass dust the radius differs by chance, as hairs and crumbs have no clear radius.
# Glass dust is small: shadows of an aperture have at least SMALLEST_SHADOW blocks even where they
# are sharpest (measuring kit: 1.4, glass dust 0.4 to 0.9).
CHANGING, FADING, SMALLEST_SHADOW = 1.3, 2.0, 1.2

# Centres are stored in steps of 1/256 px. No dust reaches farther than LARGEST_REACH px.
CENTRE_STEPS = 256
LARGEST_REACH = 2000.0

# Values nearer to black or white are left out: they are clipped or uncertain.
DARKEST, LIGHTEST = 0.03, 0.97


class Around(NamedTuple):
    """Readings of the density around one particle, in one frame.

    Parameters
    ----------
    down, right : ndarray of float32, shape (n,)
        Place of each pixel from the centre, px.
    reading : ndarray of float32, shape (n,)
        Reading of the density.
    deviation : float
        Standard deviation of a reading, as the ring around the particle shows it.
    """

    down: Values
    right: Values
    reading: Values
    deviation: float

    def distance(self, offset: tuple[float, float] = (0.0, 0.0)) -> Values:
        """Distance of each pixel from the centre, moved by an offset (down, right) in px."""
        away: Values = np.hypot(
            self.down - np.float32(offset[0]), self.right - np.float32(offset[1])
        )
        return away


@dataclass
class Profile:
    """The density of a particle of strength 1, in one frame.

    Parameters
    ----------
    density : ndarray of float32, shape (bins,)
        Density at the distances 0, `step`, 2 `step`, ... from the centre; it does not rise.
    step : int
        Width of a bin, px.
    error : float
        Standard error of the density in the middle.
    """

    density: Values
    step: int
    error: float

    @property
    def significance(self) -> float:
        """The density in the middle, in errors."""
        return float(self.density[0]) / self.error

    @property
    def is_significant(self) -> bool:
        """Whether the frame shows the dust at all."""
        return self.significance > SIGNIFICANT

    @property
    def certain_share(self) -> float:
        """The factor by which a noisy profile is reduced to its expected value.

        It is the shrinkage of W. James and C. Stein, "Estimation with quadratic loss", 1961.
        """
        return max(0.0, 1 - (SHRINKAGE / max(self.significance, SIGNIFICANT)) ** 2)

    @property
    def radius(self) -> float:
        """Where the profile ends, px."""
        ends = self.step * np.count_nonzero(self.density > END_OF_PROFILE * self.density[0])
        return float(min(ends, WIDEST * self.half_radius))

    @property
    def half_radius(self) -> float:
        """Where the profile falls to half of its maximum, px."""
        below = np.flatnonzero(self.density < self.density[0] / 2)
        if below.size == 0 or below[0] == 0:
            return float(self.step * self.density.size)
        k = int(below[0])
        before, after = self.density[k - 1 : k + 1]
        part = (before - self.density[0] / 2) / max(float(before - after), 1e-9)
        return float(self.step * (k - 1 + part))

    def at(self, distance: npt.NDArray[Any]) -> Values:
        """The density at some distances, px; 0 beyond the end."""
        places = np.arange(self.density.size) * self.step
        values = np.interp(distance, places, self.density, right=0)
        return np.where(distance < self.radius, values, 0).astype(np.float32)


@dataclass
class RoundDust:
    """Round particles of a run.

    Parameters
    ----------
    centres : ndarray of float32, shape (P, 2)
        y and x, px.
    strength : ndarray of float32, shape (P,)
        Density relative to the profile of a frame.
    dark : bool
        Whether the dust is darker than the picture.
    fade : float
        Fade of the frames' responses as a share of their lift.
    reach : float
        Radius within which marked pixels belong to a particle, px.
    """

    centres: npt.NDArray[np.float32]
    strength: Values
    dark: bool
    fade: float = 1.0
    reach: float = 0.0

    def part(self, which: Mask) -> "RoundDust":
        """Some of the particles, bool (P,)."""
        return replace(self, centres=self.centres[which], strength=self.strength[which])

    def region(self, shape: tuple[int, ...]) -> Mask:
        """Where the particles are: discs of radius `reach`, bool (H, W)."""
        result = np.zeros(shape, bool)
        for centre in self.centres:
            y, x, _ = disc(centre, self.reach, shape)
            result[y, x] = True
        return result

    def pack(self) -> dict[str, npt.NDArray[Any]]:
        """The particles as the small arrays that travel with a `DustMask`, beside its model."""
        return {
            "round_centres": np.rint(np.maximum(self.centres, 0) * CENTRE_STEPS).astype(np.uint32),
            "round_strength": self.strength.astype(np.float16),
            "round_numbers": np.array([self.dark, self.fade, self.reach], np.float16),
        }

    @classmethod
    def unpack(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "RoundDust | None":
        """The round particles in `DustMask.model`, or None.

        Raises
        ------
        DustbustError
            If the arrays, which may come from a stranger, do not fit each other.
        """
        if "round_centres" not in arrays:
            return None
        try:
            centres = arrays["round_centres"].astype(np.float32) / np.float32(CENTRE_STEPS)
            strength = arrays["round_strength"].astype(np.float32)
            dark, fade, reach = (float(number) for number in arrays["round_numbers"])
            fits = centres.shape == (strength.size, 2) and strength.ndim == 1
            finite = np.isfinite(strength).all() and np.isfinite([dark, fade, reach]).all()
            if not (fits and finite and (strength >= 0).all() and 0 <= reach <= LARGEST_REACH):
                raise ValueError("its parts do not fit each other")
            if not -2 <= fade <= 1.2:
                raise ValueError("its response is not one")
        except (KeyError, ValueError, TypeError) as error:
            raise DustbustError(
                "what the mask knows of its dust is damaged ({error}); estimate it again",
                error=error,
            ) from error
        return cls(centres, strength, bool(dark), fade, reach)

    @classmethod
    def of(
        cls,
        particles: tuple[Positions, Labels, int],
        opacity: Values,
        columns: int,
        *,
        dark: bool,
        limit: int = PARTICLES_ASKED,
    ) -> "RoundDust":
        """The strongest of some particles; their strength is their largest opacity.

        Parameters
        ----------
        particles : tuple
            The pixels, their labels and the number of particles, see `morphology.connected`.
        opacity : ndarray of float32, shape (N,)
            Of these pixels.
        columns : int
            Width of the picture.
        dark : bool
        limit : int
            The largest number of particles.
        """
        positions, labels, number = particles
        weight = np.maximum(opacity, 1e-6).astype(np.float64)
        total = np.maximum(np.bincount(labels, weight, number), 1e-12)
        y, x = np.divmod(positions, columns)
        centres = np.stack([np.bincount(labels, weight * a, number) / total for a in (y, x)], 1)
        strength = np.zeros(number)
        np.maximum.at(strength, labels, weight)
        order = np.sort(np.argsort(-total, kind="stable")[:limit])
        return cls(centres[order].astype(np.float32), strength[order].astype(np.float32), dark)

    @property
    def response(self) -> Response:
        """Response whose lift is 1: the profile includes the lift of the frame."""
        return Response(1.0, self.fade)

    def readings(
        self, plane: Grey, has_data: Mask | None, radius: float, step: int
    ) -> list[Around | None]:
        """Readings around each particle, in a frame.

        Parameters
        ----------
        plane : ndarray of uint8, uint16 or float32, shape (H, W)
            Luminance of the frame, in the range of its dtype.
        has_data : ndarray of bool, shape (H, W), or None
            False where the frame has no data.
        radius : float
            Distance at which the dust ends. The background is measured in a ring around it.
        step : int
            Distance of the rows and columns that are used.

        Returns
        -------
        list of Around or None
            None for a particle whose surroundings are not in the picture.
        """
        ring = RING * block_side(plane.shape)
        return [
            self._around(plane, has_data, centre, (radius, ring), step) for centre in self.centres
        ]

    def _around(
        self,
        plane: Grey,
        has_data: Mask | None,
        centre: npt.NDArray[np.float32],
        reach: tuple[float, float],
        step: int,
    ) -> Around | None:
        radius, ring = reach
        y, x, distance = disc(centre, radius + ring, plane.shape, step)
        values = to_unit(plane[y, x])
        usable = (values > DARKEST) & (values < LIGHTEST)
        if has_data is not None:
            usable &= has_data[y, x]
        y, x, distance, values = y[usable], x[usable], distance[usable], values[usable]
        if self.dark:
            values = 1 - values
        outer = distance > radius
        inner = ~outer
        if np.count_nonzero(outer) < 24 or np.count_nonzero(inner) < 12:
            return None
        # A plane is fitted to the ring, without its outliers.
        down, right = y - float(centre[0]), x - float(centre[1])
        kept = outer
        for _ in range(3):
            level, slope, tilt = _fitted_plane(down[kept], right[kept], values[kept], radius)
            plain = level + slope * down + tilt * right
            residual = values - plain
            limit = 2.5 * DEVIATIONS_PER_MAD * float(np.median(np.abs(residual[outer]))) + 1e-3
            kept = outer & (np.abs(residual) < limit)
            if np.count_nonzero(kept) < 12:
                return None
        background = np.clip(plain, 0.01, 0.99).astype(np.float32)
        response = self.response
        deviation = float(np.std(residual[outer])) + VALUE_NOISE
        speed = float(np.mean(response.speed(background)))
        return Around(
            down[inner].astype(np.float32),
            right[inner].astype(np.float32),
            np.asarray(response.density(values[inner], background[inner]), np.float32),
            deviation / max(speed, 0.05),
        )

    def profile(self, around: list[Around | None], step: int) -> Profile:
        """The profile of a frame: weighted medians of the readings around the particles."""
        bins = 1 + max((int(a.distance().max() // step) for a in around if a), default=0)
        means, weights = [], []
        for each, strength in zip(around, self.strength, strict=True):
            if each is None or strength <= 0:
                continue
            place = np.rint(each.distance() / step).astype(int).clip(0, bins - 1)
            number = np.bincount(place, minlength=bins)
            mean = np.bincount(place, each.reading, bins) / np.maximum(number, 1)
            means.append(np.where(number > 0, mean / strength, np.nan))
            weights.append(float(strength / each.deviation) ** 2)
        if not weights:
            return Profile(np.zeros(1, np.float32), step, 1.0)
        table, certain = np.array(means), np.array(weights)
        values = np.array([weighted_median(column, certain) for column in table.T])
        values = np.maximum(_falling(values, np.isfinite(table).sum(axis=0)), 0)
        inner = table[:, : max(2, round(0.3 * self._bins_within(values)))]
        known = np.isfinite(inner).sum(axis=1)
        middles = np.where(known > 0, np.nansum(inner, axis=1) / np.maximum(known, 1), np.nan)
        off = np.abs(middles - weighted_median(middles, certain))
        spread = DEVIATIONS_PER_MAD * weighted_median(off, certain)
        # The variance of a weighted median is about pi / 2 times that of the weighted mean.
        error = spread * np.sqrt(np.pi / 2 * (certain**2).sum()) / certain.sum()
        # Few particles of a busy frame may agree by chance, so the error has a lower limit from
        # their surroundings.
        error = max(error, np.sqrt(np.pi / 2 * INDEPENDENT / certain.sum()))
        return Profile(values.astype(np.float32), step, max(float(error), 1e-4))

    @staticmethod
    def _bins_within(values: npt.NDArray[np.float64]) -> int:
        """Number of bins above half of the first one."""
        return int(np.count_nonzero(values > values[0] / 2))

    def measure(
        self, plane: Grey, has_data: Mask | None = None
    ) -> tuple[Profile, list[Around | None]]:
        """The profile of a frame, and the readings around each particle.

        Parameters
        ----------
        plane : ndarray of uint8, uint16 or float32, shape (H, W)
            Luminance of the frame, in the range of its dtype.
        has_data : ndarray of bool, shape (H, W), or None
            False where the frame has no data.

        Returns
        -------
        profile : Profile
        around : list of Around or None
            Readings as far as this frame's dust reaches.
        """
        side = block_side(plane.shape)
        step = max(1, side // 4)
        best: tuple[Profile, list[Around | None]] | None = None
        for blocks in REACHES:
            around = self.readings(plane, has_data, blocks * side, step)
            profile = self.profile(around, step)
            if best is None or profile.significance > best[0].significance:
                best = profile, around
        assert best is not None
        return best

    def strengths(self, around: list[Around | None], profile: Profile) -> Values:
        """Strength of each particle in a frame, between the measured and the usual strength."""
        shown, error = shown_strengths(around, profile)
        prior = SPREAD_OF_STRENGTH * self.strength
        # Busy surroundings err more than their rings show: as much as the particles disagree.
        known = np.isfinite(error)
        if known.any():
            off = np.abs(shown - self.strength)[known] / np.hypot(error, prior)[known]
            error = error * max(1.0, DEVIATIONS_PER_MAD * float(np.median(off))) ** 2
        weight = prior**2 / (prior**2 + error**2)
        result = np.maximum(self.strength + weight * (shown - self.strength), 0)
        result[shown < self.strength - ABSENT * error] = 0
        return np.where(np.isfinite(error), result, self.strength).astype(np.float32)


def shown_strengths(
    around: Sequence[Around | None], profile: Profile
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Strength of each particle as one frame shows it, and its error; (P,) each."""
    strength = np.zeros(len(around))
    error = np.full(len(around), np.inf)
    for number, each in enumerate(around):
        if each is None:
            continue
        shape = profile.at(each.distance()).astype(np.float64)
        power = float((shape * shape).sum())
        if power > 0:
            strength[number] = float((shape * each.reading).sum()) / power
            # The background errs as a whole: few of the readings are independent.
            independent = max(np.count_nonzero(shape) * INDEPENDENT, 1.0)
            error[number] = each.deviation / np.sqrt(power / shape.size * independent)
    return strength, error


def weighted_median(values: npt.NDArray[Any], weights: npt.NDArray[Any]) -> float:
    """The value that halves the weights; values that are not finite do not count.

    >>> import numpy as np
    >>> weighted_median(np.array([1.0, 2.0, 9.0]), np.array([1.0, 1.0, 1.0]))
    2.0
    """
    finite = np.isfinite(values)
    if not finite.any():
        return 0.0
    values, weights = values[finite], weights[finite]
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(total, total[-1] / 2)]])


def disc(
    centre: npt.NDArray[np.float32], radius: float, shape: tuple[int, ...], step: int = 1
) -> tuple[Positions, Positions, Values]:
    """Rows, columns and distances of the pixels of a picture within a radius of a point.

    >>> import numpy as np
    >>> y, x, distance = disc(np.float32([0, 0]), 1.0, (5, 5))
    >>> y.tolist(), x.tolist(), distance.tolist()
    ([0, 0, 1], [0, 1, 0], [0.0, 1.0, 1.0])
    """
    cy, cx = float(centre[0]), float(centre[1])
    ys = np.arange(max(int(np.ceil(cy - radius)), 0), min(int(cy + radius) + 1, shape[0]), step)
    xs = np.arange(max(int(np.ceil(cx - radius)), 0), min(int(cx + radius) + 1, shape[1]), step)
    y, x = np.meshgrid(ys, xs, indexing="ij")
    distance = np.hypot(y - cy, x - cx).astype(np.float32)
    inside = distance <= radius
    return y[inside], x[inside], distance[inside]


def _fitted_plane(
    down: npt.NDArray[Any], right: npt.NDArray[Any], values: Values, unit: float
) -> tuple[float, float, float]:
    """Level at the origin, and slopes down and right, of the plane through values: least squares.

    `unit`: about how far the points lie from the origin. Sums instead of a library's linear
    algebra, whose last bits differ between processors.
    """
    middle_down, middle_right, mean = float(down.mean()), float(right.mean()), float(values.mean())
    v, u, rest = down - middle_down, right - middle_right, values - np.float32(mean)
    vv, uv, uu, v_rest, u_rest = (
        float((one * other).sum()) for one, other in ((v, v), (u, v), (u, u), (v, rest), (u, rest))
    )
    determinant = vv * uu - uv * uv
    if determinant <= (1e-9 * unit**2 * v.size) ** 2:  # on one line
        return mean, 0.0, 0.0
    slope = (uu * v_rest - uv * u_rest) / determinant
    tilt = (vv * u_rest - uv * v_rest) / determinant
    return mean - slope * middle_down - tilt * middle_right, slope, tilt


def _falling(values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> Any:
    """The nearest values that do not rise: pool adjacent violators (Barlow et al., 1972)."""
    blocks: list[list[float]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append([float(value), max(float(weight), 1e-9), 1])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            (a, m, n), (b, v, w) = blocks[-2:]
            blocks[-2:] = [[(a * m + b * v) / (m + v), m + v, n + w]]
    return np.repeat([b[0] for b in blocks], [int(b[2]) for b in blocks])


def without_round(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a mask's model without those of round dust."""
    return {name: array for name, array in arrays.items() if not name.startswith("round_")}
