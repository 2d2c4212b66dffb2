"""Whether the dust of the scanner is darker or lighter than the page."""

from dataclasses import astuple, dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from ..dust.polarity import Polarity
from ..image.arrays import Mask, Plane
from ..image.filters import gaussian_blur
from ..image.morphology import dilate
from ..runtime.read_ahead import read_ahead
from .evidence import STRONG, Evidence
from .samples import Box
from .scans import LEAST_MOVE

# Dust is of one polarity when it has this share of all evidence.
ONE_SIDED = 0.85

# Where a difference may come from dust or from paper, dust has a contrast with its surroundings of
# at least this share of the difference. The surroundings are about SURROUNDINGS px wide.
LEAST_CONTRAST, SURROUNDINGS = 0.35, 12.0

# If less than this share of the differences between two scans stayed with the scanner, chance may
# explain it. The polarity is then taken from the differences between the aligned scans.
STAYS = 0.12

# Differences are measured at least INSIDE px from their edges, and surroundings at least NEAR px
# from differences. Details are smaller than about DETAIL px, surroundings about AROUND px wide.
INSIDE, NEAR, DETAIL, AROUND = 2, 3, 2.0, 6.0

# Dust lowers the contrast of the page under it. The dusty scan has less than this share of the
# energy of the details around it, and less than half of the energy in the other scan.
# Chosen on nine microfilm pages with dust of 0.5 to 1 opacity: 0.10 to 0.23 under dust that is as
# light as the paper, 0.47 and more in clean scans.
ATTENUATED = 0.33

# Without such a loss of contrast, the dusty scan is the one that differs more from its
# surroundings, if at least this share of all evidence agrees.
CONTRASTING = 0.3

# The fewest pixels inside differences for which the energies of details are compared.
FEWEST_PIXELS = 200


def find_polarity(evidence: Evidence) -> Polarity:
    """The polarity of nearly all dust; both if neither kind makes nearly all of it."""
    scans = evidence.scans
    back = len(scans) == 2 and _is_there_and_back(scans.registrations[1].matrix, scans.shape)
    alone = evidence.alone
    together = sum(
        read_ahead(evidence.samples, partial(_of_all_scans, alone, back), scans.threads),
        _Strengths(),
    )
    stays, light, dark = together.pixels, together.light, together.dark
    if len(scans) == 2:
        measured = sum(
            read_ahead(evidence.samples, partial(_measured, alone), scans.threads), _Sums()
        )
        if stays < STAYS * measured.pixels:
            return measured.polarity
    else:
        samples = [(k, box) for k in range(len(scans)) for box in evidence.samples]
        single = sum(
            read_ahead(samples, partial(_of_single_scan, alone), scans.threads), _Strengths()
        )
        if single.pixels * STAYS > stays * len(scans):
            light, dark = single.light, single.dark
    # If a part of the page lies under one particle in one scan and under another in the other scan,
    # the page between them looks like dust of the other polarity.
    if light > ONE_SIDED * (light + dark) > 0:
        return Polarity.LIGHT
    return Polarity.DARK if dark > ONE_SIDED * (light + dark) > 0 else Polarity.BOTH


@dataclass
class _Strengths:
    """Sums of the strengths of differences from the page, and the number of their pixels."""

    light: float = 0.0
    dark: float = 0.0
    pixels: int = 0

    def __add__(self, other: "_Strengths") -> "_Strengths":
        return _Strengths(
            self.light + other.light, self.dark + other.dark, self.pixels + other.pixels
        )


def _of_all_scans(evidence: Evidence, back: bool, box: Box) -> _Strengths:
    """The evidence of all scans together in a part of the scanner.

    `back`: see `_is_there_and_back`; only what has enough contrast counts, but all of its pixels
    are in the number.
    """
    strength, opacity, shade = evidence.together(box, 0)
    strong = np.abs(strength) > STRONG
    pixels = int(np.count_nonzero(strong))
    if back:
        contrast = shade - gaussian_blur(shade, SURROUNDINGS, evidence.scans.threads)
        strong &= contrast * np.sign(opacity) > LEAST_CONTRAST * np.abs(opacity)
    return _sides(strength[strong], pixels)


def _of_single_scan(evidence: Evidence, sample: tuple[int, Box]) -> _Strengths:
    """The differences of a scan from the median of all, also those that do not stay."""
    seen = evidence.of_scan(*sample)
    strong = seen.score[(np.abs(seen.score) > STRONG) & (seen.data > 0)]
    return _sides(strong, strong.size)


def _sides(strength: npt.NDArray[np.float32], pixels: int) -> _Strengths:
    """The sums of the strengths of each sign."""
    return _Strengths(float(strength.clip(min=0).sum()), -float(strength.clip(max=0).sum()), pixels)


def _is_there_and_back(matrix: npt.NDArray[np.float64], shape: tuple[int, ...]) -> bool:
    """Whether a movement applied twice gives the identity, as a half turn does.

    Two places of the scanner then exchange their parts of the page between the two scans. If dust
    lies at one of these places, the clean paper at the other place differs from the other scan in
    both scans, as if there were dust, too.
    """
    corners = np.array([[0, 0, 1], [shape[1], 0, 1], [0, shape[0], 1]], float).T
    return bool(np.abs(((matrix @ matrix - np.eye(3)) @ corners)[:2]).max() < LEAST_MOVE)


@dataclass
class _Sums:
    """Sums over the differences between two aligned scans, in place on the scanner or not.

    Parameters
    ----------
    pixels : int
        Number of pixels that differ.
    inside : int
        Number of these that are not at the edge of a difference.
    lighter, darker, around : float
        Energies of the details there: in the lighter and in the darker scan, and of the page
        around.
    darker_differs, differs : float
        Difference of the darker scan from its surroundings less that of the lighter scan, in
        standard deviations; and the same without sign.
    """

    pixels: int = 0
    inside: int = 0
    lighter: float = 0.0
    darker: float = 0.0
    around: float = 0.0
    darker_differs: float = 0.0
    differs: float = 0.0

    def __add__(self, other: "_Sums") -> "_Sums":
        return _Sums(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))

    @property
    def polarity(self) -> Polarity:
        """The polarity of the dust that makes the differences."""
        if self.inside >= FEWEST_PIXELS and self.around > 0:
            lighter, darker = self.lighter / self.around, self.darker / self.around
            if lighter < ATTENUATED and lighter < darker / 2:
                return Polarity.LIGHT
            if darker < ATTENUATED and darker < lighter / 2:
                return Polarity.DARK
        if abs(self.darker_differs) <= CONTRASTING * self.differs or not self.differs:
            return Polarity.BOTH
        return Polarity.DARK if self.darker_differs > 0 else Polarity.LIGHT


def _measured(evidence: Evidence, box: Box) -> _Sums:
    """The differences between scan 0 and the page that the other scan shows, in a part of it."""
    seen, noise, threads = evidence.of_scan(0, box), evidence.noise, evidence.scans.threads
    strong: Mask = (np.abs(seen.score) > STRONG) & (seen.data > 0)
    if min(seen.score.shape) < 2 or not strong.any():
        return _Sums()
    value, page = seen.value, seen.page
    inside = ~dilate(~strong, INSIDE, threads=threads)
    beside = dilate(strong, NEAR, threads=threads)
    both: Plane = (value + page) * np.float32(0.5)
    # About this share of the noise's variance remains when the mean of the surroundings is
    # subtracted.
    floor = np.float32(0.9 * noise**2)
    energies = [_details(plane, inside, threads) - floor for plane in (value, page)]
    calm = _details(both, ~beside, threads)
    around = mean_around(calm, ~beside, threads) - floor / 2
    is_darker = seen.score < 0
    lighter = np.where(is_darker, energies[1], energies[0])[inside]
    darker = np.where(is_darker, energies[0], energies[1])[inside]
    mean = mean_around(both, ~beside, threads)
    square = mean_around(both * both, ~beside, threads)
    variance = np.maximum(square - mean * mean, 0)
    apart = np.abs(np.minimum(value, page) - mean) - np.abs(np.maximum(value, page) - mean)
    apart = (apart / np.sqrt(variance + np.float32(noise**2)))[
        strong & (variance <= np.median(variance))
    ]
    return _Sums(
        int(np.count_nonzero(strong)),
        int(np.count_nonzero(inside)),
        float(lighter.sum(dtype=float)),
        float(darker.sum(dtype=float)),
        float(np.maximum(around[inside], 0).sum(dtype=float)),
        float(apart.sum(dtype=float)),
        float(np.abs(apart).sum(dtype=float)),
    )


def mean_around(plane: Plane, where: Mask, threads: int, sigma: float = AROUND) -> Plane:
    """The mean of a plane over the pixels `where` around each pixel, blurred by `sigma` px."""
    weight = where.astype(np.float32)
    total = gaussian_blur(plane * weight, sigma, threads)
    mean: Plane = total / (gaussian_blur(weight, sigma, threads) + np.float32(1e-6))
    return mean


def _details(plane: Plane, where: Mask, threads: int) -> Plane:
    """The squared difference of each pixel `where` from the mean around it; 0 elsewhere."""
    details: Plane = (plane - mean_around(plane, where, threads, DETAIL)) ** 2 * where
    return details
