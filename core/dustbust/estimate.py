"""Estimate Dust Mask: from a run of frames to a mask of what stays with the scanner."""
from functools import partial

import numpy as np

from . import _kernels
from .effect import RIM, EffectMeter
from .errors import DustbustError, Sentence
from .evidence import LIKELY_DEVIATIONS, Evidence, candidates, connected, denoise, noise_floor
from .filters import gaussian_blur
from .frames import name_of, read_ahead, read_luminance
from .mask import DustMask
from .opacity import OpacitySums, Surroundings, block_side, grid_shape
from .scenes import Scenes
from .threads import count

METHODS = ("opacity", "sum")
POLARITIES = ("light", "dark", "both", "auto")

# A pixel that loses this share of its light, in the values of the picture, is marked; in a noisy map it takes more.
SUGGESTED_THRESHOLD = 0.05
SUGGESTED_DEVIATIONS = 2.5

# With fewer frames than this, what pictures have in common may still look like dust.
FEW_FRAMES = 8

# With fewer, nothing is marked.
FEWEST_SCENES = 3

# A particle that was in fewer frames than this is no part of the run; what is divided by its share has limits.
SMALLEST_SHARE = 0.4

# A particle may be so much larger than its candidate pixels, in blocks.
REACH = 0.75

# Larger things that all frames have in common are lamps, windows, frames: share of the picture.
LARGEST_SHARE = 0.02


def estimate_mask(frames, *, method="opacity", polarity="light", smallest=4, largest=None, blur=25.0, trim=8, progress=None, threads=None):
    """Find the dust that a run of frames has in common.

    Parameters
    ----------
    frames : paths of pictures, or arrays (H, W) or (H, W, C), uint8, uint16 or float32, all of one size. Ten are enough for most dust.
    method : "opacity": how much of the light the dust takes. "sum": the original method, the sum of the frames less a heavy blur.
    polarity : "light" (dust is brighter than the picture, as on inverted negatives), "dark" (slides), "both", or "auto": light or dark,
        whichever the frames show.
    smallest, largest : of "opacity" only: area in px of the smallest and the largest particle that is marked.
        None: a fiftieth of the picture, so that a lamp or a window that many frames have in common is left alone.
    blur, trim : of "sum" only: standard deviation of the blur in px, and how many px at the edges are left out.
    progress : called as progress(fraction, text) while the work goes on, or None.
    threads : how many to use; by default one for each processor.

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
    frames = list(frames)
    if not frames:
        raise DustbustError("no frames: give the frames of one run, ten or more if there are so many")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if polarity not in POLARITIES:
        raise ValueError(f"polarity must be one of {', '.join(POLARITIES)}, not {polarity!r}")
    names = tuple(name_of(frame, index) for index, frame in enumerate(frames))
    if method == "sum":
        grey = sum_of_frames(frames, blur=blur, trim=trim, progress=progress, threads=threads)
        return DustMask(grey, 0.5, "light" if polarity == "auto" else polarity, method, names)
    first = FirstPass.over(frames, polarity, progress=progress and (lambda done, text: progress(done / 2, text)), threads=threads)
    second = first.second(threads)
    second.go_over(frames, first.scenes.kept, progress=progress and (lambda done, text: progress(0.5 + done / 2, text)), threads=threads)
    return second.mask(polarity, names, first.scenes, smallest=smallest, largest=largest, threads=threads)


# --- the two passes ----------------------------------------------------------------------------------------------------------------

def sides_of(polarity):
    """The kinds of dust to look for."""
    return (polarity,) if polarity in ("light", "dark") else ("light", "dark")


def look_at(known, frame):
    """A frame's luminance and its surroundings, in one thread: the frames are read in many."""
    plane = read_luminance(frame)
    return plane, Surroundings.of(plane, known, threads=1)


class FirstPass:
    """What the frames of a run, or of a part of it, have in common, without knowing any dust yet."""

    def __init__(self, shape, polarity):
        self.shape = shape
        self.sums = {side: OpacitySums(shape, side) for side in sides_of(polarity)}
        self.scenes = Scenes(shape)

    @classmethod
    def over(cls, frames, polarity, *, progress=None, threads=None):
        """The first pass over some frames."""
        self = None
        for index, (plane, surroundings) in enumerate(read_ahead(frames, partial(look_at, None), threads)):
            name = name_of(frames[index], index)
            self = self or cls(plane.shape, polarity)
            check_size(plane, self.shape, name)
            if self.scenes.add(index, surroundings):
                for sums in self.sums.values():
                    sums.add(plane, surroundings, threads=threads)
            if progress:
                progress((index + 1) / len(frames), name)
        return self

    def second(self, threads=None):
        """The second pass that this one prepares."""
        return SecondPass({side: denoise(sums.opacity(threads), threads) for side, sums in self.sums.items()}, threads)


class SecondPass:
    """What the frames show, when it is known where dust may be.

    Parameters
    ----------
    first : {"light" or "dark": float32 (H, W)}, the maps of the first pass.
    """

    def __init__(self, first, threads=None):
        self.shape = next(iter(first.values())).shape
        self.evidence = {side: Evidence(opacity, candidates(opacity, threads=threads), side) for side, opacity in first.items()}
        likely = np.logical_or.reduce([candidates(opacity, LIKELY_DEVIATIONS, threads) for opacity in first.values()])
        self.known = ~_kernels.dilate(likely, round(REACH * block_side(self.shape)), count(threads))
        self.sums = {side: OpacitySums(self.shape, side) for side in first}
        self.meter = EffectMeter(likely, polarity="both" if len(first) > 1 else next(iter(first)), threads=threads)

    def go_over(self, frames, kept, *, progress=None, threads=None):
        """Take in the frames with the numbers `kept`."""
        for done, (plane, surroundings) in enumerate(read_ahead([frames[index] for index in kept], partial(look_at, self.known), threads)):
            self.add(plane, surroundings, threads)
            if progress:
                progress((done + 1) / len(kept), name_of(frames[kept[done]], kept[done]))

    def add(self, plane, surroundings, threads=None):
        for side, sums in self.sums.items():
            sums.add(plane, surroundings, threads=threads)
            self.evidence[side].add(plane, surroundings)
        self.meter.add(plane)

    def mask(self, polarity, names, scenes, *, smallest, largest, threads=None):
        """The dust mask."""
        largest = LARGEST_SHARE * self.shape[0] * self.shape[1] if largest is None else largest
        found = {side: Found(denoise(self.sums[side].opacity(threads), threads), self.evidence[side], scenes, smallest, largest, threads) for side in self.sums}
        if polarity == "auto":
            polarity = max(found, key=lambda side: found[side].strength())
            found = {polarity: found[polarity]}
        threshold = max(each.threshold for each in found.values())
        mask = DustMask(np.maximum.reduce([each.grey(threshold) for each in found.values()]), threshold, polarity, "opacity", names)
        marked = mask.binary()
        mask.effect = self.meter.effect().within(_kernels.dilate(marked, RIM, count(threads))).pack()
        mask.report = report(mask, marked, list(found.values()), scenes)
        return mask


class Found:
    """What two passes found of one kind of dust.

    Parameters
    ----------
    opacity : float32 (H, W), the map of the second pass.
    evidence : Evidence for the candidates of the first.
    scenes : Scenes of the frames.
    smallest, largest : area of particles in px.
    """

    def __init__(self, opacity, evidence, scenes, smallest, largest, threads=None):
        self.opacity, self.evidence = opacity, evidence
        self.noise = float(np.median(noise_floor(opacity, threads)))
        self.threshold = max(SUGGESTED_THRESHOLD, SUGGESTED_DEVIATIONS * self.noise)
        self.dust = evidence.is_dust() if len(scenes.kept) >= FEWEST_SCENES else np.zeros(evidence.particles, bool)
        reach = round(REACH * block_side(opacity.shape))
        near = _kernels.dilate(evidence.mask_of(self.dust), reach, count(threads)) & ~scenes.outside()
        # Frames that a particle is missing from have taken part in the mean: what it takes where it is, is more.
        self.opacity = np.where(near, np.minimum(opacity / np.maximum(self.shares(), SMALLEST_SHARE), 1), opacity)
        self.marked = near & (self.opacity >= self.threshold)
        positions, labels, particles = connected(self.marked)
        area = np.bincount(labels, minlength=particles)
        wrong = (area < smallest) | (area > largest)
        self.marked.ravel()[positions[wrong[labels]]] = False
        self.near = near
        self.near.ravel()[positions[wrong[labels]]] = False

    def strength(self):
        """How much light the dust takes in all."""
        return float(self.opacity[self.marked].sum())

    def grey(self, threshold):
        """The map: opacity where there is dust; elsewhere what the map has, but always below the threshold."""
        opacity = np.maximum(self.opacity, 0)
        return np.where(self.near, opacity, np.float32(0.98 * threshold) * opacity / (opacity + np.float32(threshold)))

    def shares(self):
        """float32 (H, W): in how large a share of the frames the dust at or beside a pixel was; 1 where there is none."""
        side = block_side(self.opacity.shape)
        dust = self.dust[self.evidence.labels]
        y, x = np.divmod(self.evidence.positions[dust], self.opacity.shape[1])
        blocks = np.zeros([n + 2 for n in grid_shape(self.opacity.shape)], np.float32)
        np.maximum.at(blocks, (y // side + 1, x // side + 1), self.evidence.share()[self.evidence.labels[dust]].astype(np.float32))
        for axis in (0, 1):
            blocks = np.maximum.reduce([np.roll(blocks, step, axis) for step in (-1, 0, 1)])
        blocks = np.where(blocks > 0, blocks, 1)[1:-1, 1:-1]
        return np.repeat(np.repeat(blocks, side, 0), side, 1)[:self.opacity.shape[0], :self.opacity.shape[1]]


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

def sum_of_frames(frames, *, blur, trim, progress=None, threads=None):
    """The original method: sum of the frames, maximum 1, minus a heavy blur, absolute value, edges trimmed."""
    total = None
    for index, plane in enumerate(read_ahead(frames, read_luminance, threads)):
        if total is None:
            total = np.zeros(plane.shape, np.float64)
        check_size(plane, total.shape, name_of(frames[index], index))
        total += plane
        if progress:
            progress((index + 1) / len(frames), name_of(frames[index], index))
    scaled = (total / max(total.max(), 1e-12)).astype(np.float32)
    grey = np.abs(scaled - gaussian_blur(scaled, blur, threads))
    if trim:
        inner = np.zeros_like(grey)
        inner[trim:-trim, trim:-trim] = grey[trim:-trim, trim:-trim]
        grey = inner
    return grey


def check_size(plane, shape, name):
    """All frames of a run have the size of the first."""
    if plane.shape != shape:
        raise DustbustError("{frame}: is {size}, but the first frame is {first}; all frames of a run have one size: leave it out, or scan it again",
                            frame=name, size="{1} x {0}".format(*plane.shape), first="{1} x {0}".format(*shape))
