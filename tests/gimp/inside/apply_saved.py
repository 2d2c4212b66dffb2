"""Run inside GIMP: open a mask that was saved as XCF and clean its run into a folder."""

from pathlib import Path

from helpers import APPLY, call, open_image

mask = open_image(arguments[0])  # noqa: F821, given by the caller
call(APPLY, image=mask, drawables=mask.get_layers(), folder=Path(arguments[1]))  # noqa: F821
mask.delete()
result = {"status": "SUCCESS"}
