"""Run inside GIMP: estimate from the first to the last frame, and apply into a folder."""

from pathlib import Path

from helpers import APPLY, ESTIMATE, call

first, last, folder = map(Path, arguments)  # noqa: F821, given by the caller
(mask,) = call(ESTIMATE, first_frame=first, last_frame=last)
call(APPLY, image=mask, drawables=mask.get_selected_layers(), folder=folder)
mask.delete()
result = {"status": "SUCCESS"}
