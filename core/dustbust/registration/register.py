"""Register: how a page lies in each of its scans, in spite of dust that does not move with it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from os import PathLike

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..errors import DustbustError
from ..files.bilevel import read_scan
from ..files.paths import as_path, is_path, names_of_scans
from ..files.read import resolution_of
from ..files.spool import Spool
from ..image.arrays import Picture, alpha_channel, colour_channels, largest
from ..image.linear import inverse as inverse_of
from ..image.linear import product
from ..runtime.threads import count
from .distortion import refine_distortion
from .likeness import (
    LEAST_RATIO,
    Likeness,
    first_guesses,
    is_negative,
    more_guesses,
    stated_ratio,
)
from .patches import Match, compare, find_dust, what_stays
from .pyramid import Level, Scan
from .refine import PRECISION, ROUGHLY, refine
from .search import CONVINCING, LEAST_SHARE, RepeatingPageError, coarsest, is_page, search
from .transform import Transform, WarpArguments

Scannable = Picture | str | bytes | PathLike[str]

# Longest side, px, of the reduced scans in which the page is placed exactly.
REFINE_SIDE = 1640

# The same for the comparison of spectra.
SPECTRUM_SIDE = 640


@dataclass
class Registration(Transform):
    """How the page lies in one scan, as seen from scan 0, and how far that can be trusted.

    Parameters
    ----------
    matrix, distortion, pitch
        As in `Transform`.
    confidence : float
        0..1, the share of the page's details in the overlap, counted in small patches without those
        of the scanner's dust, that are the same in both scans.
    overlap : float
        Share of scan 0 that this scan shows.
    moved : float
        px, how far the page moved on the scanner between the two scans: rms over the overlap.
    negative : bool
        Whether one of the two scans is light where the other one is dark.
    channels : ndarray of float64, shape (3, 2), or None
        px of this scan (x, y), by which each colour channel lies beside the place that the
        transform gives, if some channel lies elsewhere than that of scan 0. Not a number for a
        channel that could not be aligned; it stays at that place.
    """

    confidence: float = 1.0
    overlap: float = 1.0
    moved: float = 0.0
    negative: bool = False
    channels: npt.NDArray[np.float64] | None = None

    def scaled(self, factor: float) -> "Registration":
        """The same for scans that are `factor` times as large."""
        channels = None if self.channels is None else self.channels * factor
        return replace(super().scaled(factor), moved=self.moved * factor, channels=channels)

    def of_channel(self, channel: int) -> "Registration":
        """The same for one colour channel alone.

        Examples
        --------
        >>> import numpy as np
        >>> apart = Registration(np.eye(3), channels=np.array([[0, 0], [0, 0], [1.5, 0]]))
        >>> apart.of_channel(2).matrix[:2, 2].tolist()
        [1.5, 0.0]
        """
        if self.channels is None:
            return self
        shift = np.eye(3)
        shift[:2, 2] = np.nan_to_num(self.channels[channel])
        return replace(self, matrix=product(shift, self.matrix), channels=None)

    def resample(
        self,
        scan: Picture,
        box: tuple[int, int, int, int],
        *,
        gain: npt.ArrayLike | None = None,
        offset: npt.ArrayLike | None = None,
        inverse: bool = False,
        threads: int | None = None,
    ) -> Picture:
        """Part of the scan on the grid of scan 0.

        Parameters
        ----------
        scan : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
        box : tuple of int
            Left, top, width, height of that part.
        gain, offset : array_like, shape (colours,), optional
            Colours become gain * value + offset.
        inverse : bool
            `scan` is a picture on the grid of scan 0, and `box` a part of the grid of this scan.
        threads : int, optional

        Returns
        -------
        ndarray, shape (height, width, colours + 1)
            Of the scan's dtype: its colours, then an alpha that is 0 where it has no data. Lanczos
            interpolation with three lobes; at whole pixels the values are the scan's own.

        Examples
        --------
        >>> import numpy as np
        >>> moved = Registration(np.array([[1, 0, 2], [0, 1, 0], [0, 0, 1]], float))
        >>> moved.resample(np.arange(5, dtype=np.uint8)[None], (0, 0, 4, 1))[0].tolist()
        [[2, 255], [3, 255], [4, 255], [0, 0]]
        """
        colours = colour_channels(scan).shape[2]
        white = largest(scan.dtype)
        if self.channels is not None and colours == len(self.channels):
            gain = np.ones(colours) if gain is None else np.asarray(gain)
            offset = np.zeros(colours) if offset is None else np.asarray(offset)
            planes = [
                self.of_channel(k).resample(
                    plane,
                    box,
                    gain=gain[[k]],
                    offset=offset[[k]],
                    inverse=inverse,
                    threads=threads,
                )
                for k, plane in enumerate(_planes(scan))
            ]
            alpha = np.min([plane[..., 1] for plane in planes], axis=0)
            return np.stack([*(plane[..., 0] * (alpha > 0) for plane in planes), alpha], axis=2)
        return _kernels.resample(
            np.ascontiguousarray(scan),
            alpha_channel(scan) is not None,
            *self._arguments(inverse),
            inverse,
            (int(box[0]), int(box[1]), int(box[2]), int(box[3])),
            np.ones(colours) if gain is None else np.asarray(gain, np.float64),
            np.zeros(colours) if offset is None else np.asarray(offset, np.float64),
            0.0 if scan.dtype == np.float32 else white,
            white,
            count(threads),
        )

    def resample_marks(
        self,
        marks: npt.NDArray[np.uint8],
        box: tuple[int, int, int, int],
        *,
        inverse: bool = False,
        threads: int | None = None,
    ) -> npt.NDArray[np.uint8]:
        """The same for marks of pixels, which are 0 nearly everywhere: they take little time.

        Parameters
        ----------
        marks : ndarray of uint8, shape (H, W)
        box : tuple of int
            Left, top, width, height of a part of the grid of scan 0.
        inverse : bool
            `marks` lie on the grid of scan 0, and `box` is a part of the grid of this scan.
        threads : int, optional

        Returns
        -------
        ndarray of uint8, shape (height, width)
            The colour that `resample` gives, which is 0 where it has no data.

        Examples
        --------
        >>> import numpy as np
        >>> moved = Registration(np.array([[1, 0, 2], [0, 1, 0], [0, 0, 1]], float))
        >>> moved.resample_marks(np.arange(5, dtype=np.uint8)[None], (0, 0, 4, 1)).tolist()
        [[2, 3, 4, 0]]
        """
        return _kernels.resample_marks(
            np.ascontiguousarray(marks),
            *self._arguments(inverse),
            inverse,
            (int(box[0]), int(box[1]), int(box[2]), int(box[3])),
            count(threads),
        )

    def _arguments(self, inverse: bool) -> WarpArguments:
        """The transform, or the way back, as kernels take it."""
        matrix = inverse_of(self.matrix) if inverse else self.matrix
        return np.ascontiguousarray(matrix, np.float64), self.distortion, self.pitch


def _planes(scan: Picture) -> Iterator[Picture]:
    """Each colour channel of a scan, with its alpha."""
    alpha = alpha_channel(scan)
    for channel in np.moveaxis(colour_channels(scan), 2, 0):
        yield np.ascontiguousarray(channel if alpha is None else np.stack([channel, alpha], axis=2))


def register_scans(
    scans: Sequence[Scannable] | Spool,
    *,
    names: Sequence[str] | None = None,
    resolutions: Sequence[tuple[float, float] | None] | None = None,
    progress: Callable[[float, str], object] | None = None,
    threads: int | None = None,
) -> list[Registration]:
    """Find how the page lies in each scan, relative to the first one.

    Dust stays with the scanner while the page moves, so plain correlation finds the dust. Therefore
    details that both scans show at the same place are removed before the phase correlation. Its
    peaks (also with the scan turned by up to 6 or by 180 degrees) are refined, coarse to fine, by
    Gauss-Newton steps with weights that ignore outliers. Patches that dust explains better do not
    count.

    A scan may also be turned by quarters of a circle, have another resolution (by a factor of up to
    2), or be a negative.

    Parameters
    ----------
    scans : sequence of two or more ndarray, shape (H, W) or (H, W, C), or of file paths
        uint8, uint16 or float32. They may differ in size, brightness and contrast. Fully
        transparent pixels do not count as data.
    names : sequence of str, optional
        What messages call the scans. Default: their paths, or "scan 0", "scan 1" and so on.
    resolutions : sequence of (float, float) or None, optional
        Dots per inch of each scan, across and down, where they are known: a start for the search,
        which does not trust them. Default: what the files state.
    progress : callable, optional
        `progress(fraction, text)`.
    threads : int, optional

    Returns
    -------
    list of Registration
        The first one is of scan 0 itself.

    Raises
    ------
    DustbustError
        When a scan does not show the page of scan 0, or when several positions fit equally well.

    Examples
    --------
    >>> import numpy as np
    >>> page = np.random.default_rng(1).random((200, 300)).astype(np.float32)
    >>> found = register_scans([page[:180, :280], page[7:187, 12:292]])
    >>> np.round(found[1].matrix[:2, 2], 1).tolist()
    [-12.0, -7.0]
    """
    if not isinstance(scans, Spool):
        scans = list(scans)
    sources = range(len(scans)) if isinstance(scans, Spool) else scans
    names, threads = names_of_scans(sources, names), count(threads)
    if resolutions is None:
        resolutions = resolutions_of(sources)
    reference = Scan(read_scan(scans[0]), names[0], threads)
    found = [Registration(np.eye(3))]
    for index in range(1, len(scans)):
        stated = stated_ratio(resolutions[0], resolutions[index])
        found.append(_find(reference, read_scan(scans[index]), names[index], stated))
        if progress:
            progress(index / (len(scans) - 1), names[index])
    return found


def resolutions_of(scans: Sequence[object]) -> list[tuple[float, float] | None]:
    """Dots per inch (across, down) of scans whose files state them; None for others and arrays.

    Parameters
    ----------
    scans : sequence
        Paths or anything else.

    Examples
    --------
    >>> resolutions_of([0, 1])
    [None, None]
    """
    return [resolution_of(as_path(scan)) if is_path(scan) else None for scan in scans]


def place_scans(number: int, positions: npt.ArrayLike | None = None) -> list[Registration]:
    """Registrations of scans that lie where they were put.

    Parameters
    ----------
    number : int
        Of scans.
    positions : array_like, shape (number, 2), optional
        (x, y) of each scan's top left corner on a common canvas, px. Default: all the same.

    Raises
    ------
    ValueError
        When there is not one position for each scan.

    Examples
    --------
    >>> place_scans(2, [(10, 20), (13, 22)])[1].matrix[:2, 2].tolist()
    [-3.0, -2.0]
    """
    places = np.zeros((number, 2)) if positions is None else np.asarray(positions, float)
    if places.shape != (number, 2):
        raise ValueError(
            f"positions must be one (x, y) for each of the {number} scans, not {places.shape}"
        )
    registrations = []
    for place in places:
        matrix = np.eye(3)
        matrix[:2, 2] = places[0] - place
        registrations.append(Registration(matrix, moved=float(np.hypot(*matrix[:2, 2]))))
    return registrations


# At the end at least this share of the details must agree. Other pages with the same lines (a form,
# staves) agree in about half.
LEAST_IN_THE_END = 0.6

# Channels that lie less than this beside each other, px, are not moved: the error of their places
# is about as large on scans of 24 megapixels, and nobody sees it.
COLOURS, CHANNELS_APART = 3, 0.25

# Where dust has this share of the energy of the details, they are looked at once more without it.
MUCH_DUST = 0.1


def _find(reference: Scan, image: Picture, name: str, stated: float | None) -> Registration:
    """The registration of one scan, or a DustbustError that says why there is none."""
    failure: DustbustError | None = None
    guesses = first_guesses(reference.shape, image.shape, stated)
    tried: list[Likeness] = []
    for guess in chain(guesses, _later_guesses(reference, image, name)):
        if any(_alike(guess, before) for before in tried):
            continue
        tried.append(guess)
        other = Scan(_made_like(image, guess, reference.threads), name, reference.threads)
        fine = reduction(reference, other)
        for scan in (reference, other):
            scan.make_levels(fine, (1, coarsest(reference, other, fine)))
        candidates = [other]
        if is_negative(reference.level(fine, 1), other.level(fine, 1)):
            candidates.insert(0, Scan(other.image, name, reference.threads, negative=True))
        for candidate in candidates:
            try:
                match = _register(reference, candidate, fine)
            except RepeatingPageError:
                raise
            except DustbustError as error:
                failure = failure or error
                continue
            transform = guess.undone(match.transform.scaled(fine), image.shape)
            found = _registration(transform, match.share, reference.shape, image.shape)
            channels = _channels_apart(reference, candidate, fine, match)
            if channels is not None:
                channels = product(channels, guess.back(image.shape)[:2, :2].T)
            return replace(found, negative=candidate.negative, channels=channels)
    assert failure is not None
    raise failure


def _channels_apart(
    reference: Scan, other: Scan, fine: int, match: Match
) -> npt.NDArray[np.float64] | None:
    """(3, 2), px of the other scan: where its colour channels lie beside the place of the match.

    None if no channel is known to lie elsewhere than in the reference. Not a number where a
    channel does not show the same in both.
    """
    if not all(colour_channels(scan.image).shape[2] == COLOURS for scan in (reference, other)):
        return None
    apart = np.full((COLOURS, 2), np.nan)
    for channel, planes in enumerate(
        zip(_planes(reference.image), _planes(other.image), strict=True)
    ):
        a, b = (
            Scan(plane, scan.name, scan.threads, negative=scan.negative).level(fine, 1)
            for plane, scan in zip(planes, (reference, other), strict=True)
        )
        stays = what_stays(a, b, a.corners)
        found = refine(a, b, match.transform, ("shift",), stays, precision=PRECISION)
        if is_page(found, LEAST_IN_THE_END):
            moved = found.transform.matrix[:2, 2] - match.transform.matrix[:2, 2]
            apart[channel] = fine * moved
    known = np.abs(apart[~np.isnan(apart)])
    return apart if known.max(initial=0.0) >= CHANNELS_APART else None


def _made_like(image: Picture, guess: Likeness, threads: int) -> Picture:
    """A scan, turned and at the resolution of the reference."""
    turned = np.ascontiguousarray(np.rot90(image, guess.quarters))
    if guess.ratio == 1:
        return turned
    height, width = (max(int(n / guess.ratio), 1) for n in turned.shape[:2])
    return Registration(guess.scale).resample(turned, (0, 0, width, height), threads=threads)


def _later_guesses(reference: Scan, image: Picture, name: str) -> Iterator[Likeness]:
    """Further guesses about a scan, if those from its size fail."""
    other = Scan(image, name, reference.threads)
    step = max(1, round(max(reference.shape + other.shape) / SPECTRUM_SIDE))
    yield from more_guesses(reference.level(step, 1), other.level(step, 1))
    yield Likeness(1)


def _alike(one: Likeness, other: Likeness) -> bool:
    """Whether a search from one guess finds what that from another one has found."""
    return one.quarters == other.quarters and abs(one.ratio / other.ratio - 1) < LEAST_RATIO


def reduction(reference: Scan, other: Scan) -> int:
    """The factor by which two scans are reduced to be aligned."""
    return max(1, round(max(reference.shape + other.shape) / REFINE_SIDE))


def _register(reference: Scan, other: Scan, fine: int) -> Match:
    """The match of one scan, of levels that are reduced by the factor `fine`.

    Raises
    ------
    DustbustError
        When there is none.
    """
    best, step, moved = search(reference, other, fine)
    least_share, least_in_the_end = (
        (LEAST_SHARE, LEAST_IN_THE_END) if moved else (CONVINCING, CONVINCING)
    )
    matches = [best]
    for smaller in (2, 1):
        if is_page(best, least_share) and (smaller < step or step == smaller == 1):
            starts = [match.transform.scaled(step / smaller) for match in matches]
            matches = _refined(
                reference.level(fine, smaller),
                other.level(fine, smaller),
                starts,
                moved,
                PRECISION if smaller == 1 else ROUGHLY,
            )
            best, step = matches[-1], smaller
    if moved and step == 1 and is_page(best, least_share):
        best = _without_dust(reference, other, fine, best)
    if not is_page(best, least_in_the_end):
        raise DustbustError(
            "{scan}: no place on it shows what {first} shows ({share:.0%} of the details agree "
            "where most do); leave it out if it is another page, or place it by hand",
            scan=other.name,
            first=reference.name,
            share=best.share,
        )
    return best


def _registration(
    transform: Transform, share: float, reference: tuple[int, ...], other: tuple[int, ...]
) -> Registration:
    """A registration, with the overlap of the two shapes and how far the page moved."""
    height, width = reference[:2]
    x, y = np.meshgrid(np.linspace(0, width - 1, 33), np.linspace(0, height - 1, 33))
    at = transform.map_points(x, y)
    inside = (at[0] >= 0) & (at[1] >= 0) & (at[0] <= other[1] - 1) & (at[1] <= other[0] - 1)
    distance = (
        float(np.sqrt(np.mean((at[0] - x)[inside] ** 2 + (at[1] - y)[inside] ** 2)))
        if inside.any()
        else 0.0
    )
    return Registration(
        transform.matrix,
        transform.distortion,
        transform.pitch,
        share,
        float(inside.mean()),
        distance,
    )


def _refined(
    a: Level, b: Level, starts: Sequence[Transform], moved: bool, precision: float
) -> list[Match]:
    """Matches of two levels from the best of the placements.

    The affine one, and the distorted one if there is one.
    """
    # A distortion found at half the size may have been a pattern of fine lines.
    start = (
        max(starts, key=lambda start: compare(a, b, start).support)
        if len(starts) > 1
        else starts[0]
    )
    # An affine transform that is to explain a distortion never settles.
    match = refine(
        a,
        b,
        start,
        ("affine",),
        what_stays(a, b, a.corners),
        iterations=2 if len(start.distortion) else 4,
        precision=precision,
    )
    bent = refine_distortion(a, b, match) if moved else match
    return [match] + ([bent] if len(bent.transform.distortion) else [])


def _without_dust(reference: Scan, other: Scan, fine: int, match: Match) -> Match:
    """The match; where much of the details is dust, a better one that was found without it."""
    if len(match.transform.distortion):
        return match  # a page that is not placed exactly yet differs as dust does
    # Half as large, dust is found as well in a quarter of the time.
    halves = [scan.level(fine, 2) for scan in (reference, other)]
    dust = find_dust(halves[0], halves[1], match.transform.scaled(0.5), match.contrast)
    energies = [np.nan_to_num(half.details) ** 2 for half in halves]
    of_dust = sum(
        float(energy[: dust.shape[0], : dust.shape[1]][dust].sum()) for energy in energies
    )
    if of_dust <= MUCH_DUST * sum(float(energy.sum()) for energy in energies):
        return match
    a, b = (scan.without(dust, fine, 2).level(fine, 1) for scan in (reference, other))
    found = _refined(a, b, [match.transform], True, PRECISION)[-1]
    return found if is_page(found, LEAST_IN_THE_END) else match
