"""Spots: small parts of a picture with dust in them, as they are and as they will be. For a preview; none of it asks GIMP."""
import dataclasses
import functools

from ..core import dustbust, np

SIDE = 240          # px of the picture that are shown, one to one
REACH = 60          # px around them that can have a say in what they become

REDUCED = 1600      # px, about: the longer side of scans that are reduced to look for dust


class Places:
    """Windows of a picture with dust, the dustiest first.

    dusty : bool (H, W), of the picture or of one that is `scale` times smaller.
    """

    def __init__(self, dusty, shape=None, scale=1):
        height, width = self.shape = shape or dusty.shape
        rows, self.columns = max(height // SIDE, 1), max(width // SIDE, 1)
        self.tall, self.wide = height // rows, width // self.columns
        y, x = np.nonzero(dusty)
        row, column = (np.minimum(at * scale // size, number - 1) for at, size, number in ((y, self.tall, rows), (x, self.wide, self.columns)))
        counts = np.bincount(row * self.columns + column, minlength=rows * self.columns)
        self.order = np.argsort(-counts, kind="stable")[:max(np.count_nonzero(counts), 1)]

    def window(self, number):
        """The slices of a window and of its surroundings."""
        height, width = self.shape
        row, column = divmod(int(self.order[number % len(self.order)]), self.columns)
        top, left = (max(min(place, size - SIDE), 0) for place, size in ((row * self.tall, height), (column * self.wide, width)))
        return (np.s_[top:min(top + SIDE, height), left:min(left + SIDE, width)],
                np.s_[max(top - REACH, 0):min(top + SIDE + REACH, height), max(left - REACH, 0):min(left + SIDE + REACH, width)])


class SpotsOfMask:
    """What `apply_mask` makes of a picture where a mask has dust, for `show_spots`. What serves several looks is worked out once."""

    def __init__(self, dust):
        self._dust = dust
        self._place = functools.lru_cache(maxsize=4)(self._place)

    @functools.cached_property
    def _places(self):
        return Places(self._dust.binary())

    @functools.cached_property
    def _effect(self):
        return dustbust.effect.Effect.unpack(self._dust.effect, self._dust.grey.shape)

    def _place(self, number):
        part, near = self._places.window(number)
        return part, near, part_of_mask(self._dust, self._effect, near)

    def look(self, number, read, **options):
        """The picture that `read()` gives at place `number`, and without the dust."""
        picture = read()
        if picture.shape[:2] != self._dust.grey.shape:
            dustbust.apply_mask(picture, self._dust)        # says that it does not fit
        part, near, dust = self._place(number)
        after, __ = dustbust.apply_mask(np.ascontiguousarray(picture[near]), dust, return_report=True, **options)
        return picture[part], after[tuple(slice(p.start - n.start, p.stop - n.start) for p, n in zip(part, near))]


def part_of_mask(dust, effect, part):
    """What a mask, whose effect is unpacked, says of a part of the picture: as good as the whole for its middle, and much quicker."""
    if effect is not None:
        region = np.zeros_like(effect.where)
        region[part] = True
        effect = effect.within(region)
        effect = dataclasses.replace(effect, where=effect.where[part].copy(), core=effect.core[part].copy()).pack()
    return dataclasses.replace(dust, grey=dust.grey[part], effect=effect or {})


class SpotsOfPage:
    """What scans become where they have dust, for `show_spots`. Each look combines only what it shows."""

    def __init__(self, scans):
        self._scans = scans
        self._places = functools.cache(self._places)
        self._page = functools.lru_cache(maxsize=16)(self._page)

    def look(self, number, mode, align):
        """The first scan at place `number`, and the page."""
        (part, __), __ = self._window(number, align)
        return self._scans.pictures[0][part], self._page(number, mode, align)

    def _window(self, number, align):
        places, polarity = self._places(align)
        return places.window(number), polarity

    def _places(self, align):
        shape = self._scans.pictures[0].shape[:2]
        factor = max(1, round(max(shape) / REDUCED))
        dusty, polarity = self._scans.overview(factor, align)
        return Places(dusty, shape, factor), polarity

    def _page(self, number, mode, align):
        (part, near), polarity = self._window(number, align)
        box = self._scans.box_around(near, mode, align)
        page = self._scans.combine_parts(box, mode, align, polarity)
        return page[tuple(slice(p.start - b.start, p.stop - b.start) for p, b in zip(part, box))]
