"""Run inside GIMP: open a mask that was saved as XCF and clean its run into a folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from helpers import APPLY, call, open_image

mask = open_image(arguments[0])  # noqa: F821, given by the caller
call(APPLY, image=mask, drawables=mask.get_layers(), folder=Path(arguments[1]))  # noqa: F821
mask.delete()
result = {"status": "SUCCESS"}
