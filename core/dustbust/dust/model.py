"""What the dust of a run does to its frames, pixel by pixel: measured by `meter`, kept in the mask, used by "restore".

The mask says where the dust is. Around each particle the frame is known, and spans a membrane over it; how far the frame lies from the
membrane is one noisy reading of the dust's density.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .. import _kernels
from ..errors import DustbustError
from ..image.arrays import alpha_channel, check_image, colour_channels, largest
from ..runtime.threads import count
from .observation import VALUE_NOISE
from .presence import Pieces
from .response import Response

# Dust has soft edges: its effect is measured so many pixels beyond the mask.
RIM = 4

# Densities are kept in steps of 1/1024, errors in steps of 5 %.
DENSITY_STEP = 1 / 1024
SMALLEST_ERROR, ERROR_STEP = 1e-3, 1.05


@dataclass
class DustModel:
    """The dust of a run: N pixels that belong to P particles.

    Parameters
    ----------
    where : bool (H, W), the N pixels, in reading order.
    core : bool (H, W), part of `where`: the P particles, connected, in reading order. Other pixels belong to the particle next to them.
    density, error : float32 (N,), how much light the dust takes (the share exp(-density) passes) and how far that can be trusted.
    share : float32 (P,), in how large a share of the frames each particle was.
    dark : bool (P,), True for particles that are darker than the picture.
    light_response, dark_response : Response, usual for the frames of the run.
    """

    where: np.ndarray
    core: np.ndarray
    density: np.ndarray
    error: np.ndarray
    share: np.ndarray
    dark: np.ndarray
    light_response: Response = Response()
    dark_response: Response = Response()

    @cached_property
    def particles(self):
        """(labels, neighbours): int32 (N,), the particle of each pixel; int32 (N, 4), the pixels above, left, right, below or -1."""
        labels, neighbours, _ = _kernels.particles(self.where, self.core)
        return labels, neighbours

    @cached_property
    def pieces(self):
        """What is there or not, each for itself."""
        return Pieces(self.where, *self.particles)

    @cached_property
    def membranes(self):
        """What `look_around` needs to know of the N pixels."""
        return _kernels.Membranes(self.where)

    def within(self, region):
        """The part of the effect inside a region, bool (H, W): particles of which nothing is left are dropped."""
        if not (self.where & ~region).any():
            return self
        where, core = self.where & region, self.core & region
        labels = _kernels.particles(where, core)[0]
        where[where] = labels >= 0  # what lost its particle goes, too
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

    def pack(self):
        """As the small arrays that travel with a `DustMask`."""
        codes = np.log(np.maximum(self.error, SMALLEST_ERROR) / SMALLEST_ERROR) / np.log(ERROR_STEP)
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
    def unpack(cls, arrays, shape):
        """The effect in `DustMask.effect`, of a mask of this shape; None if there is none.

        Raises
        ------
        DustbustError
            when the arrays, which may come from a stranger, do not fit the shape and each other.
        """
        if "density" not in arrays:
            return None
        try:
            effect = cls._unpacked(arrays, shape)
            labels, _ = effect.particles
            fits = (
                len(effect.density) == len(effect.error) == len(labels)
                and len(effect.share) == len(effect.dark)
                and not (effect.core & ~effect.where).any()
                and labels.min(initial=0) >= 0
                and labels.max(initial=-1) < len(effect.share)
                and arrays["where"].size == arrays["core"].size == -(-shape[0] * shape[1] // 8)
                and arrays["dark"].size == -(-len(effect.share) // 8)
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
                "what the mask knows of its dust is damaged (its parts do not fit each other); estimate it again"
            )
        return effect

    @classmethod
    def _unpacked(cls, arrays, shape):
        where, core = (
            np.unpackbits(arrays[name], count=shape[0] * shape[1]).view(bool).reshape(shape)
            for name in ("where", "core")
        )
        share = arrays["share"].astype(np.float32) / 255
        return cls(
            where,
            core,
            arrays["density"].astype(np.float32) * np.float32(DENSITY_STEP),
            (SMALLEST_ERROR * ERROR_STEP ** arrays["error"].astype(np.float32)).astype(np.float32),
            share,
            np.unpackbits(arrays["dark"], count=share.size).view(bool),
            *(Response(float(lift), float(fade)) for lift, fade in arrays["responses"]),
        )


def look_around(frame, membranes, *, also_unknown=None, threads=None):
    """What a frame shows at some pixels, and what their surroundings suggest.

    Parameters
    ----------
    frame : a picture, (H, W) or (H, W, C)
    membranes : `_kernels.Membranes` of the mask of N pixels.
    also_unknown : bool (H, W), more pixels that say nothing about their neighbours.

    Returns
    -------
    observed, filled : float32 (N, colours) in 0..1
    spread : float32 (N,), standard deviation by which the clean picture is likely to differ from `filled`; 1 where there is no data.
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
        filled[hidden & (spread == 1)] = (
            0  # all around is hidden, too: that of the pixel itself says nothing
        )
        observed[hidden], spread[hidden] = filled[hidden], 1
    return observed, filled, np.maximum(spread, np.float32(VALUE_NOISE))


def mirrored(values, dark):
    """Values with black and white exchanged where the dust is dark."""
    return (
        np.where(dark if values.ndim == 1 else dark[:, None], 1 - values, values)
        if dark.any()
        else values
    )
