"""The frames of a run: names, size, and which of them are left out, with the reason."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..dust.film_margin import FilmMargin
from ..dust.placement import Placement, Shape, on_places
from ..errors import DustbustError, Sentence
from ..files.paths import is_path, name_of, place_of
from ..files.read import Frame, header_of
from ..image.arrays import check_image


@dataclass
class Frames:
    """The frames of a run, apart from the passes over them.

    Parameters
    ----------
    sources : list of path or ndarray
        The frames in the order of scanning.
    names : list of str
        What messages call them.
    places : list of str
        What masks call them: absolute paths.
    shape : tuple of int
        (H, W) of the run: the commonest size of its frames, or the grid that holds all of them.
    leave_out : bool
        Whether a frame that cannot be used is left out. Otherwise it is an error.
    left_out : dict of int to Sentence
        Number of each frame that is left out, and the reason.
    sizes : dict of int to tuple of int
        (H, W) of each frame that has a readable header.
    placements : dict of int to Placement
        Where each frame lies on the grid; empty if all lie exactly on each other.
    limited : bool
        Whether it is an error if more than half of the frames are left out.
    margin : FilmMargin or None
        The margin of the film that the frames show around their pictures.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.estimation.frames import Frames
    >>> sizes = ((20, 30), (24, 36), (24, 36))
    >>> frames = Frames.of([np.zeros(size, np.uint8) for size in sizes], leave_out=True)
    >>> frames.keep_commonest()
    >>> frames.shape, frames.used
    ((24, 36), ('frame 1', 'frame 2'))
    """

    sources: list[Frame]
    names: list[str]
    places: list[str]
    shape: Shape
    leave_out: bool
    left_out: dict[int, Sentence] = field(default_factory=dict)
    sizes: dict[int, Shape] = field(default_factory=dict)
    placements: dict[int, Placement] = field(default_factory=dict)
    limited: bool = True
    margin: FilmMargin | None = None

    @classmethod
    def of(
        cls, frames: Iterable[Frame], *, leave_out: bool = False, limited: bool = True
    ) -> "Frames":
        """Look at the sizes of frames. Files are not decoded for that.

        Parameters
        ----------
        frames : iterable of path or ndarray
            The frames in the order of scanning.
        leave_out : bool
            True leaves out frames that cannot be used. False refuses them.
        limited : bool
            Whether more than half of the frames must be of use.

        Raises
        ------
        DustbustError
            If there are no frames, none can be read, or one cannot be read and `leave_out` is
            False. With `leave_out`: if more than half of the frames cannot be read.
        """
        sources = check_frames(frames)
        run = cls(
            sources,
            [name_of(frame, number) for number, frame in enumerate(sources)],
            [place_of(frame, number) for number, frame in enumerate(sources)],
            (0, 0),
            leave_out,
            limited=limited,
        )
        unfit = {}
        for number, frame in enumerate(sources):
            try:
                run.sizes[number] = shape_of(frame)
            except DustbustError as error:
                if not leave_out:
                    raise
                unfit[number] = error
        run.leave(unfit)
        run.shape = commonest(run.sizes.values())
        return run

    def keep_commonest(self) -> None:
        """Leave out the frames of another size than the commonest."""
        self.leave(
            {
                number: another_size(self.names[number], size, self.shape)
                for number, size in self.sizes.items()
                if size != self.shape
            }
        )

    def __len__(self) -> int:
        """Number of frames, including those that are left out."""
        return len(self.sources)

    @property
    def usable(self) -> list[int]:
        """Numbers of the frames that are not left out."""
        return [number for number in range(len(self)) if number not in self.left_out]

    @property
    def used(self) -> tuple[str, ...]:
        """Places of the frames that are not left out."""
        return tuple(self.places[number] for number in self.usable)

    @property
    def places_of_used(self) -> tuple[Placement, ...]:
        """Placements of the frames that are not left out, or none if all lie on each other."""
        return tuple(self.placements[number] for number in self.usable if self.placements)

    @property
    def reasons(self) -> list[list[str]]:
        """[place, reason] of each frame that is left out."""
        return [[self.places[number], reason] for number, reason in sorted(self.left_out.items())]

    def leave(self, unfit: dict[int, DustbustError]) -> None:
        """Leave frames out, or raise the first one's error if frames may not be left out."""
        for number, error in unfit.items():
            if not self.leave_out:
                raise error
            self.left_out[number] = error.args[0]
        if not unfit:
            return
        too_many = 2 * len(self.left_out) > len(self) and self.limited
        if too_many or len(self.left_out) == len(self):
            raise DustbustError(
                "{number} of {frames} frames cannot be used. {why}", **self._summary()
            )

    def warnings(self) -> list[Sentence]:
        """Sentences for the user about frames that are left out or could not be placed."""
        sentences = []
        if self.left_out:
            sentences.append(
                Sentence(
                    "{number} of {frames} frames cannot be used and were left out. {why}",
                    **self._summary(),
                )
            )
        places = self.places_of_used
        unplaced = sum(not place.placed for place in places)
        return sentences + on_places(len(places), unplaced)

    def _summary(self) -> dict[str, object]:
        """Words of the sentences about frames that are left out."""
        return {
            "number": len(self.left_out),
            "frames": len(self),
            "why": grouped([reason for _, reason in sorted(self.left_out.items())]),
        }


def grouped(reasons: Sequence[Sentence]) -> Sentence:
    """Reasons in one text: of those that differ in their words only, the first and the number.

    Examples
    --------
    >>> from dustbust.errors import Sentence
    >>> from dustbust.estimation.frames import grouped
    >>> reasons = [Sentence("{frame} is empty.", frame=name) for name in "abc"]
    >>> grouped([*reasons, Sentence("d is dark.")])
    'a is empty. (2 more like this) d is dark.'
    """
    kinds: dict[str, list[Sentence]] = {}
    for reason in reasons:
        kinds.setdefault(reason.template, []).append(reason)
    parts = [
        Sentence("{why} ({number} more like this)", why=alike[0], number=len(alike) - 1)
        if len(alike) > 1
        else alike[0]
        for alike in kinds.values()
    ]
    if len(parts) == 1:
        return parts[0]
    names = {f"why{number}": part for number, part in enumerate(parts)}
    template = " ".join(f"{{{name}}}" for name in names)
    return Sentence(template, **names)


def check_frames(frames: Iterable[Frame]) -> list[Frame]:
    """The frames as a list.

    Raises
    ------
    DustbustError
        If there are none.
    """
    frames = list(frames)
    if not frames:
        raise DustbustError("no frames: give the frames of one run, ten or more if you have them")
    return frames


def shape_of(frame: Frame) -> Shape:
    """(H, W) of a frame. Of a file only the header is read."""
    if is_path(frame):
        (width, height), *_ = header_of(frame)
        return height, width
    height, width = check_image(frame, "frame").shape[:2]
    return height, width


def commonest(sizes: Iterable[Shape]) -> Shape:
    """The size that most frames have; of several such sizes, that of the earliest frame.

    Examples
    --------
    >>> from dustbust.estimation.frames import commonest
    >>> commonest([(20, 30), (24, 36), (24, 36), (20, 30)])
    (20, 30)
    """
    return Counter(sizes).most_common(1)[0][0]


def another_size(name: str, size: Shape, shape: Shape) -> DustbustError:
    """The error of a frame whose size is not that of its run."""
    return DustbustError(
        "{frame}: is {size}, but most frames of the run are {shape}; "
        "leave it out, or scan it again",
        frame=name,
        size=in_words(size),
        shape=in_words(shape),
    )


def in_words(size: Shape) -> str:
    """A size as messages give it, width first."""
    return f"{size[1]} x {size[0]}"


def spread_over(numbers: Sequence[int], count: int) -> list[int]:
    """At most `count` of some numbers, evenly spread over all of them.

    Examples
    --------
    >>> from dustbust.estimation.frames import spread_over
    >>> spread_over(range(9), 3)
    [0, 4, 8]
    """
    places = np.linspace(0, len(numbers) - 1, min(count, len(numbers))).round().astype(int)
    return [numbers[place] for place in places]
