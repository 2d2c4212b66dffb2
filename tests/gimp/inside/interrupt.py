"""Run inside GIMP: actions that are cancelled, and whose helper is killed, at random moments.

A cancel is what GIMP's button does: it kills the process group of the plug-in. The result has the
sentences of the failures, and whatever is left after one: processes, temporary files, layers.
"""

import os
import random
import shutil
import signal
import threading
import time
from pathlib import Path

import numpy as np
from gi.repository import Gimp

from helpers import (
    APPLY,
    ESTIMATE,
    FRAMES,
    STACK,
    add_layer,
    call,
    new_image,
    processes,
    processes_left,
    stored,
)

folder, plug_in, python, how, rounds, seed = arguments  # noqa: F821, given by the caller
folder = Path(folder)
random.seed(seed)
rng = np.random.default_rng(seed)

run = folder / "run"
run.mkdir()
files = [shutil.copy(path, run / f"{n}{path.name}") for n in range(12) for path in FRAMES]
(mask,) = call(ESTIMATE, first_frame=FRAMES[0], last_frame=FRAMES[-1])
pages = new_image(1400, 1400)
page = rng.integers(0, 255, (1400, 1400, 3)).astype(np.uint8)
scans = [add_layer(pages, np.roll(page, 7 * n, 1), "R'G'B' u8") for n in range(4)]
picture = new_image(3000, 2000)
layer = add_layer(picture, rng.integers(0, 255, (2000, 3000, 3)).astype(np.uint8), "R'G'B' u8")
white = new_image(3000, 2000, "GRAY")
add_layer(white, np.uint8(255) * (rng.random((2000, 3000, 1)) < 0.002), "Y' u8")
before = stored(layer), [stored(scan) for scan in scans]

ACTIONS = (
    lambda: call(ESTIMATE, first_frame=Path(files[0]), last_frame=Path(files[-1])),
    lambda: call(APPLY, image=mask, drawables=mask.get_layers(), folder=folder / "cleaned"),
    lambda: call(APPLY, image=picture, drawables=[layer], mask_image=white),
    lambda: call(STACK, image=pages, drawables=scans, mode="mean"),
)


def kill(after):
    """Kill what is to be killed, once it is there and some time has passed."""
    end = time.monotonic() + 20
    wanted = "dustbust.helper" if how == "helper" else "dustbust-gimp.py"
    while time.monotonic() < end:
        for number, words in processes(plug_in, python).items():
            if wanted in words:
                time.sleep(after)
                try:
                    group = os.getpgid(number)
                    if how == "helper":
                        os.kill(number, signal.SIGKILL)
                    elif group == number:  # GIMP kills the group if it is the plug-in's own
                        os.killpg(group, signal.SIGKILL)
                    else:
                        os.kill(number, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                return
        time.sleep(0.002)


def left_over():
    """What is still there, a little later."""
    written = folder / "cleaned"
    return [
        *processes_left(plug_in, python),
        *(str(path) for path in written.glob(".dustbust-*") if path.suffix == ".part"),
    ]


result = {"sentences": [], "left": [], "finished": 0}
for __ in range(rounds):
    shutil.rmtree(folder / "cleaned", ignore_errors=True)
    images, killer = set(Gimp.get_images()), None
    killer = threading.Thread(target=kill, args=(random.uniform(0, 1.5),))
    killer.start()
    try:
        random.choice(ACTIONS)()
        result["finished"] += 1
    except RuntimeError as error:
        result["sentences"].append(str(error))
        # What was begun is not half done.
        after = stored(layer), [stored(scan) for scan in scans]
        if after != before or pages.get_layers() != scans[::-1]:
            result["left"].append("changed layers")
    killer.join()
    result["left"] += left_over()
    for image in set(Gimp.get_images()) - images:
        image.delete()
    for extra in set(pages.get_layers()) - set(scans):
        pages.remove_layer(extra)
    if stored(layer) != before[0]:
        before = stored(layer), before[1]

call(STACK, image=pages, drawables=scans[:2], mode="mean", align=False)  # GIMP goes on
