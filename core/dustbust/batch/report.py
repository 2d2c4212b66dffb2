"""The plan of a batch, and the report about it."""

from dataclasses import dataclass, field
from pathlib import Path

from ..dust.placement import on_places
from ..errors import Sentence

# A mask with fewer particles than this does not tell whether it belongs to a run.
FEWEST_PARTICLES = 6

# A frame is named if more than this share of the particles is absent. In a roll whose dust gathers
# while it is scanned, the first frames lack half of the dust and more.
HARDLY_ANY = 0.8

# Frames that are named in one sentence.
NAMED = 5


@dataclass
class BatchPlan:
    """The state of the folder of outputs, before the batch writes anything.

    Attributes
    ----------
    folder : pathlib.Path
        The folder of the outputs.
    new : list of pathlib.Path
        Outputs that do not exist yet.
    up_to_date : list of pathlib.Path
        Outputs that were made from the same frames with this mask and these settings, and complete
        outputs without a record.
    outdated : list of pathlib.Path
        Outputs as Dustbust wrote them, but with another mask or other settings, or from another
        version of the frame. They are renewed.
    edited : list of pathlib.Path
        Outputs that somebody changed after Dustbust wrote them. They are kept.
    failed : dict of pathlib.Path to str
        Frame -> why it cannot be cleaned, one sentence.
    """

    folder: Path
    new: list[Path] = field(default_factory=list)
    up_to_date: list[Path] = field(default_factory=list)
    outdated: list[Path] = field(default_factory=list)
    edited: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)

    def summary(self) -> str:
        """The counts in one line; kinds that do not occur are left out.

        Examples
        --------
        >>> from pathlib import Path
        >>> from dustbust.batch.report import BatchPlan
        >>> BatchPlan(Path("out"), new=[Path("out/1.jpg")], edited=[Path("out/2.jpg")]).summary()
        '1 new, 1 changed by you'
        """
        kinds = {
            "{number} new": self.new,
            "{number} up to date": self.up_to_date,
            "{number} made with another mask or other settings": self.outdated,
            "{number} changed by you": self.edited,
        }
        return Sentence(
            ", ".join(
                Sentence(text, number=len(outputs)) for text, outputs in kinds.items() if outputs
            )
        )


@dataclass
class BatchReport:
    """The results of a batch.

    Attributes
    ----------
    folder : pathlib.Path
        The folder of the outputs.
    written : list of pathlib.Path
        The outputs that were written, in the order of the run.
    skipped : list of pathlib.Path
        The outputs that existed and were left as they are.
    edited : list of pathlib.Path
        Those of `skipped` that somebody had changed after Dustbust wrote them.
    failed : dict of pathlib.Path to str
        Frame -> why it could not be cleaned, one sentence.
    notes : dict of pathlib.Path to list of str
        Output -> sentences about data that could not be kept, or about results to check.
    mostly_absent : int
        Number of written frames that do not show most of the dust of the mask.
    without_dust : list of pathlib.Path
        Written frames that show hardly any of the dust of the mask.
    unplaced : int
        Number of written frames that show too little dust to find where they lie.
    """

    folder: Path
    written: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    edited: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    notes: dict[Path, list[str]] = field(default_factory=dict)
    mostly_absent: int = 0
    without_dust: list[Path] = field(default_factory=list)
    unplaced: int = 0

    def count_dust(self, frame: Path, particles: int, absent: int) -> None:
        """Count a written frame: particles of the mask on it, and how many of these are absent."""
        if particles >= FEWEST_PARTICLES:
            self.mostly_absent += 2 * absent > particles
            if absent > HARDLY_ANY * particles:
                self.without_dust.append(frame)

    def count_place(self, placed: bool) -> None:
        """Count a written frame: whether it shows where it lies."""
        self.unplaced += not placed

    @property
    def warnings(self) -> list[Sentence]:
        """Sentences to read before the outputs are used.

        Examples
        --------
        >>> from pathlib import Path
        >>> from dustbust.batch.report import BatchReport
        >>> report = BatchReport(Path("out"), written=[Path("out/1.jpg")])
        >>> report.count_dust(Path("1.jpg"), particles=90, absent=80)
        >>> len(report.warnings)
        1
        """
        return self._on_dust() + on_places(len(self.written), self.unplaced)

    def _on_dust(self) -> list[Sentence]:
        """A sentence about frames without the dust of the mask."""
        if 2 * self.mostly_absent > len(self.written):
            return [
                Sentence(
                    "{number} of {frames} frames do not show most of the dust of the mask and were "
                    "hardly changed: check that the mask was made from this run, with the right "
                    "polarity.",
                    number=self.mostly_absent,
                    frames=len(self.written),
                )
            ]
        if self.without_dust:
            names = [frame.name for frame in self.without_dust[:NAMED]]
            more = len(self.without_dust) > NAMED
            return [
                Sentence(
                    "{number} of {frames} frames show hardly any of the dust of the mask and were "
                    "hardly changed: {names}. Look at them: they may be mirrored, or from another "
                    "glass.",
                    number=len(self.without_dust),
                    frames=len(self.written),
                    names=", ".join(names + ["..."] * more),
                )
            ]
        return []

    @property
    def done(self) -> int:
        """Number of frames that were written, skipped or failed."""
        return len(self.written) + len(self.skipped) + len(self.failed)
