"""Estimate Dust Mask: from a run of frames to a mask of what stays with the scanner."""
from functools import partial

import numpy as np

from . import _kernels
from .effect import FRAMES_HELD, RIM, EffectMeter
from .errors import DustbustError, Sentence
from .evidence import LIKELY_DEVIATIONS, Evidence, candidates, connected, denoise, noise_floor
from .filters import gaussian_blur
from .frames import place_of, read_luminance, read_seen
from .mask import DustMask, to_steps
from .opacity import FIRST_RADIUS, SECOND_RADIUS, OpacitySums, Surroundings, block_side, grid_shape
from .passes import go_over, numbered
from .scenes import Borders, Scenes, digest_of
from .threads import count

METHODS = ("opacity", "sum")
POLARITIES = ("light", "dark", "both", "auto")

# A pixel that loses this share of its light, in the values of the picture, is marked; in a noisy map it takes more.
SUGGESTED_THRESHOLD = 0.05
SUGGESTED_DEVIATIONS = 2.5

# What the dust does is measured on so many frames: more would hardly make it more certain.
FRAMES_MEASURED = 32

# With fewer frames than this, what pictures have in common may still look like dust.
FEW_FRAMES = 8

# With fewer, nothing is marked.
FEWEST_SCENES = 3

# A particle that was in fewer frames than this is no part of the run; what is divided by its share has limits.
SMALLEST_SHARE = 0.4

# A particle may be so much larger than its candidate pixels, in blocks.
REACH = 0.75

# Larger things that all frames have in common are lamps, windows, frames: share of the picture. Hairs may be larger: what is no thicker
# than this, in blocks.
LARGEST_SHARE = 0.02
THICKEST_HAIR = 2.5


def estimate_mask(frames, *, method="opacity", polarity="light", smallest=4, largest=None, blur=25.0, trim=8, progress=None, executor=None,
                  threads=None):
    """Find the dust that a run of frames has in common.

    Parameters
    ----------
    frames : paths of pictures, or arrays (H, W) or (H, W, C), uint8, uint16 or float32, all of one size. Ten are enough for most dust.
    method : "opacity": how much of the light the dust takes. "sum": the original method, the sum of the frames less a heavy blur.
    polarity : "light" (dust is brighter than the picture, as on inverted negatives), "dark" (slides), "both", or "auto": light or dark,
        whichever the frames show.
    smallest, largest : of "opacity" only: area in px of the smallest and the largest particle that is marked.
        None: a fiftieth of the picture, so that a lamp or a window that many frames have in common is left alone; thin hairs may be larger.
    blur, trim : of "sum" only: standard deviation of the blur in px, and how many px at the edges are left out.
    progress : called as progress(fraction, text) while the work goes on, or None.
    executor : any `concurrent.futures.Executor`, whose workers see the same files under the same names, such as that of a cluster
        (`dustbust.cluster.dask_executor`): the run is gone over in parts. The mask is the same, to the byte. None: here.
    threads : how many to use, by default one for each processor; with an executor, for each part of the run, by default one.

    Returns
    -------
    DustMask
        `report` tells how far it can be trusted: "frames" (used), "left_out" (name and reason of each frame that was not), "noise" (of the
        map), "coverage" (share of the picture that is marked), "particles" ([x, y, area in px, opacity, share of the frames that it was in]
        of each), "warnings" (sentences).

    Raises
    ------
    DustbustError
        when there are no frames, one cannot be read, or has another size than the first; the message names it.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frames = [np.full((120, 160), level, np.float32) + rng.normal(0, 0.01, (120, 160)).astype(np.float32) for level in (0.2, 0.3, 0.5, 0.4)]
    >>> for frame in frames:
    ...     frame[50:54, 60:66] += 0.4 * (1 - frame[50:54, 60:66])
    >>> dust = estimate_mask(frames)
    >>> dust.report["particles"][0][:3]
    [62, 52, 24]
    """
    frames = check_frames(frames)
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if polarity not in POLARITIES:
        raise ValueError(f"polarity must be one of {', '.join(POLARITIES)}, not {polarity!r}")
    run = numbered(frames)
    names = tuple(place_of(frame, number) for number, frame in enumerate(frames))
    shape = read_luminance(frames[0]).shape if executor else None       # else the first frame tells; but it is in one part only
    if method == "sum":
        total = SumPass(shape)
        go_over(total, run, executor=executor, progress=progress, threads=threads)
        return DustMask(total.grey(blur, trim, threads), 0.5, "light" if polarity == "auto" else polarity, method, names)
    how = {"executor": executor, "threads": threads}
    first = FirstPass(polarity, shape, threads=threads)
    go_over(first, run, progress=part_of(progress, 0, len(run), 2 * len(run)), **how)
    first.settle(run, **how)
    second = first.second(threads)
    kept = [run[number] for number in first.scenes.kept]
    # Some frames from all over the run tell what is to be expected of its dust, some more are measured, and all tell what is dust.
    done, left = len(kept), kept
    for number, then in ((FRAMES_HELD, second.meter.settle), (FRAMES_MEASURED, second.measure_no_more), (len(kept), None)):
        chosen = set(spread_over(kept, number))
        frames, left = [each for each in left if each.number in chosen], [each for each in left if each.number not in chosen]
        go_over(second, frames, progress=part_of(progress, done, len(frames), 2 * len(kept)), **how)
        done += len(frames)
        if then:
            then()
    return second.mask(polarity, names, first, smallest=smallest, largest=largest, threads=threads)


def spread_over(frames, number):
    """The numbers of so many frames, evenly spread over all of them."""
    return [frames[place].number for place in np.linspace(0, len(frames) - 1, min(number, len(frames))).round().astype(int)]


def part_of(progress, before, size, whole):
    """The progress of some of the work, `size` of `whole` of it, with `before` done already."""
    return progress and (lambda done, text: progress((before + done * size) / whole, text))


# --- the two passes ----------------------------------------------------------------------------------------------------------------

def sides_of(polarity):
    """The kinds of dust to look for."""
    return (polarity,) if polarity in ("light", "dark") else ("light", "dark")


class FirstPass:
    """What the frames of a run have in common, without knowing any dust yet.

    Parameters
    ----------
    polarity : as of `estimate_mask`.
    shape : (H, W) of the frames; None: that of the first one.
    times : 1; or -1 to take out what was taken in.
    """

    def __init__(self, polarity, shape=None, times=1, threads=None):
        self.polarity, self.times, self.threads = polarity, times, threads
        self.shape = self.sums = self.borders = self.scenes = None
        self.digests = {}
        if shape is not None:
            self._begin(shape)

    def _begin(self, shape):
        self.shape = shape
        self.sums = {side: OpacitySums(shape, side) for side in sides_of(self.polarity)}
        self.borders = Borders(shape)

    @property
    def start(self):
        return partial(FirstPass, self.polarity, self.shape, self.times, self.threads)

    def look(self, frame):
        plane, seen = read_seen(frame)
        surroundings = Surroundings.of(plane, seen, radius=FIRST_RADIUS, threads=1)
        return plane, seen, surroundings, digest_of(surroundings.background)

    def take(self, number, name, looked):
        plane, seen, surroundings, digest = looked
        if self.shape is None:
            self._begin(plane.shape)
        check_size(plane, self.shape, name)
        self.digests[number] = digest
        self.borders.add(surroundings)
        for sums in self.sums.values():
            sums.add(plane, surroundings, seen, times=self.times, threads=self.threads)

    def merge(self, other):
        self.digests |= other.digests
        self.borders.merge(other.borders)
        for side, sums in self.sums.items():
            sums.merge(other.sums[side])

    def settle(self, frames, **how):
        """Take out the frames of a scene that was there before."""
        self.scenes = Scenes(self.digests, self.borders.outside())
        if self.scenes.left_out:
            again = FirstPass(self.polarity, self.shape, -1, self.threads)
            go_over(again, [frame for frame in frames if frame.number in self.scenes.left_out], **how)
            for side, sums in self.sums.items():
                sums.merge(again.sums[side])

    def second(self, threads=None):
        """The second pass that this one prepares."""
        first = {side: denoise(sums.opacity(threads), threads) for side, sums in self.sums.items()}
        likely = np.logical_or.reduce([candidates(opacity, LIKELY_DEVIATIONS, threads) for opacity in first.values()])
        near = _kernels.dilate(likely, round(REACH * block_side(self.shape)), count(threads))
        return SecondPass({side: Evidence(opacity, candidates(opacity, threads=threads), side) for side, opacity in first.items()},
                          ~(near | on_pixels(self.borders.outside(), self.shape)),
                          EffectMeter(likely, polarity="both" if len(first) > 1 else next(iter(first)), threads=threads), threads=threads)


class SecondPass:
    """What the frames show, when it is known where dust may be.

    Parameters
    ----------
    evidence : {"light" or "dark": Evidence}
    known : bool (H, W), what tells the background: False at and near what is likely to be dust, and where there is no picture.
    meter : EffectMeter
    measures : whether the meter is shown the frames, too.
    """

    def __init__(self, evidence, known, meter, measures=True, threads=None):
        self.evidence, self.known, self.meter, self.measures, self.threads = evidence, known, meter, measures, threads
        self.sums = {side: OpacitySums(known.shape, side) for side in evidence}

    @property
    def start(self):
        evidence = {side: each.another() for side, each in self.evidence.items()}
        return partial(SecondPass, evidence, self.known, self.meter.another(), self.measures, self.threads)

    def measure_no_more(self):
        self.measures = False

    def look(self, frame):
        plane, seen = read_seen(frame)
        surroundings = Surroundings.of(plane, self.known if seen is None else self.known & seen, radius=SECOND_RADIUS, threads=1)
        return (plane, seen, surroundings, {side: each.look(plane, surroundings, seen) for side, each in self.evidence.items()},
                self.meter.look(plane, seen, threads=1) if self.measures else None)

    def take(self, number, name, looked):
        plane, seen, surroundings, said, effect = looked
        for side, sums in self.sums.items():
            sums.add(plane, surroundings, seen, threads=self.threads)
            self.evidence[side].take(*said[side])
        if self.measures:
            self.meter.take(number, effect)

    def merge(self, other):
        for side, sums in self.sums.items():
            sums.merge(other.sums[side])
            self.evidence[side].merge(other.evidence[side])
        self.meter.merge(other.meter)

    def mask(self, polarity, names, first, *, smallest, largest, threads=None):
        """The dust mask."""
        outside, enough = on_pixels(first.borders.outside(), self.known.shape), len(first.scenes.kept) >= FEWEST_SCENES
        found = {side: Found(self.sums[side].opacity(threads), self.evidence[side], outside, enough, threads) for side in self.sums}
        if polarity == "auto":
            for each in found.values():
                each.mark(each.threshold, smallest, largest)
            polarity = max(found, key=lambda side: found[side].strength())
            found = {polarity: found[polarity]}
        threshold = max(each.threshold for each in found.values())
        for each in found.values():
            each.mark(threshold, smallest, largest)
        mask = DustMask(np.maximum.reduce([each.grey(threshold) for each in found.values()]), threshold, polarity, "opacity", names)
        marked = mask.binary()
        mask.effect = self.meter.effect().within(_kernels.dilate(marked, RIM, count(threads))).pack()
        mask.report = report(mask, marked, list(found.values()), first.scenes)
        return mask


class Found:
    """What two passes found of one kind of dust.

    Parameters
    ----------
    opacity : float32 (H, W), the map of the second pass.
    evidence : Evidence for the candidates of the first.
    outside : bool (H, W), where there is no picture.
    enough : whether there are frames enough to tell dust from picture.
    """

    def __init__(self, opacity, evidence, outside, enough, threads=None):
        self.evidence, self.threads = evidence, threads
        opacity = np.where(outside, 0, denoise(opacity, threads))
        self.noise = float(np.median(noise_floor(opacity, threads)[~outside]))
        self.threshold = max(SUGGESTED_THRESHOLD, SUGGESTED_DEVIATIONS * self.noise)
        self.dust = evidence.is_dust() if enough else np.zeros(evidence.particles, bool)
        self.reach = round(REACH * block_side(opacity.shape))
        self.near = _kernels.dilate(evidence.mask_of(self.dust), self.reach, count(threads)) & ~outside
        # Frames that a particle is missing from have taken part in the mean: what it takes where it is, is more.
        self.opacity = np.where(self.near, np.minimum(opacity / np.maximum(self.shares(), SMALLEST_SHARE), 1), opacity)

    def mark(self, threshold, smallest, largest):
        """Mark the particles at a threshold, but for those with an area, below the smallest or above the largest (px; None: `too_large`)."""
        # In steps of the mask, so that it has no other particles than those that were measured here.
        self.marked = self.near & (to_steps(self.opacity) >= to_steps(threshold))
        labels, neighbours, particles = _kernels.particles(self.marked, self.marked)
        area = np.bincount(labels, minlength=particles)
        rim = np.bincount(labels, (neighbours < 0).any(axis=1), particles)
        wrong = (area < smallest) | (self.too_large(area, rim) if largest is None else area > largest)
        left = np.zeros_like(self.marked)
        left[self.marked] = wrong[labels]
        self.marked &= ~left
        # What lies around them is not to turn up either, when the user takes a lower threshold.
        self.near = self.marked | (self.near & ~_kernels.dilate(left, self.reach, count(self.threads)))

    def too_large(self, area, rim):
        """Which particles, with an area and a rim of so many px, are too large for dust: not those that are long and thin."""
        return (area > LARGEST_SHARE * self.marked.size) & (2 * area / np.maximum(rim, 1) > THICKEST_HAIR * block_side(self.marked.shape))

    def strength(self):
        """How much light the dust takes in all."""
        return float(self.opacity[self.marked].sum())

    def grey(self, threshold):
        """The map: opacity where there is dust; elsewhere what the map has, but always below the threshold."""
        opacity = np.maximum(self.opacity, 0)
        return np.where(self.near, opacity, np.float32(0.98 * threshold) * opacity / (opacity + np.float32(threshold)))

    def shares(self):
        """float32 (H, W): in how large a share of the frames the dust at or beside a pixel was; 1 where there is none."""
        side = block_side(self.near.shape)
        dust = self.dust[self.evidence.labels]
        y, x = np.divmod(self.evidence.positions[dust], self.near.shape[1])
        blocks = np.zeros([n + 2 for n in grid_shape(self.near.shape)], np.float32)
        np.maximum.at(blocks, (y // side + 1, x // side + 1), self.evidence.share()[self.evidence.labels[dust]].astype(np.float32))
        for axis in (0, 1):
            blocks = np.maximum.reduce([np.roll(blocks, step, axis) for step in (-1, 0, 1)])
        return on_pixels(np.where(blocks > 0, blocks, 1)[1:-1, 1:-1], self.near.shape)


def on_pixels(blocks, shape):
    """Numbers of blocks at the pixels of a picture of this shape."""
    side = block_side(shape)
    return np.repeat(np.repeat(blocks, side, 0), side, 1)[:shape[0], :shape[1]]


# --- the report --------------------------------------------------------------------------------------------------------------------

def report(mask, marked, found, scenes):
    """How far the mask can be trusted: plain JSON data."""
    positions, labels, particles = connected(marked)
    shares = np.minimum.reduce([each.shares() for each in found]).ravel()[positions]
    columns = marked.shape[1]

    area = np.bincount(labels, minlength=particles)
    x, y, opacity, share = (np.bincount(labels, values, particles) / np.maximum(area, 1)
                            for values in (positions % columns, positions // columns, mask.grey.ravel()[positions], shares))
    left_out = [[mask.frames[index], f"shows the same scene as {mask.frames[other]}"] for index, other in sorted(scenes.left_out.items())]
    return {"frames": len(scenes.kept), "left_out": left_out, "coverage": float(marked.mean()), "noise": max(each.noise for each in found),
            "particles": [[round(x), round(y), int(area), round(opacity, 3), round(share, 3)] for x, y, area, opacity, share in zip(x, y, area, opacity, share)],
            "warnings": warnings(mask, len(scenes.kept), left_out)}


def warnings(mask, frames, left_out):
    """What the user is to know before trusting the mask: sentences."""
    said = []
    if frames < FEWEST_SCENES:
        said.append(Sentence("Too few different scenes ({number}): dust cannot be told from picture, and nothing is marked. "
                             "Use frames of ten different scenes.", number=frames))
    elif frames < FEW_FRAMES:
        said.append(Sentence("Only {number} frames of different scenes: faint dust may be missed, and what the pictures have in common may be "
                             "taken for dust. Ten or more are better.", number=frames))
    if left_out and frames >= FEWEST_SCENES:
        said.append(Sentence("{number} of {frames} frames show the same scene as another and do not count.",
                             number=len(left_out), frames=len(mask.frames)))
    return said


# --- the original method -------------------------------------------------------------------------------------------------------------

class SumPass:
    """The sum of the frames, in steps so small that hardly anything is rounded.

    Parameters
    ----------
    shape : (H, W) of the frames; None: that of the first one.
    """
    STEP = 2.0 ** -24

    def __init__(self, shape=None):
        self.shape = shape
        self.total = self.frames = 0        # sum of the pixels that have data, and in how many frames they have

    @property
    def start(self):
        return partial(SumPass, self.shape)

    def look(self, frame):
        return read_seen(frame)

    def take(self, number, name, looked):
        plane, seen = looked
        self.shape = self.shape or plane.shape
        check_size(plane, self.shape, name)
        steps = np.rint(plane / np.float64(self.STEP)).astype(np.int64)
        self.total += steps if seen is None else steps * seen
        self.frames = self.frames + (1 if seen is None else seen.astype(np.int32))

    def merge(self, other):
        self.total += other.total
        self.frames = self.frames + other.frames

    def grey(self, blur, trim, threads=None):
        """Scaled so that the maximum is 1, minus a heavy blur, absolute value, edges trimmed."""
        mean = self.total / np.maximum(self.frames, 1)
        scaled = (mean / max(mean.max(), self.STEP)).astype(np.float32)
        grey = np.abs(scaled - gaussian_blur(scaled, blur, threads))
        if trim:
            inner = np.zeros_like(grey)
            inner[trim:-trim, trim:-trim] = grey[trim:-trim, trim:-trim]
            grey = inner
        return grey


def check_frames(frames):
    """The frames as a list; there must be some."""
    frames = list(frames)
    if not frames:
        raise DustbustError("no frames: give the frames of a run, ten or more if there are so many")
    return frames


def check_size(plane, shape, name):
    """All frames of a run have the size of the first."""
    if plane.shape != shape:
        raise DustbustError("{frame}: is {size}, but the first frame is {first}; all frames of a run have one size: leave it out, or scan it again",
                            frame=name, size="{1} x {0}".format(*plane.shape), first="{1} x {0}".format(*shape))
