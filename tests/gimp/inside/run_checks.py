"""Run inside GIMP: all check_ functions of one file, each in an empty folder."""

import importlib.util
import traceback
from pathlib import Path

from gi.repository import Gegl, Gimp

path, folder = (Path(argument) for argument in arguments)  # noqa: F821, given by the caller
Gegl.init(None)

spec = importlib.util.spec_from_file_location(path.stem, path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

result = {}
for name, check in list(vars(module).items()):
    if not name.startswith("check_"):
        continue
    own = folder / name
    own.mkdir()
    try:
        check(own)
        result[name] = None
    except Exception:
        result[name] = traceback.format_exc()
    for image in set(Gimp.get_images()) - set(getattr(module, "kept", [])):
        image.delete()
