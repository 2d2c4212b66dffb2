"""Run inside GIMP: all actions again and again, until the time is over.

A line of the log for each round: GIMP's resident memory and its swap file in bytes, and how many
files it holds open. The result is what was left behind: processes of the plug-in and of its
helper, and files in GIMP's home folder, where its temporary files are too.
"""

import os
import shutil
import time
from pathlib import Path

from gi.repository import Gimp

from helpers import APPLY, ESTIMATE, FRAMES, SAMPLES, STACK, call, file, open_image, processes_left

log, plug_in, python, seconds, rounds = arguments  # noqa: F821, given by the caller
gimp = Path(f"/proc/{os.getppid()}")
home = Path(os.environ["HOME"])
cleaned = home / "cleaned"
pair = sorted((SAMPLES / "pair").glob("*.jpg"))


def resident():
    lines = dict(line.split(":", 1) for line in (gimp / "status").read_text().splitlines())
    return 1024 * int(lines["VmRSS"].split()[0])


def files():
    """The files of the home folder, without the log."""
    return {str(path) for path in home.rglob("*") if path.name != Path(log).name}


def is_swap(path):
    return "gegl-swap" in path


def work():
    """One round: each action, Apply on files and on layers by both methods."""
    (mask,) = call(ESTIMATE, first_frame=FRAMES[0], last_frame=FRAMES[-1])
    call(APPLY, image=mask, drawables=mask.get_layers(), folder=cleaned)
    frame = open_image(FRAMES[0])
    for method in ("restore", "fill"):
        call(APPLY, image=frame, drawables=frame.get_layers(), mask_image=mask, method=method)
    pages = open_image(pair[0])
    scan = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, pages, file(pair[1]))
    pages.insert_layer(scan, None, 0)
    call(STACK, image=pages, drawables=pages.get_layers(), mode="mean")
    for image in Gimp.get_images():
        image.delete()
    assert len([*cleaned.glob("*.jpg")]) == len(FRAMES)
    shutil.rmtree(cleaned)


work()  # what GIMP makes once, such as folders, is there now
before = files()
result = []
end = time.monotonic() + seconds
number = 0
while time.monotonic() < end or number < rounds:
    work()
    number += 1
    result += processes_left(plug_in, python)
    added = files() - before
    result += [path for path in added if not is_swap(path)]
    swapped = sum(512 * os.stat(path).st_blocks for path in files() if is_swap(path))
    with open(log, "a") as lines:
        print(resident(), swapped, len([*(gimp / "fd").iterdir()]), file=lines)
