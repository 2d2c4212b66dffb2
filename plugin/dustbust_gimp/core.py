"""The only door to the core: everything that the plug-in uses of `dustbust`, and its defaults.

The plug-in also starts without the core; then each action says what is missing. Other modules
therefore use these names at run time only: `core.read_frame(path)`.
"""

from __future__ import annotations

import inspect

from gi.repository import Gimp

from .errors import Refused
from .texts import _

try:
    import numpy as np  # installed together with the core

    import dustbust
    from dustbust import DustbustError, previews
    from dustbust.batch.clean import plan_frames
    from dustbust.dust.polarity import POLARITIES_TO_ESTIMATE as POLARITIES
    from dustbust.estimation.frames import Frames
    from dustbust.estimation.methods import METHODS as ESTIMATION_METHODS
    from dustbust.files.find import frames_between, frames_in, is_picture
    from dustbust.files.paths import as_path
    from dustbust.files.read import header_of, read_frame
    from dustbust.image.arrays import (
        alpha_channel,
        colour_channels,
        from_unit,
        luminance,
        to_unit,
    )
    from dustbust.restoration.methods import METHODS as RESTORATION_METHODS
    from dustbust.runtime.memory import keep_for_reuse
    from dustbust.stacking.modes import MODES as STACKING_MODES
    from dustbust.stacking.scanner_dust import check_moved

    problem = None
except ImportError as error:
    dustbust = np = None
    ESTIMATION_METHODS = POLARITIES = RESTORATION_METHODS = STACKING_MODES = ()
    problem = error

    class DustbustError(Exception):
        """Never raised: the core that would raise it is missing."""


__all__ = [
    "ESTIMATION_METHODS",
    "POLARITIES",
    "RESTORATION_METHODS",
    "STACKING_MODES",
    "DustbustError",
    "Frames",
    "alpha_channel",
    "as_path",
    "check",
    "check_moved",
    "colour_channels",
    "default",
    "dustbust",
    "frames_between",
    "frames_in",
    "from_unit",
    "header_of",
    "is_picture",
    "keep_for_reuse",
    "luminance",
    "np",
    "plan_frames",
    "previews",
    "read_frame",
    "threads",
    "to_unit",
]


def check() -> None:
    """Refuse to work without the core."""
    if dustbust is None:
        raise Refused(
            _("The core of Dustbust cannot be loaded ({error}): run install.sh again.").format(
                error=problem
            )
        )


def default(function: str, argument: str) -> object:
    """Return the default of an argument of a core function.

    None without the core, and for an option that only one mode or method has.
    """
    if not hasattr(dustbust, function):
        return None
    known = inspect.signature(getattr(dustbust, function)).parameters.get(argument)
    return None if known is None else known.default


def threads() -> int:
    """Return the number of threads that the user allows GIMP."""
    return Gimp.get_num_processors()
