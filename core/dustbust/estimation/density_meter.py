"""Measures the density of the dust of a run, and how its frames respond to it.

Readings of many frames, each weighted by the error of its surroundings, give the density of the
dust and its error. They also give each frame's `Response`, and which particles are present.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import astuple, dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..dust.model import RIM, DustModel, look_around, look_around_together, mirrored
from ..dust.observation import NO_DATA, ExpectedDust, FrameAtDust, as_array, moved, observe
from ..dust.response import Response, Responses
from ..image.arrays import Grey, Labels, Mask, Picture, Positions
from ..image.fixed_point import FIXED_POINT_STEP, in_fixed_point
from ..image.morphology import dilate
from ..runtime.read_ahead import at_once, read_ahead
from .passes import LARGEST_HELD

Values = npt.NDArray[np.float32]
Sums = npt.NDArray[np.int64]

# Number of frames of which the pixels at the dust are held.
FRAMES_HELD = 10

# If the dust has more than twice this many pixels, particles with about this many pixels determine
# how frames respond to dust. The other particles are measured after that. On runs of simulated film
# this changes restored frames by at most 0.1 dB, up or down.
PIXELS_ASKED_FIRST = 100_000

# Share of the frames in which a particle is expected before the frames that show it are counted.
USUAL_SHARE = 0.95

# Weight of a clipped value, which is still better than no value.
CLIPPED = 1e-4

# Limit of the difference between a reading and the expected density in a frame in which the dust
# is moved.
LARGEST_DIFFERENCE = 1.0

SMALLEST_WEIGHT = 1e-6


@dataclass(frozen=True)
class Expected:
    """What is known of the dust of a run before one of its frames is measured.

    Parameters
    ----------
    density : ndarray of float32, shape (N,)
        Density of each pixel.
    share : ndarray of float32, shape (P,)
        Share of the frames in which each particle is present.
    dark : ndarray of bool, shape (P,)
        True for particles that are darker than the picture.
    usual : Responses
        Usual responses to light and to dark dust.
    """

    density: Values
    share: Values
    dark: Mask
    usual: Responses = field(default_factory=Responses)


@dataclass(frozen=True)
class Reading:
    """What one frame shows of the dust.

    Parameters
    ----------
    density, weight : ndarray of float32, shape (N,)
        A reading of the density, and one over its variance.
    present : ndarray of float32, shape (P,)
        Probability that each particle is present; 0 where the frame does not show it.
    shown : ndarray of bool, shape (P,)
        Whether the frame has data of half of the particle or more.
    responses : Responses
        Responses to light and to dark dust.
    """

    density: Values
    weight: Values
    present: Values
    shown: Mask
    responses: Responses


class Graph(NamedTuple):
    """The N pixels at which the density is measured, and the P particles that they belong to.

    Parameters
    ----------
    labels : ndarray of int32, shape (N,)
        Number of the particle of each pixel.
    neighbours : ndarray of int32, shape (N, 4)
        See `DustModel.particles`.
    first : ndarray of int64, shape (P,)
        Index of the first pixel of each particle.
    """

    labels: Labels
    neighbours: Labels
    first: Positions

    @property
    def particles(self) -> int:
        """Number of particles."""
        return self.first.size

    @classmethod
    def of(cls, labels: Labels, neighbours: Labels, particles: int) -> "Graph":
        """The graph of some pixels; the first pixel of each particle follows from the labels."""
        first = np.zeros(particles, np.int64)
        first[labels[::-1]] = np.arange(labels.size)[::-1]
        return cls(labels, neighbours, first)

    def part(self, pixels: int) -> tuple["Graph", Mask, Mask]:
        """Particles from everywhere that have about this many pixels.

        Returns
        -------
        graph : Graph
            Of these particles.
        kept, at : ndarray of bool, shapes (P,) and (N,)
            Which particles and pixels these are.
        """
        kept = np.zeros(self.particles, bool)
        kept[:: max(1, self.labels.size // pixels)] = True
        at = kept[self.labels]
        places = np.where(at, np.cumsum(at, dtype=np.int32) - np.int32(1), np.int32(-1))
        numbers = np.cumsum(kept, dtype=np.int32) - np.int32(1)
        neighbours = self.neighbours[at]
        neighbours = np.where(neighbours < 0, np.int32(-1), places[neighbours])
        return Graph.of(numbers[self.labels[at]], neighbours, int(kept.sum())), kept, at


class DensityMeter:
    """Measures the density of dust, frame after frame.

    A pass over a run, see `passes.Pass`. The first frames, about FRAMES_HELD from all over the run,
    determine what to expect of the others. Then each frame is read once, by itself.

    Parameters
    ----------
    dusty : ndarray of bool, shape (H, W)
        Where the dust is.
    polarity : {"light", "dark", "both"}
        Kind of the dust.
    threads : int or None
        Number of threads.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.estimation.density_meter import DensityMeter
    >>> dusty = np.pad(np.eye(12, dtype=bool), 6)
    >>> meter = DensityMeter(dusty)
    >>> for level in (0.2, 0.4, 0.6):
    ...     meter.add(np.where(dusty, level + 0.5 * (1 - level), level).astype(np.float32))
    >>> model = meter.model()
    >>> bool(abs(np.exp(-model.density.max()) - 0.5) < 0.1)
    True
    """

    def __init__(self, dusty: Mask, *, polarity: str = "light", threads: int | None = None) -> None:
        self.core = np.ascontiguousarray(dusty)
        self.polarity, self.threads = polarity, threads
        self.expected: Expected | None = None
        self._find_pixels()
        # Number of a frame -> its plane; or its values at the dust, the filled ones, the spread.
        self._held: dict[int, Any] = {}
        self._of_part = False  # whether this meter measures a part of the run for another one
        self._empty()

    def _empty(self) -> None:
        labels, particles = self.graph.labels, self.graph.particles
        self._readings: Sums = np.zeros(labels.size, np.int64)  # sum of weight * density
        self._weights: Sums = np.zeros(labels.size, np.int64)
        self._present: Sums = np.zeros(particles, np.int64)  # sum of the probabilities
        self._shown: Sums = np.zeros(particles, np.int64)  # number of frames that show a particle
        # Of each frame: lift and fade for light dust, lift and fade for dark dust.
        self._responses: list[list[float]] = []

    def another(self) -> "DensityMeter":
        """An empty meter for other frames of the run, which expects the same of them."""
        other = copy(self)
        other._held = {}
        other._of_part = True
        other._empty()
        return other

    @property
    def start(self) -> "Callable[[], DensityMeter]":
        """See `passes.Pass`."""
        return partial(DensityMeter.another, self.another())

    def _find_pixels(self) -> None:
        # bool (H, W): the N pixels at which the density is measured.
        self.where = dilate(self.core, RIM, threads=self.threads)
        works: list[Callable[[], Any]] = [
            lambda: Graph.of(*_kernels.connected_components(self.where, self.core)),
            lambda: _kernels.Membranes(self.where),
        ]
        self.graph, self.membranes = at_once(works, self.threads)

    def __getstate__(self) -> dict[str, Any]:
        # Data that follow from the place of the dust are not sent to another process, but computed
        # there again.
        return {
            name: value
            for name, value in vars(self).items()
            if name not in ("where", "graph", "membranes")
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._find_pixels()

    def look(self, plane: Grey, has_data: Mask | None = None, *, threads: int = 1) -> Any:
        """See `passes.Pass`. The result depends only on the frame and on what is expected."""
        if self.expected is None and has_data is None and self._may_wait(plane):
            return plane
        picture: Picture = plane
        if has_data is not None:
            picture = np.stack([plane, has_data], axis=2, dtype=plane.dtype)
        observed, filled, spread = look_around(picture, self.membranes, threads=threads)
        values = observed[:, 0], filled[:, 0], spread
        if self.expected is None:
            return tuple(value.astype(np.float16) for value in values)
        return self._read(self.graph, self.expected, values)

    def _may_wait(self, plane: Grey) -> bool:
        """Whether the frames of a run may be held as a whole, so that several are read at once."""
        return not self._of_part and FRAMES_HELD * plane.nbytes <= LARGEST_HELD

    def read_held(self) -> None:
        """Of frames that are held as a whole, keep only the values at the dust."""
        waiting = {n: each for n, each in self._held.items() if isinstance(each, np.ndarray)}
        for dtype in {plane.dtype for plane in waiting.values()}:
            alike = {number: each for number, each in waiting.items() if each.dtype == dtype}
            looks = look_around_together(
                list(alike.values()), self.membranes, dtype=np.float16, threads=self.threads
            )
            self._held.update(zip(alike, looks, strict=True))

    def take(self, number: int, observed: Any) -> None:
        """See `passes.Pass`."""
        if self.expected is None:
            self._held[number] = observed
        else:
            self._count(observed)

    def _count(self, reading: Reading) -> None:
        self._readings += in_fixed_point(reading.weight * reading.density)
        self._weights += in_fixed_point(reading.weight)
        self._present += in_fixed_point(reading.present)
        self._shown += reading.shown
        self._responses.append(
            [value for response in reading.responses for value in astuple(response)]
        )

    def add(self, plane: Grey) -> None:
        """Take in a frame: its luminance (H, W), in the range of its dtype."""
        self.take(len(self._held), self.look(plane, threads=self.threads or 1))
        if len(self._held) == FRAMES_HELD:
            self.settle()

    def merge(self, other: "DensityMeter") -> None:
        """Add the sums of another meter, which expects the same, over other frames."""
        self._held |= other._held
        self._readings += other._readings
        self._weights += other._weights
        self._present += other._present
        self._shown += other._shown
        self._responses += other._responses

    def settle(self) -> None:
        """Determine what to expect from the frames that are held, and count them.

        Density, responses and presence depend on each other, so there are several rounds. In the
        first round no dust is known. In the second, the responses of frames are not known.
        """
        self.read_held()
        held = [self._held[number] for number in sorted(self._held)]
        self._held = {}
        graph = self.graph
        dark = self._which_are_dark(held)
        start = Expected(np.zeros(graph.labels.size, np.float32), _usual(dark.size), dark)
        self.expected = start
        if not held:
            return
        if graph.labels.size > 2 * PIXELS_ASKED_FIRST:
            part, kept, at = graph.part(PIXELS_ASKED_FIRST)
            asked = list(read_ahead(held, lambda frame: tuple(v[at] for v in frame), self.threads))
            expected = Expected(start.density[at], _usual(part.particles), dark[kept])
            responses: list[Responses] = []
            expected = self._rounds(
                part,
                expected,
                asked,
                ("blind", "free", "full"),
                take=lambda reading: responses.append(reading.responses),
            )
            self.expected = replace(start, usual=expected.usual)
            rounds: tuple[str, ...] = ("blind", "full")
        else:
            responses = [start.usual] * len(held)
            rounds = ("blind", "free", "full", "full")
        self.expected = self._rounds(
            graph, self.expected, held, rounds, responses, take=self._count
        )

    def _rounds(
        self,
        graph: Graph,
        expected: Expected,
        held: Sequence[Any],
        rounds: Sequence[str],
        responses: Sequence[Responses] | None = None,
        *,
        take: Callable[[Reading], None],
    ) -> Expected:
        """Go through the frames that are held, several times.

        Parameters
        ----------
        graph : Graph
            All pixels, or a part of them.
        expected : Expected
            What is known of them.
        held : sequence of tuple of ndarray
            The frames at these pixels.
        rounds : sequence of {"blind", "free", "full"}
            In a blind round no dust is known yet; in a free round, not how frames respond to it.
        responses : sequence of Responses or None
            Those of the frames, if they are known before a blind round.
        take : callable
            Is given the readings of the last round, frame by frame.

        Returns
        -------
        Expected
            What is known after the rounds.
        """
        for number, kind in enumerate(rounds, 1):
            sums = _Sums(graph.labels.size, graph.particles)
            blind = responses or [expected.usual] * len(held)
            work = (
                partial(
                    self._read,
                    graph,
                    expected,
                    frame,
                    blind=known if kind == "blind" else None,
                    free=kind == "free",
                )
                for frame, known in zip(held, blind, strict=True)
            )
            for reading in read_ahead(work, lambda each: each(), self.threads):
                sums.add(reading)
                if number == len(rounds):
                    take(reading)
            expected = replace(expected, density=density_of(sums.readings, sums.weights))
            if kind != "blind":
                expected = replace(
                    expected,
                    share=np.where(
                        sums.shown > 0,
                        sums.present / np.maximum(sums.shown, np.float32(1)),
                        np.float32(USUAL_SHARE),
                    ),
                    usual=median_of(sums.responses),
                )
        return expected

    def model(self) -> DustModel:
        """What was measured so far."""
        if self.expected is None:
            self.settle()
        expected = self.expected
        assert expected is not None
        frames = len(self._responses)
        if frames == 0:
            density, share = expected.density, expected.share
            light, dark = expected.usual
            weights: npt.NDArray[Any] = np.zeros(density.shape)
        else:
            weights = self._weights * FIXED_POINT_STEP
            density = density_of(self._readings * FIXED_POINT_STEP, weights)
            shares = self._present * (FIXED_POINT_STEP / np.maximum(self._shown, 1))
            share = np.where(self._shown > 0, shares, USUAL_SHARE).astype(np.float32)
            medians = np.median(self._responses, axis=0).tolist()
            light, dark = Response(*medians[:2]), Response(*medians[2:])
        error = 1 / np.sqrt(np.maximum(weights, SMALLEST_WEIGHT))
        return DustModel(
            self.where,
            self.core,
            density,
            error.astype(np.float32),
            share,
            expected.dark,
            light,
            dark,
        )

    def result(self) -> dict[str, npt.NDArray[Any]]:
        """What was measured so far, as arrays that a `DustMask` keeps."""
        return self.model().pack()

    def _which_are_dark(self, held: Sequence[Any]) -> Mask:
        """Which particles are darker than the picture, bool (P,)."""
        labels, particles = self.graph.labels, self.graph.particles
        if self.polarity != "both":
            return np.full(particles, self.polarity == "dark")
        balance = np.zeros(particles)
        for frame in held:
            observed, filled, spread = (a.astype(np.float32) for a in frame)
            balance += np.bincount(labels, (observed - filled) / spread, particles)
        return np.asarray(balance < 0)

    def _read(
        self,
        graph: Graph,
        expected: Expected,
        frame: Any,
        *,
        blind: Responses | None = None,
        free: bool = False,
    ) -> Reading:
        """A `Reading` of a frame.

        Parameters
        ----------
        graph : Graph
            The pixels.
        expected : Expected
            What is known of them.
        frame : tuple of ndarray
            Observed values, filled values, and their spread, each (N,).
        blind : Responses or None
            The responses to assume where no dust is known yet.
        free : bool
            Whether it is not known yet how frames respond to dust. Dust is expected where it
            usually is.
        """
        observed, filled, spread = (np.asarray(a, np.float32) for a in frame)
        if expected.dark.any():
            dark = expected.dark[graph.labels]
            observed, filled = mirrored(observed, dark), mirrored(filled, dark)
        observation = (
            observe(
                FrameAtDust(observed, filled, spread),
                ExpectedDust(
                    expected.density,
                    graph.labels,
                    graph.neighbours,
                    expected.share,
                    expected.dark,
                    expected.usual,
                ),
                priors=not free,
                still=free,
                threads=1,
            )
            if blind is None
            else None
        )
        responses = observation.responses if observation else blind or expected.usual
        reading, weight = _kernels.density_readings(
            observed[:, None],
            filled,
            spread,
            observation.density if observation else None,
            graph.labels,
            expected.dark,
            as_array(([responses.light], [responses.dark])),
            CLIPPED,
            1,
        )
        shown = np.ones(graph.particles, bool)
        has_data = spread < NO_DATA
        if not has_data.all():
            weight *= has_data
            visible = np.bincount(graph.labels, has_data, graph.particles)
            shown = 2 * visible >= np.bincount(graph.labels, minlength=graph.particles)
        if observation is None:
            return Reading(reading, weight, shown.astype(np.float32), shown, responses)
        weight *= observation.probability
        if observation.shift != (0.0, 0.0):
            # Only the difference is moved back to where the dust of the run lies, so that the
            # expected density is not blurred.
            down, right = observation.shift
            difference = moved(
                weight * (reading - observation.density), graph.neighbours, -down, -right
            )
            weight = np.maximum(moved(weight, graph.neighbours, -down, -right), 0)
            reading = expected.density + np.clip(
                difference / np.maximum(weight, 1e-3), -LARGEST_DIFFERENCE, LARGEST_DIFFERENCE
            )
        return Reading(
            reading, weight, observation.probability[graph.first] * shown, shown, responses
        )


def _usual(particles: int) -> Values:
    """Share of the frames in which particles are expected before their frames are counted."""
    return np.full(particles, USUAL_SHARE, np.float32)


class _Sums:
    """Sums over the frames that are held."""

    def __init__(self, pixels: int, particles: int) -> None:
        self.readings, self.weights = (np.zeros(pixels, np.float32) for _ in range(2))
        self.present, self.shown = (np.zeros(particles, np.float32) for _ in range(2))
        self.responses: list[Responses] = []

    def add(self, reading: Reading) -> None:
        self.readings += reading.weight * reading.density
        self.weights += reading.weight
        self.present += reading.present
        self.shown += reading.shown
        self.responses.append(reading.responses)


def median_of(responses: Sequence[Responses]) -> Responses:
    """Median of the responses of some frames, of each kind of dust."""
    return Responses(
        *(
            Response(*np.median([astuple(response) for response in side], axis=0).tolist())
            for side in zip(*responses, strict=True)
        )
    )


def density_of(readings: npt.NDArray[Any], weights: npt.NDArray[Any]) -> Values:
    """Mean density from the sums of weight * density and of the weights, each (N,)."""
    density = np.maximum(readings / np.maximum(weights, 1e-9), 0)
    return np.asarray(density, np.float32)
