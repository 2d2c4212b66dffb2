"""The dust mask, which Estimate makes and Apply uses. `mask_file` reads and writes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..image.arrays import Mask, Plane
from ..image.fixed_point import STEPS_OF_16_BIT, to_steps
from ..runtime.read_ahead import over_rows
from ..runtime.threads import count
from .placement import Placement
from .polarity import check_polarity

if TYPE_CHECKING:
    from PIL.Image import Image

    from .model import DustModel

# Grey of the suggested threshold. The threshold windows of GIMP and of other programs begin there.
SUGGESTION = 0.5

# Below the threshold, grey on a scale of its own is kept in steps of this many 1/65535: a level of
# 8 bits. It is mostly noise, which takes half of the file. Other grey, as of the method "sum", is
# kept as it is.
COARSE_STEP = 256


@dataclass
class DustMask:
    """The dust of a run: its place, its strength, and the model to recover the picture under it.

    Parameters
    ----------
    grey : ndarray of float32, shape (H, W)
        How strong the dust is, 0..1, on the scale that `scale` sets; kept in steps of 1/65535, so
        that a saved mask is the same mask. Where grey is not opacity itself, steps are 1/256 below
        the threshold. It may be given as uint16, in steps of 1/65535.
    threshold : float
        Pixels of `grey` at or above it are dust, 0..1.
    polarity : {"light", "dark", "both"}
        "light" if dust is brighter than the picture, "dark" if it is darker.
    method : str
        The method of `estimate_mask` that made it; "" for a mask from elsewhere.
    frames : tuple of str
        Names of the frames from which it was made.
    model : dict of str to ndarray
        The effect of the dust on a frame, as `dust.model.DustModel.pack` gives it; empty if only
        the place of the dust is known.
    report : dict
        Plain JSON data: how far the mask can be trusted.
    placements : tuple of Placement
        Where each of `frames` lies on the mask; empty if all of them cover it exactly.
    scale : float
        The opacity that is grey 0.5, between 0 and 1; see `grey_of`. At 0.5, grey is opacity.

    Raises
    ------
    ValueError
        If `scale` or `polarity` is invalid, or the number of placements is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> dust = DustMask(np.array([[0.2, 0.6]], np.float32), threshold=0.5)
    >>> dust.coverage
    0.5
    """

    grey: Plane
    threshold: float
    polarity: str = "light"
    method: str = ""
    frames: tuple[str, ...] = ()
    model: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    placements: tuple[Placement, ...] = ()
    scale: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.scale < 1:
            raise ValueError(f"scale must be between 0 and 1, not {self.scale!r}")
        limit = round(float(self.threshold) * STEPS_OF_16_BIT)
        self.threshold = limit / STEPS_OF_16_BIT
        coarse = self.scale != DustMask.scale
        self.grey = _in_steps(np.asarray(self.grey), limit if coarse else 0)
        self.frames, self.placements = tuple(self.frames), tuple(self.placements)
        if self.placements and len(self.placements) != len(self.frames):
            raise ValueError("placements must be one for each of the frames, or none")
        self.polarity = check_polarity(self.polarity)

    @classmethod
    def of_opacity(cls, opacity: Plane, threshold: float, **fields: Any) -> DustMask:
        """The mask of a map of opacity, on the scale in which `threshold` is grey 0.5.

        Parameters
        ----------
        opacity : ndarray of float32, shape (H, W)
            Share of the light that the dust takes, 0..1.
        threshold : float
            Opacity from which a pixel is dust, between 0 and 1.
        **fields
            See `DustMask`.

        Examples
        --------
        >>> import numpy as np
        >>> dust = DustMask.of_opacity(np.array([[0.01, 0.05, 0.3, 1]], np.float32), 0.05)
        >>> dust.grey.astype(float).round(2).tolist(), dust.binary().tolist()
        ([[0.16, 0.5, 0.89, 1.0]], [[False, True, True, True]])
        """
        grey = _kernels.grey_steps(np.ascontiguousarray(opacity, np.float32), threshold, count())
        return cls(cast(Plane, grey), SUGGESTION, scale=threshold, **fields)

    @property
    def opacity(self) -> Plane:
        """Share of the light that the dust takes, float32 (H, W), 0..1."""
        result = np.empty_like(self.grey)

        def convert(rows: slice) -> None:
            result[rows] = opacity_of(self.grey[rows], self.scale)

        over_rows(convert, len(result))
        return result

    def binary(self, threshold: float | None = None) -> Mask:
        """Where the dust is: pixels of `grey` at or above the threshold.

        Parameters
        ----------
        threshold : float or None
            0..1; None: that of the mask.

        Returns
        -------
        ndarray of bool, shape (H, W)

        Examples
        --------
        >>> import numpy as np
        >>> DustMask(np.array([[0.2, 0.6]], np.float32), 0.5).binary()
        array([[False,  True]])
        """
        # Compared in steps of the mask, so that a mask from a file gives the same pixels.
        share = self.threshold if threshold is None else threshold
        limit = round(float(share) * STEPS_OF_16_BIT)
        result = np.empty(self.grey.shape, bool)

        def compare(rows: slice) -> None:
            np.greater_equal(to_steps(self.grey[rows]), limit, out=result[rows])

        over_rows(compare, len(result))
        return result

    @property
    def coverage(self) -> float:
        """Share of the picture that is dust at the threshold."""
        return float(self.binary().mean())

    @property
    def particles(self) -> list[dict[str, float]]:
        """The particles: dicts of x, y and area in px, opacity, and share of the frames."""
        names = ("x", "y", "area", "opacity", "share")
        return [
            dict(zip(names, particle, strict=False))
            for particle in self.report.get("particles", [])
        ]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences to read before the mask is trusted."""
        return tuple(self.report.get("warnings", ()))

    def summary(self) -> str:
        """The origin of the mask and its reliability, in a few lines.

        Examples
        --------
        >>> import numpy as np
        >>> grey = np.array([[0.2, 0.6]], np.float32)
        >>> DustMask(grey, 0.5, frames=("a.jpg", "b.jpg")).summary()
        '2 frames, 50.00 % of the picture is dust at the threshold 0.500.'
        """
        used, found = self.report.get("frames", len(self.frames)), self.report.get("particles")
        particles = "" if found is None else f"{len(found)} particles of {self.polarity} dust, "
        first = (
            f"{used} frames, {particles}{100 * self.coverage:.2f} % of the picture is dust "
            f"at the threshold {self.threshold:.3f}."
        )
        return "\n".join([first, *self.warnings])

    def plot(self, path: str | Path | None = None) -> Image:
        """A plot of the share that is marked at each threshold, with the mask's own threshold.

        Parameters
        ----------
        path : path or None
            Where the plot is written; None: nowhere.

        Returns
        -------
        PIL.Image.Image

        Raises
        ------
        DustbustError
            If it cannot be written, or would overwrite a frame.

        Examples
        --------
        >>> import numpy as np
        >>> DustMask(np.eye(9, dtype=np.float32), 0.5).plot().size
        (720, 420)
        """
        from ..figures import plot_of_thresholds
        from ..files.write import write_picture

        picture = plot_of_thresholds(self.grey, self.threshold)
        if path is not None:
            write_picture(path, np.asarray(picture), inputs=self.frames)
        return picture

    def part(self, rows: slice, columns: slice, model: DustModel | None = None) -> DustMask:
        """A part of the mask.

        Away from its edges it cleans as the whole mask does, but much faster.

        Parameters
        ----------
        rows, columns : slice
        model : dust.model.DustModel, optional
            The unpacked `model` of this mask, if it is at hand.

        Examples
        --------
        >>> import numpy as np
        >>> DustMask(np.eye(9, dtype=np.float32), 0.5).part(np.s_[2:5], np.s_[:4]).grey.shape
        (3, 4)
        """
        from .film_margin import FilmMargin
        from .model import DustModel

        model = model or DustModel.unpack(self.model, self.grey.shape)
        packed: dict[str, npt.NDArray[Any]] = {}
        if model is not None:
            region = np.zeros_like(model.where)
            region[rows, columns] = True
            inside = model.within(region)
            where, core = (plane[rows, columns].copy() for plane in (inside.where, inside.core))
            packed = dict(replace(inside, where=where, core=core).pack())
        margin = FilmMargin.unpack(self.model, self.grey.shape, self.polarity)
        if margin is not None:
            packed |= margin.part(rows, columns).pack()
        return replace(self, grey=self.grey[rows, columns], model=packed)

    # `mask_file`, which imports this module, reads and writes masks.

    def extra(self) -> bytes:
        """All data but `grey`, as the bytes that the mask's file or the GIMP image holds.

        Examples
        --------
        >>> import numpy as np
        >>> dust = DustMask(np.eye(3, dtype=np.float32), 0.25)
        >>> DustMask.from_extra(dust.grey, dust.extra()).threshold == dust.threshold
        True
        """
        from .mask_file import extra_of

        return extra_of(self)

    @classmethod
    def from_extra(cls, grey: npt.ArrayLike, extra: bytes) -> DustMask:
        """A mask from its grey values and the bytes of `extra`.

        Parameters
        ----------
        grey : array_like of float, shape (H, W)
            0..1.
        extra : bytes
            As `extra` gives them.

        Raises
        ------
        DustbustError
            If the bytes are damaged, or belong to a mask of another size. They may come from an
            untrusted source, so nothing in them is executed, and no more memory is taken than a
            mask of this size can need.
        """
        from .mask_file import mask_of_extra

        return mask_of_extra(np.asarray(grey, np.float32), extra)

    def save(self, path: str | Path) -> None:
        """Write the mask, with all data that Apply needs, as a 16-bit grey PNG.

        Parameters
        ----------
        path : path
            Its name ends in .png.

        Raises
        ------
        DustbustError
            If it cannot be written, or would overwrite a frame.
        """
        from .mask_file import save_mask

        save_mask(self, path)

    @classmethod
    def load(cls, path: str | Path) -> DustMask:
        """The mask in a file: one that `save` wrote, or any picture without colours.

        In a picture white is dust, the threshold is 0.5, and transparent pixels count as black.

        Parameters
        ----------
        path : path

        Raises
        ------
        DustbustError
            If it cannot be read as a picture, if it has colours (it is a photograph and not a
            mask), or if the data of `save` in it are damaged.
        """
        from .mask_file import load_mask

        return load_mask(path)


def grey_of(opacity: npt.NDArray[np.float32], scale: float) -> npt.NDArray[np.float32]:
    """The grey of an opacity: grey / (1 - grey) is opacity / (1 - opacity) times a constant.

    The scale is monotonic; 0 stays 0 and 1 stays 1. The threshold matters for opacities from 0.02
    to 0.2. With a scale of 0.05, these are greys from 0.28 to 0.83.

    Parameters
    ----------
    opacity : ndarray of float32
        0..1.
    scale : float
        The opacity that is grey 0.5, between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> grey_of(np.array([0, 0.05, 1], np.float32), 0.05).tolist()
    [0.0, 0.5, 1.0]
    """
    dust = opacity * np.float32(1 - scale)
    return np.asarray(dust / (dust + (1 - opacity) * np.float32(scale)))


def opacity_of(grey: npt.NDArray[np.float32], scale: float) -> npt.NDArray[np.float32]:
    """The opacity of a grey: the inverse of `grey_of`.

    Examples
    --------
    >>> import numpy as np
    >>> opacity_of(np.array([0, 0.5, 1], np.float32), 0.05).round(3).tolist()
    [0.0, 0.05000000074505806, 1.0]
    """
    return grey_of(grey, 1 - scale)


def _in_steps(grey: npt.NDArray[Any], limit: int) -> Plane:
    """Grey values as float32 in whole steps of 1/65535, below `limit` steps in coarse ones.

    A value stays on its side of the limit, and values already in these steps do not change.
    """
    steps = np.ascontiguousarray(grey, grey.dtype if grey.dtype == np.uint16 else np.float32)
    return _kernels.round_grey(steps, limit, COARSE_STEP if limit else 1, count())
