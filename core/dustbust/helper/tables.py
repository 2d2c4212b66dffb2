"""The choices and defaults of the core, for a program that has not started the helper yet."""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

from .. import __version__, apply_mask, clean_frames, estimate_mask, stack_scans
from ..dust.polarity import POLARITIES_TO_ESTIMATE
from ..estimation.methods import METHODS as ESTIMATION_METHODS
from ..previews import SPOT_SIDE
from ..restoration.methods import METHODS as RESTORATION_METHODS
from ..stacking.modes import MODES
from ..stacking.modes import POLARITY as SCANNER_POLARITY
from .process import PROTOCOL


def tables() -> dict[str, Any]:
    """Plain JSON data: versions, choices with their summaries, and defaults.

    Returns
    -------
    dict
        "version" and "protocol"; "choices": name of a choice -> its values -> summary;
        "polarity_modes": the stacking modes that ask for the polarity of the dust; "defaults":
        name of a public function -> its keywords -> default; "spot_side": side of a preview, px.

    Examples
    --------
    >>> list(tables()["choices"]["restoration_methods"])
    ['restore', 'fill']
    """
    return {
        "version": __version__,
        "protocol": PROTOCOL,
        "choices": {
            "estimation_methods": {
                name: method.summary for name, method in ESTIMATION_METHODS.items()
            },
            "restoration_methods": {
                name: method.summary for name, method in RESTORATION_METHODS.items()
            },
            "stacking_modes": {name: mode.summary for name, mode in MODES.items()},
            "polarities": dict.fromkeys(POLARITIES_TO_ESTIMATE, ""),
            "scanner_polarities": dict.fromkeys(SCANNER_POLARITY.choices, ""),
        },
        "polarity_modes": [
            name for name, mode in MODES.items() if SCANNER_POLARITY in mode.options
        ],
        "defaults": {
            function.__name__: _defaults(function)
            for function in (estimate_mask, apply_mask, clean_frames, stack_scans)
        },
        "spot_side": SPOT_SIDE,
    }


def _defaults(function: Any) -> dict[str, Any]:
    """The defaults of a function's keywords that are numbers or texts."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if isinstance(parameter.default, (str, int, float))
    }


if __name__ == "__main__":
    # install.sh writes this beside the plug-in, with the interpreter that runs the helper and the
    # command that repairs the installation.
    print(json.dumps({"python": sys.executable, "command": sys.argv[1], **tables()}, indent=1))
