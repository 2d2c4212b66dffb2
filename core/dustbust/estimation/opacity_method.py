"""The method "opacity": the passes over a run, and the mask made from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .. import _kernels
from ..dust.film_margin import FilmMargin
from ..dust.mask import DustMask
from ..dust.model import RIM
from ..dust.placement import Shape
from ..image.arrays import Grey, Mask, Plane
from ..image.block_grid import block_side, grid_shape, on_pixels
from ..runtime.read_ahead import at_once
from ..runtime.threads import count
from .background import FIRST_RADIUS, SECOND_RADIUS, Surroundings
from .candidates import LIKELY_DEVIATIONS, candidates, noise_floor
from .density_meter import FRAMES_HELD, DensityMeter
from .detection import FEWEST_SCENES, NEAR_BLOCKS, Detection, mask_of_map
from .evidence import ENOUGH, Evidence, Observed
from .film_borders import Borders
from .frames import spread_over
from .opacity import OpacitySums
from .passes import Removal, Runner
from .placing import place_frames
from .report import report
from .round_dust import ChangingDust, find_round_dust
from .scenes import Digest, Scenes, digest_of

# This many frames from all over the run determine where dust may be and what it does to a frame.
# More frames would hardly improve this. Whether a candidate is dust is decided on all frames.
FRAMES_ASKED_FIRST = 32

# With the polarity "auto", only the kind of dust that shows this many times as clearly as the other
# is looked for, if there is one. In the runs of the measuring kit the other kind does not show at
# all (clearness 0), and the mask is the same bytes as with the polarity given.
CLEARER = 3.0


def estimate_opacity(
    runner: Runner, polarity: str, *, smallest: float, largest: float | None
) -> DustMask:
    """The mask of a run by the method "opacity".

    Parameters
    ----------
    runner : Runner
        Shows the frames of the run.
    polarity : {"light", "dark", "both", "auto"}
        Polarity of the dust to find.
    smallest, largest : float or None
        Area of the smallest and of the largest particle that is marked, px. None: see
        `Detection.too_large`.
    """
    threads = runner.threads
    numbers = range(len(runner.frames))
    asked = spread_over(numbers, FRAMES_ASKED_FIRST)
    others = sorted({*numbers}.difference(asked))
    few = spread_over(asked, FRAMES_HELD)
    clearness = place_frames(
        runner, kinds_of(polarity), few, to_come=len(asked) + len(few) + len(numbers)
    )
    if polarity == "auto":
        polarity = clearly_shown(clearness) or "auto"
        if runner.frames.margin is not None and polarity != "auto":
            runner.frames.margin = replace(runner.frames.margin, polarity=polarity)
    shape = runner.frames.shape
    margin = runner.frames.margin
    first = FirstPass(polarity, shape, threads, margin)
    runner.go_over([first], asked, hold=few, to_come=len(few) + len(numbers))
    outside = first.borders.outside() if margin is None else first.borders.unseen()
    no_picture = outside if margin is None else outside | margin.blocks()
    scenes = Scenes(first.digests, no_picture)
    runner.go_over([Removal(first)], scenes.left_out)

    # A few frames determine which candidates may be dust, and what to expect of that dust.
    few = spread_over(scenes.kept, FRAMES_HELD)
    rest = sorted({*scenes.kept}.difference(few))
    second, likely = first.second(outside)
    first.sums.clear()  # large, and not needed any more
    runner.go_over([second], few, to_come=len(few) + len(rest) + len(others))
    meter = DensityMeter(
        likely & second.likely(smallest),
        polarity=polarity if len(second.sums) == 1 else "both",
        threads=threads,
    )
    del likely  # large, and not needed any more
    runner.go_over([meter], few, to_come=len(rest) + len(others))
    # The search for round dust has many small steps, mostly of one thread.
    works: list[Callable[[], Any]] = [
        partial(find_round_dust, runner.show, few, scenes.kept, each)
        for each in second.evidence.values()
    ]
    *of_kinds, _ = at_once([*works, meter.read_held], threads)
    round_dust: dict[str, ChangingDust | None] = dict(zip(second.evidence, of_kinds, strict=True))
    runner.release()
    meter.settle()
    runner.go_over([second, meter], rest, to_come=len(others))

    # The other frames only help to decide what is dust, and only if they show new scenes.
    digests = DigestPass()
    runner.go_over([second, digests], others, to_come=0)
    if digests.digests:
        shown = {*scenes.kept, *digests.digests}
        scenes = Scenes(first.digests | digests.digests, no_picture)
        runner.go_over([Removal(second)], shown.difference(scenes.kept))
        runner.go_over([second], {*scenes.kept}.difference(shown))

    enough = len(scenes.kept) >= FEWEST_SCENES
    rare = None if margin is None else first.borders.rarely_seen()
    works = [meter.model, partial(second.detections, outside, enough, rare)]
    found: dict[str, Detection]
    model, found = at_once(works, threads)
    if polarity == "auto":
        for each in found.values():
            each.mark(each.threshold, smallest, largest)
        polarity = max(found, key=lambda kind: found[kind].strength())
        found = {polarity: found[polarity]}
    threshold = max(each.threshold for each in found.values())
    for each in found.values():
        each.mark(threshold, smallest, largest)
    changing = round_dust.get(polarity)
    mask = mask_of_map(
        _strongest(list(found.values()), threshold, changing, shape),
        threshold,
        smallest,
        largest,
        polarity=polarity,
        method="opacity",
        frames=runner.frames.used,
        placements=runner.frames.places_of_used,
    )
    marked = mask.binary()
    near = _kernels.dilate(marked, RIM, count(threads))
    if changing is not None:
        near &= ~changing.dust.region(shape)
    works = [
        lambda: model.within(near).pack(),
        lambda: report(mask, marked, list(found.values()), scenes, runner.frames),
    ]
    mask.model, mask.report = at_once(works, threads)
    if changing is not None:
        mask.model |= changing.dust.pack()
    if margin is not None:
        mask.model |= margin.pack()
    return mask


def _strongest(
    found: Sequence[Detection], threshold: float, changing: ChangingDust | None, shape: Shape
) -> Plane:
    """The opacity in the mask: the largest of all kinds of dust."""
    first, *others = (each.give(threshold) for each in found)
    if changing is not None:
        others.append(changing.opacity(shape))
    for other in others:
        np.maximum(first, other, out=first)
    return first


def kinds_of(polarity: str) -> tuple[str, ...]:
    """The kinds of dust, "light" or "dark", that are looked for with a polarity."""
    return (polarity,) if polarity in ("light", "dark") else ("light", "dark")


def clearly_shown(clearness: Mapping[str, float]) -> str | None:
    """The kind of dust that the frames show much more clearly than the other; None: neither.

    Parameters
    ----------
    clearness : mapping of str to float
        See `placing.place_frames`, of "light" and "dark".

    Examples
    --------
    >>> from dustbust.estimation.opacity_method import clearly_shown
    >>> clearly_shown({"light": 2.0, "dark": 90.0})
    'dark'
    >>> clearly_shown({"light": 70.0, "dark": 90.0})
    """
    clearest = max(clearness, key=lambda kind: clearness[kind])
    others = sum(clearness.values()) - clearness[clearest]
    return clearest if clearness[clearest] > CLEARER * others else None


class FirstPass:
    """What the frames of a run have in common, before any dust is known.

    A pass over a run, see `passes.SummingPass`.

    Parameters
    ----------
    polarity : {"light", "dark", "both", "auto"}
        Polarity of the dust to find.
    shape : tuple of int
        (H, W) of the frames.
    threads : int or None
        Number of threads.
    margin : FilmMargin or None
        The margin of the film that the frames show.
    """

    def __init__(
        self,
        polarity: str,
        shape: Shape,
        threads: int | None = None,
        margin: FilmMargin | None = None,
    ) -> None:
        self.polarity, self.shape, self.threads = polarity, shape, threads
        self.margin = margin
        self.sums = {kind: OpacitySums(shape, kind) for kind in kinds_of(polarity)}
        self.borders = Borders(grid_shape(shape))
        self.digests: dict[int, Digest] = {}

    @property
    def start(self) -> "Callable[[], FirstPass]":
        """See `passes.Pass`."""
        return partial(FirstPass, self.polarity, self.shape, self.threads, self.margin)

    def look(self, plane: Grey, has_data: Mask | None) -> tuple[Any, ...]:
        """See `passes.Pass`."""
        surroundings = Surroundings.in_parts(self.margin, plane, has_data, radius=FIRST_RADIUS)
        return plane, has_data, surroundings, digest_of(surroundings.background)

    def take(self, number: int, observed: tuple[Any, ...]) -> None:
        """See `passes.Pass`."""
        _, has_data, surroundings, self.digests[number] = observed
        self.borders.add(surroundings.background, has_data)
        self.add(observed)

    def add(self, observed: tuple[Any, ...], *, sign: int = 1) -> None:
        """See `passes.SummingPass`: borders and digests stay as they are."""
        plane, has_data, surroundings, _ = observed
        for sums in self.sums.values():
            sums.add(plane, surroundings, has_data, sign=sign, threads=self.threads)

    def merge(self, other: "FirstPass") -> None:
        """See `passes.Pass`."""
        self.digests |= other.digests
        self.borders.merge(other.borders)
        for kind, sums in self.sums.items():
            sums.merge(other.sums[kind])

    def second(self, outside: Mask) -> "tuple[SecondPass, Mask]":
        """The second pass that this one prepares, and where dust is likely.

        Parameters
        ----------
        outside : ndarray of bool, shape (rows, columns)
            Blocks in which there is no picture.

        Returns
        -------
        second : SecondPass
        likely : ndarray of bool, shape (H, W)
        """
        likely, evidence = np.zeros(self.shape, bool), {}
        for kind, sums in self.sums.items():
            opacity = sums.denoised(self.threads)
            floor = noise_floor(opacity, self.threads)
            possible = candidates(opacity, floor, threads=self.threads)
            works: list[Callable[[], Any]] = [
                partial(Evidence, opacity, possible, kind),
                partial(candidates, opacity, floor, LIKELY_DEVIATIONS, self.threads),
            ]
            evidence[kind], standing_out = at_once(works, self.threads)
            likely |= standing_out
        reach = round(NEAR_BLOCKS * block_side(self.shape))
        known = ~_kernels.dilate(likely, reach, count(self.threads))
        if outside.any():
            known &= ~on_pixels(outside, self.shape)
        return SecondPass(evidence, known, self.threads, self.margin), likely


class DigestPass:
    """The scenes in frames that the first pass did not use. A pass, see `passes.Pass`."""

    def __init__(self) -> None:
        self.digests: dict[int, Digest] = {}

    @property
    def start(self) -> "Callable[[], DigestPass]":
        """See `passes.Pass`."""
        return DigestPass

    def look(self, plane: Grey, has_data: Mask | None) -> Digest:
        """See `passes.Pass`."""
        return digest_of(
            Surroundings.of(plane, has_data, radius=FIRST_RADIUS, threads=1).background
        )

    def take(self, number: int, observed: Digest) -> None:
        """See `passes.Pass`."""
        self.digests[number] = observed

    def merge(self, other: "DigestPass") -> None:
        """See `passes.Pass`."""
        self.digests |= other.digests


class SecondPass:
    """What the frames show, once it is known where dust may be.

    A pass over a run, see `passes.SummingPass`.

    Parameters
    ----------
    evidence : dict of str to Evidence
        By kind of dust, "light" or "dark".
    known : ndarray of bool, shape (H, W)
        Pixels from which the background is made. False at and near likely dust, and where there is
        no picture.
    threads : int or None
        Number of threads.
    margin : FilmMargin or None
        The margin of the film that the frames show.
    """

    def __init__(
        self,
        evidence: dict[str, Evidence],
        known: Mask,
        threads: int | None = None,
        margin: FilmMargin | None = None,
    ) -> None:
        self.evidence, self.known, self.threads = evidence, known, threads
        self.margin = margin
        shape = (known.shape[0], known.shape[1])
        self.sums = {kind: OpacitySums(shape, kind) for kind in evidence}

    @property
    def start(self) -> "Callable[[], SecondPass]":
        """See `passes.Pass`."""
        evidence = {kind: each.another() for kind, each in self.evidence.items()}
        return partial(SecondPass, evidence, self.known, self.threads, self.margin)

    def look(self, plane: Grey, has_data: Mask | None) -> tuple[Any, ...]:
        """See `passes.Pass`."""
        surroundings = Surroundings.in_parts(
            self.margin, plane, has_data, self.known, radius=SECOND_RADIUS
        )
        observed: dict[str, Observed] = {
            kind: each.look(plane, surroundings, has_data) for kind, each in self.evidence.items()
        }
        return plane, has_data, surroundings, observed

    def take(self, number: int, observed: tuple[Any, ...]) -> None:
        """See `passes.Pass`."""
        self.add(observed)

    def add(self, observed: tuple[Any, ...], *, sign: int = 1) -> None:
        """See `passes.SummingPass`."""
        plane, has_data, surroundings, evidence = observed
        for kind, sums in self.sums.items():
            sums.add(plane, surroundings, has_data, sign=sign, threads=self.threads)
            self.evidence[kind].add(evidence[kind], sign=sign)

    def merge(self, other: "SecondPass") -> None:
        """See `passes.Pass`."""
        for kind, sums in self.sums.items():
            sums.merge(other.sums[kind])
            self.evidence[kind].merge(other.evidence[kind])

    def likely(self, smallest: float) -> Mask:
        """Where dust is possible after the frames so far.

        It excludes candidates that are almost certainly not dust. Of candidates smaller than
        `smallest` px it excludes those that are not more likely dust than not.

        Returns
        -------
        ndarray of bool, shape (H, W)
        """
        first, *others = (
            each.mask_of(each.is_dust(np.where(each.area < smallest, 0, -ENOUGH)))
            for each in self.evidence.values()
        )
        for other in others:
            first |= other
        return first

    def detections(
        self, outside: Mask, enough: bool, rare: Mask | None = None
    ) -> dict[str, Detection]:
        """What the two passes found of each kind of dust. The sums are not kept.

        Parameters
        ----------
        outside : ndarray of bool, shape (rows, columns)
            Blocks in which there is no picture.
        enough : bool
            Whether there are enough frames to tell dust from picture.
        rare : ndarray of bool, shape (rows, columns), or None
            Blocks that too few frames show, see `film_borders.OFTEN`.
        """
        return {
            kind: Detection(
                self.sums.pop(kind).denoised(self.threads),
                evidence,
                outside,
                enough,
                self.threads,
                rare=rare,
            )
            for kind, evidence in self.evidence.items()
        }
