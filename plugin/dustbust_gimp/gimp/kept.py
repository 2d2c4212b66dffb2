"""What a window remembers, also after Cancel and errors: a parasite of GIMP.

GIMP itself stores the settings of a procedure only when it has succeeded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gi.repository import Gimp, Gio

WHILE_GIMP_RUNS = 0  # flags of a parasite that is not saved


def read(name: str) -> dict[str, Any]:
    """Return the data kept under a name; an empty dict if there are none or they are damaged."""
    parasite = Gimp.get_parasite(name)
    try:
        content = json.loads(bytes(parasite.get_data())) if parasite else {}
    except ValueError:
        content = {}
    return content if isinstance(content, dict) else {}


def write(name: str, content: dict[str, Any], flags: int = WHILE_GIMP_RUNS) -> None:
    """Keep plain data under a name until GIMP ends, or for ever: `Gimp.PARASITE_PERSISTENT`."""
    data = json.dumps(content).encode()
    Gimp.attach_parasite(Gimp.Parasite.new(name, flags, data))


def settings_of(config: Gimp.ProcedureConfig, names: Iterable[str]) -> dict[str, Any]:
    """Return settings as plain data: a file is its path."""
    values = {name: config.get_property(name) for name in names}
    return {
        name: {"path": value.get_path()} if isinstance(value, Gio.File) else value
        for name, value in values.items()
    }


def restore(config: Gimp.ProcedureConfig, settings: dict[str, Any]) -> None:
    """Set the settings that `settings_of` returned."""
    for name, value in settings.items():
        if isinstance(value, dict):
            value = Gio.File.new_for_path(value["path"])
        config.set_property(name, value)


def forget_missing_files(config: Gimp.ProcedureConfig, names: Iterable[str]) -> None:
    """Clear the settings whose file is gone, so that they cause no error."""
    for name in names:
        chosen = config.get_property(name)
        if chosen and not (chosen.get_path() and Path(chosen.get_path()).exists()):
            config.set_property(name, None)
