"""The scans of a page, and what they become: all of it, or a part to look at first."""
import dataclasses
import functools
import threading

from .. import core
from ..gimp import layers, pixels
from ..core import dustbust, np

DUST_FREE = "dust-free"     # the mode that knows where the dust of the scanner is
VISIBLE = 0.1               # of white: by so much reduced scans differ where one has dust


class Scans:
    """The scans of a page, in layers, and what has been found out about them: nothing is worked out twice.

    What is asked for first reads the layers; after that nothing asks GIMP, so that it can be called in any thread.
    """

    def __init__(self, chosen):
        self.layers = chosen
        self.format = self._format_of(chosen[0])
        self.pictures = [layers.plain_pixels(layer, self._format_of(layer)) for layer in chosen]
        self.names = [layer.get_name() for layer in chosen]
        self._positions = np.array([layers.offsets(layer) for layer in chosen])
        self._threads, self._registrations = core.threads(), None
        self._brightness = functools.cache(self._brightness)
        self._lock = threading.Lock()       # who asks for what is being worked out waits for it

    def _format_of(self, layer):
        return pixels.working_format(layer, alpha=layer.has_alpha() or layer.get_mask() is not None)

    def registrations(self, progress=None):
        """How the page lies in each scan."""
        with self._lock:
            if self._registrations is None:
                self._registrations = dustbust.register_scans(self.pictures, names=self.names, progress=progress, threads=self._threads)
            return self._registrations

    def page(self, mode, align, progress=None):
        """The page, on the grid of the first scan; the dust of the scanner, or None if the mode does not look for it; the core's report."""
        finds_dust = mode == DUST_FREE
        placed = {"registrations": self.registrations(progress)} if align else {"align": False, "positions": self._positions}
        page, *dust, report = self._stack(self.pictures, mode, **placed, names=self.names, return_dust=finds_dust, return_report=True,
                                          progress=progress)
        return page, dust[0] if dust else None, report

    def aligned(self, number, report):
        """A scan as it was stacked: on the grid of the first one, with alpha."""
        height, width = self.pictures[0].shape[:2]
        return report.registrations[number].resample(self.pictures[number], (0, 0, width, height), gain=report.gain[number],
                                                     offset=report.offset[number], threads=self._threads)

    # A part of the page

    def box_around(self, part, mode, align):
        """Slices of the scanner in which all scans show a part of the page (slices), and what tells which dust lies on it."""
        bottom, right = np.max([picture.shape[:2] for picture in self.pictures], axis=0)
        rows, columns = part
        here = np.array([(x, y) for x in (columns.start, columns.stop) for y in (rows.start, rows.stop)], float).T
        corners = [here]
        for placement in self._placements(align)[1:]:
            there = placement.map_points(*here)
            corners.append(there)
            if mode == DUST_FREE:       # what the other scans show at the places of the scanner where dust may be
                corners += [placement.map_points(*there), 2 * here - there]
        corners = np.concatenate(corners, axis=1)
        left, top = np.maximum(np.floor(corners.min(axis=1)), 0).astype(int)
        x, y = np.ceil(corners.max(axis=1)).astype(int)
        return np.s_[top:min(y, bottom), left:min(x, right)]

    def combine_parts(self, box, mode, align, polarity):
        """The page as far as a box of the scanner (slices) shows it. (Statistics are scaled to what is there, not to the whole page.)

        polarity : of the dust, of which a part may show too little to tell; or None.
        """
        parts, registrations = [], []
        for picture, placement, (gain, offset) in zip(self.pictures, self._placements(align), self._brightness(align)):
            part = picture[box]
            if part.size:       # scans may differ in size
                if align or mode == DUST_FREE:
                    part = _brightened(part, gain, offset)
                parts.append(part)
                registrations.append(_seen_from(placement, box))
        return self._stack(parts, mode, registrations=registrations, normalise=False, polarity=polarity) if len(parts) > 1 else parts[0]

    def overview(self, factor, align):
        """Where the first scan has dust, bool (H, W), and of which polarity, from scans that are `factor` times smaller.

        Where the scans differ, and None, if that cannot be told.
        """
        placed = {"registrations": [placement.scaled(1 / factor) for placement in self._placements(align)], "threads": self._threads}
        scans = [_reduced(picture, factor) for picture in self.pictures]
        height, width = scans[0].shape[:2]
        try:
            __, dust = dustbust.stack_scans(scans, return_dust=True, **placed)
            return dust.binary()[:height, :width], dust.polarity
        except core.DustbustError:      # they moved too little
            return dustbust.stack_scans(scans, mode="range", **placed)[..., 0] > VISIBLE, None

    def _placements(self, align):
        """How the page lies in each scan: as it was found, or as the layers are placed."""
        if align:
            return self.registrations()
        matrices = np.tile(np.eye(3), (len(self.pictures), 1, 1))
        matrices[:, :2, 2] = self._positions[0] - self._positions
        return [dustbust.Registration(matrix, moved=float(np.hypot(*matrix[:2, 2]))) for matrix in matrices]

    def _brightness(self, align):
        """(gain, offset) that makes each scan as bright as the first one."""
        first, *others = self.pictures
        return [(1, 0)] + [dustbust.brightness.match_brightness(first, other, placement, threads=self._threads)
                           for other, placement in zip(others, self._placements(align)[1:])]

    def _stack(self, pictures, mode, **options):
        return dustbust.stack_scans(pictures, mode=mode, view=True, threads=self._threads, **options)


def _seen_from(placement, box):
    """The same for those parts of both scans that are in a box of the scanner (slices)."""
    rows, columns = box
    corner = np.array([[1, 0, columns.start], [0, 1, rows.start], [0, 0, 1]], float)
    bend, (across, down) = placement.bend, placement.pitch
    if len(bend):
        x = np.arange(columns.start, columns.stop + across, across)
        y = np.arange(rows.start, rows.stop + down, down)
        bend = np.ascontiguousarray(np.moveaxis(placement.bend_at(*np.meshgrid(x, y)), 0, -1), np.float32)
    return dataclasses.replace(placement, matrix=np.linalg.inv(corner) @ placement.matrix @ corner, bend=bend)


def _brightened(picture, gain, offset):
    """gain * value + offset for the colours of a picture, rounded to its steps."""
    result = picture.copy()
    colours = dustbust.arrays.colour_channels(result)
    changed = colours * np.float32(gain) + np.float32(offset)
    if picture.dtype.kind == "u":
        changed = np.clip(np.round(changed), 0, np.iinfo(picture.dtype).max)
    colours[...] = changed
    return result


def _reduced(picture, factor):
    """Luminance and alpha, `factor` times smaller, float32 (H, W, 2)."""
    alpha = dustbust.arrays.alpha_channel(picture)
    planes = dustbust.arrays.luminance(picture), 1 if alpha is None else dustbust.arrays.to_unit(alpha) > 0
    height, width = (max(size // factor, 1) for size in picture.shape[:2])
    both = np.empty((height, width, 2), np.float32)
    for place, plane in enumerate(planes):
        plane = np.broadcast_to(np.float32(plane), picture.shape[:2])
        both[..., place] = plane[:height * factor, :width * factor].reshape(height, factor, width, factor).mean(axis=(1, 3))
    return both
