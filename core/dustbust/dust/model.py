"""The effect of a run's dust on its frames, pixel by pixel.

The mask gives the place of the dust. A membrane spans each particle from the pixels around it. The
difference between the frame and the membrane is one noisy reading of the dust's density. The model
is measured by `estimation.density_meter`, kept in the mask, and used by the method "restore".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..errors import DustbustError
from ..image.arrays import (
    Grey,
    Labels,
    Mask,
    Picture,
    Values,
    alpha_channel,
    check_image,
    colour_channels,
    largest,
)
from ..image.elementary import logarithm
from ..runtime.threads import count
from .observation import ExpectedDust, FrameAtDust
from .presence import Pieces
from .response import USUAL, VALUE_NOISE, Response, Responses

# Dust has soft edges: its density is measured up to this far beyond the mask, in px.
RIM = 4

# Densities are stored in steps of 1/1024, errors in steps of 5 %.
DENSITY_STEP = 1 / 1024
SMALLEST_ERROR, ERROR_STEP = 1e-3, 1.05
ERRORS = np.array([SMALLEST_ERROR * ERROR_STEP**step for step in range(256)], np.float32)

# Type and dimensions of each array of a packed model.
PACKED: dict[str, tuple[npt.DTypeLike, int]] = {
    "where": (np.uint8, 1),
    "core": (np.uint8, 1),
    "density": (np.uint16, 1),
    "error": (np.uint8, 1),
    "share": (np.uint8, 1),
    "dark": (np.uint8, 1),
    "responses": (np.float16, 2),
}

PackedModel = dict[str, npt.NDArray[Any]]


@dataclass
class DustModel:
    """The dust of a run: N pixels that belong to P particles.

    Parameters
    ----------
    where : ndarray of bool, shape (H, W)
        The N pixels, in reading order.
    core : ndarray of bool, shape (H, W)
        The P particles, connected, in reading order; a part of `where`. Other pixels belong to the
        particle nearest to them.
    density : ndarray of float32, shape (N,)
        Density of the dust, which lets the share exp(-density) of the light pass.
    error : ndarray of float32, shape (N,)
        Standard deviation of the density.
    share : ndarray of float32, shape (P,)
        Share of the frames in which each particle is present.
    dark : ndarray of bool, shape (P,)
        True for particles that are darker than the picture.
    light_response, dark_response : Response
        Usual responses of the frames of the run.
    """

    where: Mask
    core: Mask
    density: Values
    error: Values
    share: Values
    dark: Mask
    light_response: Response = USUAL
    dark_response: Response = USUAL

    @cached_property
    def particles(self) -> tuple[Labels, Labels]:
        """Labels and neighbours of the N pixels.

        int32 (N,), the particle of each pixel; int32 (N, 4), index of the pixels above, left, right
        and below, -1 for none.
        """
        labels, neighbours, _ = _kernels.connected_components(self.where, self.core)
        return labels, neighbours

    @cached_property
    def pieces(self) -> Pieces:
        """The parts that can be present or absent independently."""
        return Pieces(self.where, *self.particles)

    @cached_property
    def membranes(self) -> _kernels.Membranes:
        """The membranes over the N pixels, for `look_around`."""
        return _kernels.Membranes(self.where)

    @property
    def expected(self) -> ExpectedDust:
        """The dust as it is expected in a frame of the run, piece by piece."""
        responses = Responses(self.light_response, self.dark_response)
        return ExpectedDust(
            self.density, *self.particles, self.share, self.dark, responses, self.pieces
        )

    def within(self, region: Mask) -> DustModel:
        """The part of the model inside a region.

        Particles outside the region are dropped.

        Parameters
        ----------
        region : ndarray of bool, shape (H, W)
        """
        if not (self.where & ~region).any():
            return self
        where, core = self.where & region, self.core & region
        labels = _kernels.connected_components(where, core)[0]
        where[where] = labels >= 0  # without the rims of particles that are gone
        kept = where[self.where]
        origin = np.zeros(labels.max(initial=-1) + 1, np.intp)  # a particle may fall into several
        origin[labels[labels >= 0]] = self.particles[0][kept]
        return replace(
            self,
            where=where,
            core=core,
            density=self.density[kept],
            error=self.error[kept],
            share=self.share[origin],
            dark=self.dark[origin],
        )

    def pack(self) -> PackedModel:
        """The model as the small arrays that travel with a `DustMask`."""
        codes = logarithm(np.maximum(self.error, SMALLEST_ERROR) / SMALLEST_ERROR)
        codes /= np.float32(math.log(ERROR_STEP))
        return {
            "where": np.packbits(self.where),
            "core": np.packbits(self.core),
            "density": np.clip(np.rint(self.density / DENSITY_STEP), 0, 65535).astype(np.uint16),
            "error": np.clip(np.rint(codes), 0, 255).astype(np.uint8),
            "share": np.rint(self.share * 255).astype(np.uint8),
            "dark": np.packbits(self.dark),
            "responses": np.array(
                [[r.lift, r.fade] for r in (self.light_response, self.dark_response)], np.float16
            ),
        }

    @classmethod
    def unpack(cls, arrays: Mapping[str, npt.NDArray[Any]], shape: Any) -> DustModel | None:
        """The model in `DustMask.model`.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            As `pack` gives them. They may come from an untrusted source and are checked.
        shape : tuple of int
            Shape (H, W) of the mask.

        Returns
        -------
        DustModel or None
            None if the arrays hold no model.

        Raises
        ------
        DustbustError
            If the arrays do not fit the shape and each other.
        """
        if "density" not in arrays:
            return None
        try:
            if any(
                arrays[name].dtype != dtype or arrays[name].ndim != dimensions
                for name, (dtype, dimensions) in PACKED.items()
            ):
                raise ValueError("its arrays are of another kind")
            model = cls._unpacked(arrays, shape)
            labels, _ = model.particles
            fits = (
                len(model.density) == len(model.error) == len(labels)
                and len(model.share) == len(model.dark)
                and not (model.core & ~model.where).any()
                and labels.min(initial=0) >= 0
                and labels.max(initial=-1) < len(model.share)
                and arrays["where"].size == arrays["core"].size == -(-shape[0] * shape[1] // 8)
                and arrays["dark"].size == -(-len(model.share) // 8)
                and arrays["responses"].shape == (2, 2)
                and np.isfinite(arrays["responses"]).all()
                and arrays["responses"][:, 0].min() > 0
            )
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise DustbustError(
                "what the mask knows of its dust is damaged ({error}); estimate it again",
                error=error,
            ) from error
        if not fits:
            raise DustbustError(
                "what the mask knows of its dust is damaged (its parts do not fit each other); "
                "estimate it again"
            )
        return model

    @classmethod
    def _unpacked(cls, arrays: Mapping[str, npt.NDArray[Any]], shape: Any) -> DustModel:
        where, core = (
            np.unpackbits(arrays[name], count=shape[0] * shape[1]).view(bool).reshape(shape)
            for name in ("where", "core")
        )
        share: Values = arrays["share"].astype(np.float32) / np.float32(255)
        return cls(
            where,
            core,
            arrays["density"].astype(np.float32) * np.float32(DENSITY_STEP),
            ERRORS[arrays["error"]],
            share,
            np.unpackbits(arrays["dark"], count=share.size).view(bool),
            *(Response(float(lift), float(fade)) for lift, fade in arrays["responses"]),
        )


def look_around(
    frame: Picture,
    membranes: _kernels.Membranes,
    *,
    also_unknown: Mask | None = None,
    threads: int | None = None,
) -> FrameAtDust:
    """The values of a frame at some pixels, and the values that the surroundings suggest.

    Parameters
    ----------
    frame : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
    membranes : _kernels.Membranes
        Of the mask of the N pixels.
    also_unknown : ndarray of bool, shape (H, W), or None
        More pixels that are not used to fill their neighbours.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.

    Returns
    -------
    FrameAtDust
        Its `observed` and `filled` are (N, colours).
    """
    frame = np.ascontiguousarray(check_image(frame, "frame"))
    alpha, unknown = alpha_channel(frame), also_unknown
    if alpha is not None:
        unknown = alpha == 0 if unknown is None else unknown | (alpha == 0)
    observed, filled, spread = membranes(
        frame,
        colour_channels(frame).shape[2],
        np.float32(1 / largest(frame.dtype)),
        unknown,
        count(threads),
    )
    if alpha is not None:
        hidden = alpha.ravel()[membranes.positions] == 0
        # The surroundings are hidden, too, so nothing is known of the clean value.
        filled[hidden & (spread == 1)] = 0
        observed[hidden], spread[hidden] = filled[hidden], 1
    return FrameAtDust(observed, filled, np.maximum(spread, np.float32(VALUE_NOISE)))


def look_around_together(
    planes: Sequence[Grey],
    membranes: _kernels.Membranes,
    *,
    dtype: npt.DTypeLike = np.float32,
    threads: int | None = None,
) -> list[FrameAtDust]:
    """Do as `look_around` for each of several frames, in little more time than for one.

    Parameters
    ----------
    planes : sequence of ndarray of uint8, uint16 or float32, shape (H, W)
        Luminance of frames that have data everywhere, all of one dtype.
    membranes : _kernels.Membranes
        Of the mask of the N pixels.
    dtype : dtype
        Of the values.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.

    Returns
    -------
    list of FrameAtDust
        Their `observed` and `filled` are (N,).
    """
    results = []
    for first in range(0, len(planes), _kernels.MOST_TOGETHER):
        some = list(planes[first : first + _kernels.MOST_TOGETHER])
        scale = 1 / largest(some[0].dtype)
        values = [*membranes.together(some, scale, count(threads))]
        np.maximum(values[-1], np.float32(VALUE_NOISE), out=values[-1])
        # One after the other: those of much dust take much memory.
        by_frame = [np.ascontiguousarray(values.pop(0).T, dtype) for _ in range(len(values))]
        results += [FrameAtDust(*each) for each in zip(*by_frame, strict=True)]
    return results


def mirrored(values: Values, dark: Mask) -> Values:
    """Values with black and white exchanged where the dust is dark.

    >>> import numpy as np
    >>> mirrored(np.float32([0.25, 0.25]), np.array([False, True])).tolist()
    [0.25, 0.75]
    """
    if not dark.any():
        return values
    return np.where(dark if values.ndim == 1 else dark[:, None], 1 - values, values)
