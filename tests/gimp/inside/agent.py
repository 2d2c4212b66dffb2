"""Run inside a GIMP with windows: executes the requests of the tests while they press the keys."""

import json
import sys
import time
import traceback
from pathlib import Path

folder = Path(arguments[0])  # noqa: F821, given by the caller
sys.path[:0] = arguments[1:]  # noqa: F821
scope = {}
exec(
    "from gi.repository import Gegl, Gimp, Gio\nimport numpy as np\n"
    "from helpers import *\nGegl.init(None)",
    scope,
)

number = 0
while True:
    request = folder / f"request-{number}.py"
    if not request.exists():
        time.sleep(0.05)
        continue
    scope["result"] = None
    try:
        exec(request.read_text(), scope)
        answer = {"result": scope["result"]}
    except Exception:
        answer = {"error": traceback.format_exc()}
    part = folder / "answer.part"
    part.write_text(json.dumps(answer))
    part.rename(folder / f"answer-{number}.json")
    number += 1
