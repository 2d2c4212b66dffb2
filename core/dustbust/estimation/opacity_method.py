"""The method "opacity": the passes over a run, and the mask they end in."""

from functools import partial

import numpy as np

from .. import _kernels
from ..dust.model import RIM
from ..dust.mask import DustMask
from ..image.block_grid import block_side, grid_shape, on_pixels
from ..runtime.threads import count
from .background import FIRST_RADIUS, SECOND_RADIUS, Surroundings
from .candidates import LIKELY_DEVIATIONS, candidates, denoise
from .density_meter import FRAMES_HELD, DensityMeter
from .detection import FEWEST_SCENES, NEAR_BLOCKS, Detection
from .evidence import ENOUGH, Evidence
from .film_borders import Borders
from .opacity import OpacitySums
from .passes import spread_over
from .report import report
from .scenes import Scenes, digest_of

# So many frames from all over the run tell where dust may be and what it does. More would hardly make that more certain; what is dust is
# asked of all.
FRAMES_ASKED_FIRST = 32


def estimate_opacity(run, polarity, smallest, largest, threads):
    """The mask of a `Run`, method "opacity"."""
    numbers = range(len(run.names))
    asked = spread_over(numbers, FRAMES_ASKED_FIRST)
    others = sorted({*numbers}.difference(asked))
    few = spread_over(asked, FRAMES_HELD)
    run.planned = len(asked) + len(few) + len(numbers)
    first = FirstPass(polarity, run.shape, threads=threads)
    run.go_over([first], asked, hold=few)
    outside = first.borders.outside()
    scenes = Scenes(first.digests, outside)
    first.take_out(run, scenes.left_out)

    # A few frames tell which of the candidates may be dust at all, and what is to be expected of it.
    few = spread_over(scenes.kept, FRAMES_HELD)
    run.planned = len(asked) + len(few) + len(scenes.kept) + len(others)
    second, likely = first.second(outside, threads)
    first.sums.clear()  # large, and not needed any more
    run.go_over([second], few)
    meter = DensityMeter(
        likely & second.likely(smallest),
        polarity=polarity if len(second.sums) == 1 else "both",
        threads=threads,
    )
    run.go_over([meter], few)
    run.release()
    meter.settle()
    run.go_over([second, meter], sorted({*scenes.kept}.difference(few)))

    # The others tell only what is dust, and do so only if they show scenes of their own.
    digests = DigestPass()
    run.go_over([second, digests], others)
    if digests.digests:
        seen = {*scenes.kept, *digests.digests}
        scenes = Scenes(first.digests | digests.digests, outside)
        second.take_out(run, seen.difference(scenes.kept))
        run.go_over([second], {*scenes.kept}.difference(seen), quiet=True)

    enough = len(scenes.kept) >= FEWEST_SCENES
    found = {
        side: Detection(
            sums.opacity(threads),
            second.evidence[side],
            on_pixels(outside, run.shape),
            enough,
            threads,
        )
        for side, sums in second.sums.items()
    }
    if polarity == "auto":
        for each in found.values():
            each.mark(each.threshold, smallest, largest)
        polarity = max(found, key=lambda side: found[side].strength())
        found = {polarity: found[polarity]}
    threshold = max(each.threshold for each in found.values())
    for each in found.values():
        each.mark(threshold, smallest, largest)
    mask = DustMask(
        np.maximum.reduce([each.grey(threshold) for each in found.values()]),
        threshold,
        polarity,
        "opacity",
        run.used,
    )
    marked = mask.binary()
    mask.effect = meter.effect().within(_kernels.dilate(marked, RIM, count(threads))).pack()
    mask.report = report(mask, marked, list(found.values()), scenes, run)
    return mask


class FirstPass:
    """What the frames of a run have in common, without knowing any dust yet: a pass over a run, see `passes`.

    Parameters
    ----------
    polarity : as of `estimate_mask`.
    shape : (H, W) of the frames.
    sign : 1; or -1 to take out what was taken in.
    """

    def __init__(self, polarity, shape, sign=1, threads=None):
        self.polarity, self.shape, self.sign, self.threads = polarity, shape, sign, threads
        self.sums = {
            side: OpacitySums(shape, side)
            for side in ((polarity,) if polarity in ("light", "dark") else ("light", "dark"))
        }
        self.borders = Borders(grid_shape(shape))
        self.digests = {}

    @property
    def start(self):
        return partial(FirstPass, self.polarity, self.shape, self.sign, self.threads)

    def look(self, plane, seen):
        surroundings = Surroundings.of(plane, seen, radius=FIRST_RADIUS, threads=1)
        return plane, seen, surroundings, digest_of(surroundings.background)

    def take(self, number, said):
        plane, seen, surroundings, self.digests[number] = said
        self.borders.add(surroundings.background)
        for sums in self.sums.values():
            sums.add(plane, surroundings, seen, sign=self.sign, threads=self.threads)

    def merge(self, other):
        self.digests |= other.digests
        self.borders.merge(other.borders)
        for side, sums in self.sums.items():
            sums.merge(other.sums[side])

    def take_out(self, run, numbers):
        """Let the frames with these numbers not have counted for the dust; the borders are of no use after that."""
        self.sign = -1
        run.go_over([self], numbers, quiet=True)
        self.sign = 1

    def second(self, outside, threads=None):
        """The second pass that this one prepares, and where dust is likely to be, bool (H, W).

        `outside` : bool, blocks in which there is no picture.
        """
        first = {side: denoise(sums.opacity(threads), threads) for side, sums in self.sums.items()}
        likely = np.logical_or.reduce(
            [candidates(opacity, LIKELY_DEVIATIONS, threads) for opacity in first.values()]
        )
        near = _kernels.dilate(likely, round(NEAR_BLOCKS * block_side(self.shape)), count(threads))
        evidence = {
            side: Evidence(opacity, candidates(opacity, threads=threads), side)
            for side, opacity in first.items()
        }
        return SecondPass(
            evidence, ~(near | on_pixels(outside, self.shape)), threads=threads
        ), likely


class DigestPass:
    """Which scenes frames show that the first pass was not shown: a pass over a run, see `passes`."""

    def __init__(self):
        self.digests = {}

    @property
    def start(self):
        return DigestPass

    def look(self, plane, seen):
        return digest_of(Surroundings.of(plane, seen, radius=FIRST_RADIUS, threads=1).background)

    def take(self, number, said):
        self.digests[number] = said

    def merge(self, other):
        self.digests |= other.digests


class SecondPass:
    """What the frames show, when it is known where dust may be: a pass over a run, see `passes`.

    Parameters
    ----------
    evidence : {"light" or "dark": Evidence}
    known : bool (H, W), what tells the background: False at and near what is likely to be dust, and where there is no picture.
    sign : 1; or -1 to take out what was taken in.
    """

    def __init__(self, evidence, known, sign=1, threads=None):
        self.evidence, self.known, self.sign, self.threads = evidence, known, sign, threads
        self.sums = {side: OpacitySums(known.shape, side) for side in evidence}

    @property
    def start(self):
        return partial(
            SecondPass,
            {side: each.another() for side, each in self.evidence.items()},
            self.known,
            self.sign,
            self.threads,
        )

    def look(self, plane, seen):
        surroundings = Surroundings.of(
            plane,
            self.known if seen is None else self.known & seen,
            radius=SECOND_RADIUS,
            threads=1,
        )
        said = {side: each.look(plane, surroundings, seen) for side, each in self.evidence.items()}
        return plane, seen, surroundings, said

    def take(self, number, said):
        plane, seen, surroundings, evidence = said
        for side, sums in self.sums.items():
            sums.add(plane, surroundings, seen, sign=self.sign, threads=self.threads)
            self.evidence[side].take(*(self.sign * each for each in evidence[side]))

    def merge(self, other):
        for side, sums in self.sums.items():
            sums.merge(other.sums[side])
            self.evidence[side].merge(other.evidence[side])

    def likely(self, smallest):
        """Where there may be dust, after the frames that were looked at so far: bool (H, W). Left out is what is as good as certainly none, and
        of what is smaller than `smallest` px, all that is not more likely dust than not."""
        return np.logical_or.reduce(
            [
                each.mask_of(each.is_dust(np.where(each.area < smallest, 0, -ENOUGH)))
                for each in self.evidence.values()
            ]
        )

    def take_out(self, run, numbers):
        """Let the frames with these numbers not have been looked at."""
        self.sign = -1
        run.go_over([self], numbers, quiet=True)
        self.sign = 1
