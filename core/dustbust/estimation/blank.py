"""The mask of a blank reference: a scan of the empty glass, an evenly lit wall, an infrared plane.

Such a picture shows nothing but the dust, so the share of the light that the dust takes is read
from it directly, and one frame is enough. The frames tell how they respond to that dust: whether it
is light or dark in them, how strong, and whether it is present.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..dust.mask import DustMask
from ..dust.model import RIM, DustModel, look_around, mirrored
from ..dust.observation import ExpectedDust, FrameAtDust, Observation, observe
from ..dust.polarity import Polarity
from ..dust.response import Response, Responses
from ..errors import DustbustError, Sentence
from ..files.infrared import infrared_in
from ..files.paths import as_path, is_path, name_of
from ..files.read import Frame, read_frame
from ..image.arrays import Grey, Mask, Plane, Values, largest, luminance
from ..image.block_grid import block_side, fill_gaps
from ..image.elementary import logarithm
from ..image.morphology import connected, dilate
from ..runtime.threads import count
from .candidates import denoise, noise_floor, noise_of, tile_of
from .detection import LARGEST_SHARE, lower_beside, mask_of_map, suggested_threshold
from .frames import in_words, spread_over
from .passes import Runner

# Passes of the median that makes the background: side of its blocks, in blocks of `block_grid`, and
# radius in such blocks. The first is wide, so that large particles do not count as background.
WINDOWS = ((4, 5), (1, 3), (1, 3))

# While the background is made, pixels below it by this many deviations of the noise are taken for
# dust, together with this many px around them.
DUSTY_DEVIATIONS, DUSTY_REACH = 4.0, 4

# Limits of light and opacities, which keep the logarithms finite: an opaque particle takes all
# light.
SMALLEST_LIGHT, LARGEST_OPACITY = 1e-3, 0.995

# Relative and smallest error of a density: scanners blur, and light goes around the dust.
RELATIVE_ERROR, SMALLEST_ERROR = 0.03, 0.005

# Number of frames, from all over the run, on which the response is measured.
FRAMES_ASKED = 10

# Before the frames are counted, a particle is expected in this share of them, as firmly as if this
# number of frames had been counted.
USUAL_SHARE, COUNTED_BEFORE = 0.95, 2

# A weaker response means that the frames do not have the dust. The weakest of real films, a density
# positive with the blank taken for sRGB, is 0.1.
SMALLEST_LIFT = 0.08

# With less of the dust than this in the frames, the blank is probably of another day.
FEW_PRESENT = 0.5


def estimate_from_blank(
    runner: Runner,
    blank: Frame | Iterable[Frame],
    polarity: str,
    *,
    smallest: float,
    largest: float | None,
) -> DustMask:
    """The mask of a run by blank references.

    Parameters
    ----------
    runner : Runner
        Shows the frames of the run; one is enough.
    blank : path, ndarray, or iterable of these
        Scans of the empty glass, light table or wall of the frames' size; or files with an infrared
        plane, which is used instead of the picture.
    polarity : {"light", "dark", "both", "auto"}
        Kind of the dust in the frames. With "auto" and "both" it is measured in the frames.
    smallest, largest : float or None
        Area of the smallest and of the largest particle that is marked, px. None: a fiftieth of the
        picture.

    Raises
    ------
    DustbustError
        If a blank cannot be read or has another size than the frames.
    """
    threads = runner.threads
    opacity, noise = opacity_of(list_of_blanks(blank), runner.frames.shape, threads)
    threshold = suggested_threshold(noise)
    marked = opacity >= np.float32(threshold)
    positions, labels, particles = connected(marked)
    area = np.bincount(labels, minlength=particles)
    limit = LARGEST_SHARE * marked.size if largest is None else largest
    kept = (area >= smallest) & (area <= limit)
    marked.ravel()[positions] = kept[labels]
    shown = opacity.copy()
    lower_beside(marked, shown, threshold)
    mask = mask_of_map(
        shown, threshold, smallest, largest, method="opacity", frames=runner.frames.used
    )
    model = _model_of(opacity, marked, noise, threads)
    asked = _FramesAtDust(model.where)
    runner.go_over([asked], spread_over(range(len(runner.frames)), FRAMES_ASKED), to_come=0)
    model, found, probabilities = _respond(model, asked.frames, polarity, threads)
    mask.polarity, mask.frames = found.value, runner.frames.used
    mask.model = model.pack()
    mask.report = {
        "frames": len(asked.frames),
        "left_out": runner.frames.reasons,
        "coverage": np.count_nonzero(marked) / marked.size,
        "noise": noise,
        "particles": _particles(mask.opacity, marked, model),
        "warnings": runner.frames.warnings() + _warnings(model, probabilities),
    }
    return mask


def list_of_blanks(blank: Frame | Iterable[Frame]) -> list[Frame]:
    """One blank or several, as a list.

    Raises
    ------
    DustbustError
        If there is none.
    """
    single = is_path(blank) or isinstance(blank, np.ndarray)
    blanks: list[Frame] = [blank] if single else list(blank)  # type: ignore[list-item, arg-type]
    if not blanks:
        raise DustbustError("no blank: give one or more scans of the empty glass")
    return blanks


def opacity_of(
    blanks: Sequence[Frame], shape: tuple[int, int], threads: int | None = None
) -> tuple[Plane, float]:
    """Share of the light that the dust of blank references takes.

    Parameters
    ----------
    blanks : sequence of path or ndarray
        Scans of the empty glass.
    shape : tuple of int
        (H, W) of the frames.
    threads : int or None
        Number of threads.

    Returns
    -------
    opacity : ndarray of float32, shape (H, W)
        0..1, with the grain smoothed.
    noise : float
        Its standard deviation where there is no dust.

    Raises
    ------
    DustbustError
        If a blank cannot be read or has another size.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.estimation.blank import opacity_of
    >>> blank = np.full((60, 80), 0.8, np.float32)
    >>> blank[30:33, 40:43] = 0.2
    >>> opacity, noise = opacity_of([blank], (60, 80))
    >>> float(opacity[31, 41].round(2)), float(opacity[10, 10].round(2))
    (0.75, 0.0)
    """
    planes = []
    for number, blank in enumerate(blanks):
        light = light_of(blank)
        if light.shape != tuple(shape):
            raise DustbustError(
                "{blank}: is {size}, but the frames are {shape}; "
                "scan the empty glass with the settings of the frames",
                blank=name_of(blank, number),
                size=in_words((light.shape[0], light.shape[1])),
                shape=in_words(shape),
            )
        planes.append(_loss(light, threads))
    # Of several blanks the median is used, so that dust in only one of them does not count.
    loss = np.median(planes, axis=0) if len(planes) > 2 else np.mean(planes, axis=0)
    opacity = denoise(loss.astype(np.float32), threads)
    noise = noise_of(noise_floor(opacity, threads), opacity.shape)
    return np.clip(opacity, 0, np.float32(LARGEST_OPACITY)), noise


def light_of(blank: Frame) -> Plane:
    """The light that reaches the scanner in a blank: linear, float32 (H, W).

    A picture with whole numbers is taken for sRGB (IEC 61966-2-1); an infrared plane and float32
    are linear. A constant factor of the density, as from another gamma, does not matter, because
    the response of each frame is measured.
    """
    if is_path(blank):
        infrared = infrared_in(as_path(blank))
        if infrared is not None:
            light: Plane = infrared.astype(np.float32) / np.float32(largest(infrared.dtype))
            return light
    picture = read_frame(blank)
    plane = luminance(picture)
    if picture.dtype == np.float32:
        finite: Plane = np.where(np.isfinite(plane), plane, np.float32(0))
        return finite
    low = plane <= np.float32(0.04045)
    curve = ((plane + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    linear: Plane = np.where(low, plane / np.float32(12.92), curve)
    return linear


def _loss(light: Plane, threads: int | None) -> Plane:
    """1 - light / its own smooth background, where dust counts in the background as unknown."""
    if _is_inverted(light):
        light = 1 - light
    unknown = np.zeros(light.shape, bool)
    loss = light
    for blocks_of, radius in WINDOWS:
        side = blocks_of * block_side(light.shape)
        mean, share = _kernels.block_means(light, ~unknown, side, count(threads))
        blocks = _kernels.window_median(fill_gaps(mean, share), radius, count(threads))
        height, width = light.shape
        background = _kernels.interpolate(blocks, side, height, width, count(threads))
        loss = 1 - light / np.maximum(background, np.float32(SMALLEST_LIGHT))
        limit = np.float32(DUSTY_DEVIATIONS) * noise_floor(loss, threads) + np.float32(0.01)
        dusty = _kernels.stands_out(loss, limit, tile_of(loss.shape)[0], 0.0, count(threads))
        unknown = dilate(dusty, DUSTY_REACH, threads=threads)
    return loss


def _is_inverted(light: Plane) -> bool:
    """Whether a blank was inverted with the frames: dust is lighter than its surroundings."""
    tails = np.quantile(light[::2, ::2], (0.001, 0.5, 0.999))
    return bool(tails[1] < 0.5 and tails[2] - tails[1] > 2 * (tails[1] - tails[0]))


def _model_of(opacity: Plane, marked: Mask, noise: float, threads: int | None) -> DustModel:
    """The dust of a blank, before its response is known."""
    where = dilate(marked, RIM, threads=threads)
    passing = 1 - opacity[where]
    density = -logarithm(passing)
    error = np.hypot(noise / passing, RELATIVE_ERROR * density) + SMALLEST_ERROR
    particles = _kernels.connected_components(where, marked)[2]
    return DustModel(
        where,
        marked,
        density.astype(np.float32),
        error.astype(np.float32),
        np.full(particles, USUAL_SHARE, np.float32),
        np.zeros(particles, bool),
    )


class _FramesAtDust:
    """What frames show at the dust: a pass over a run, see `passes.Pass`."""

    def __init__(self, where: Mask) -> None:
        self.where = where
        self.membranes = _kernels.Membranes(where)
        self._frames: dict[int, FrameAtDust] = {}

    @property
    def start(self) -> "Callable[[], _FramesAtDust]":
        return _Start(self.where)

    def look(self, plane: Grey, has_data: Mask | None) -> FrameAtDust:
        picture: npt.NDArray[Any] = plane
        if has_data is not None:
            picture = np.stack([plane, has_data], axis=2, dtype=plane.dtype)
        observed, filled, spread = look_around(picture, self.membranes, threads=1)
        return FrameAtDust(observed[:, 0], filled[:, 0], spread)

    def take(self, number: int, observed: FrameAtDust) -> None:
        self._frames[number] = observed

    def merge(self, other: "_FramesAtDust") -> None:
        self._frames |= other._frames

    def __reduce__(self) -> Any:
        return _restored, (self.where, self._frames)

    @property
    def frames(self) -> list[FrameAtDust]:
        """The frames in the order of the run."""
        return [self._frames[number] for number in sorted(self._frames)]


class _Start:
    """Starts an empty pass in a worker."""

    def __init__(self, where: Mask) -> None:
        self.where = where

    def __call__(self) -> _FramesAtDust:
        return _FramesAtDust(self.where)


def _restored(where: Mask, frames: dict[int, FrameAtDust]) -> _FramesAtDust:
    asked = _FramesAtDust(where)
    asked._frames = frames
    return asked


def _respond(
    model: DustModel, frames: Sequence[FrameAtDust], polarity: str, threads: int | None
) -> tuple[DustModel, Polarity, list[Values]]:
    """The model with the usual response of some frames, the kind of dust, and its probabilities.

    The first round does not know how frames respond; the second expects the median of the first.
    """
    found = Polarity(polarity) if polarity in ("light", "dark") else _which(model.density, frames)
    labels, neighbours = model.particles
    particles = model.share.size
    model.dark = np.full(particles, found is Polarity.DARK)
    dark = model.dark[labels]
    usual, share = Responses(), model.share
    observations: list[Observation] = []
    for step in range(2 if labels.size else 0):
        expected = ExpectedDust(model.density, labels, neighbours, share, model.dark, usual)
        observations = [
            observe(
                FrameAtDust(
                    mirrored(frame.observed, dark), mirrored(frame.filled, dark), frame.spread
                ),
                expected,
                priors=step > 0,
                threads=threads,
            )
            for frame in frames
        ]
        if observations:
            usual = Responses(
                *(
                    each if each.lift > SMALLEST_LIFT else Response(SMALLEST_LIFT, 0.0)
                    for each in _median([observation.responses for observation in observations])
                )
            )
    side = int(found is Polarity.DARK)
    probabilities = [
        _of_particles(each.probability, labels, particles)
        * np.float32(each.responses[side].lift > SMALLEST_LIFT)
        for each in observations
    ]
    counted = COUNTED_BEFORE + len(probabilities)
    model.share = np.asarray(
        (USUAL_SHARE * COUNTED_BEFORE + np.sum(probabilities, axis=0)) / counted
        if probabilities
        else share,
        np.float32,
    )
    model.light_response, model.dark_response = usual
    return model, found, probabilities


def _which(density: Values, frames: Sequence[FrameAtDust]) -> Polarity:
    """Whether frames are lighter or darker under the dust."""
    balance = sum(
        float((density * (frame.observed - frame.filled) / frame.spread).sum()) for frame in frames
    )
    return Polarity.LIGHT if balance >= 0 else Polarity.DARK


def _median(responses: Sequence[Responses]) -> Responses:
    return Responses(
        *(
            Response(*np.median([astuple(response) for response in side], axis=0).tolist())
            for side in zip(*responses, strict=True)
        )
    )


def _of_particles(values: Values, labels: npt.NDArray[np.int32], particles: int) -> Values:
    """The value of each particle, where all of its pixels have the same."""
    result = np.zeros(particles, np.float32)
    result[labels] = values
    return result


def _particles(grey: Plane, marked: Mask, model: DustModel) -> list[list[float]]:
    """Rows of the report: x, y, area in px, opacity, share of the frames."""
    positions, labels, particles = connected(marked)
    area = np.bincount(labels, minlength=particles)
    x, y, opacity = (
        np.bincount(labels, values, particles) / np.maximum(area, 1)
        for values in (
            positions % marked.shape[1],
            positions // marked.shape[1],
            grey.ravel()[positions],
        )
    )
    return [
        [round(x[k]), round(y[k]), int(area[k]), round(opacity[k], 3), round(float(share), 3)]
        for k, share in enumerate(model.share)
    ]


def _warnings(model: DustModel, probabilities: Sequence[Values]) -> list[Sentence]:
    """Sentences for the user about a mask from a blank."""
    if not model.share.size:
        return [Sentence("No dust is to be seen in the blank: nothing is marked.")]
    present = float(np.mean(probabilities)) if len(probabilities) else 1.0
    if present < FEW_PRESENT:
        return [
            Sentence(
                "Only {percent} % of the blank's dust is in the frames: "
                "the blank may be of another day, or lie elsewhere.",
                percent=round(100 * present),
            )
        ]
    return []
