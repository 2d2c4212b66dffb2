"""Run inside GIMP: what Apply takes on a large layer, and how much memory the plug-in takes.

The result has, for each round, seconds by the clock and of the processors, of the action, of the
core for the same pixels and of a plug-in that does nothing, and the plug-in's peak memory in MB.
"""

import os
import threading
import time
from pathlib import Path

import numpy as np

import dustbust
from helpers import APPLY, add_layer, call, get, new_image

folder, plug_in, megapixels, bits, rounds = arguments  # noqa: F821, given by the caller
height = int((megapixels * 1e6 / 1.5) ** 0.5)
width = int(1.5 * height)
dtype, precision = {8: (np.uint8, "U8_NON_LINEAR"), 16: (np.uint16, "U16_NON_LINEAR")}[bits]


def make():
    """A picture, and the mask of its dust."""
    rng = np.random.default_rng(3)
    y, x = np.ogrid[:height, :width]
    plane = 0.3 + 0.2 * np.sin(x / 97) + 0.2 * np.cos(y / 131)
    plane = plane + 0.01 * rng.standard_normal((height, width), np.float32)
    picture = np.repeat((plane * np.iinfo(dtype).max).clip(0).astype(dtype)[..., None], 3, 2)
    dust = np.zeros((height, width), bool)
    for y, x in rng.integers(20, (height - 20, width - 20), (400, 2)):
        dust[y : y + 6, x : x + 6] = True
    picture[dust] = np.iinfo(dtype).max
    dustbust.DustMask(dust.astype(np.float32), 0.5).save(Path(folder) / "dust.png")
    return picture


def processor_time():
    """Of GIMP, of the plug-ins that it has seen end, and of what they have seen end."""
    of_gimp = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, of_gimp)) / os.sysconf("SC_CLK_TCK")


def timed(procedure, **arguments):
    """Run a procedure -> seconds by the clock, and of the processors."""
    start, used = time.perf_counter(), processor_time()
    call(procedure, **arguments)
    took = time.perf_counter() - start
    time.sleep(0.5)  # until GIMP has seen the plug-ins end
    return took, processor_time() - used


def watch(seen, stop):
    """Note when the plug-in's process is there, and its peak memory.

    Only GIMP's children are looked at: to look at all processes takes half of a processor.
    """
    program, gimp = f"{plug_in}/dustbust-gimp.py".encode(), f"/proc/{os.getppid()}"
    while not stop.is_set():
        for child in Path(f"{gimp}/task/{os.getppid()}/children").read_text().split():
            status = Path(f"/proc/{child}/status")
            try:
                if program not in status.with_name("cmdline").read_bytes().split(b"\0"):
                    continue
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
                peak = int(lines["VmHWM"].split()[0]) / 1024
            except (OSError, KeyError):  # it has ended
                continue
            seen.append((time.perf_counter(), peak))
        time.sleep(0.01)


picture = make()
image = new_image(width, height, "RGB", precision)
layer = add_layer(image, picture, f"R'G'B' u{bits}")
image.undo_enable()
mask = Path(folder) / "dust.png"
result = []
for __ in range(rounds):
    seen, stop = [], threading.Event()
    watcher = threading.Thread(target=watch, args=(seen, stop))
    watcher.start()
    start = time.perf_counter()
    action, used = timed(APPLY, image=image, drawables=[layer], mask_file=mask, method="fill")
    stop.set()
    watcher.join()
    idle, used_by_idle = timed("plug-in-idle", image=image, drawables=[layer])
    begin, used_by_core = time.perf_counter(), time.process_time()
    expected = dustbust.apply_mask(picture, dustbust.DustMask.load(mask), method="fill")
    core, used_by_core = time.perf_counter() - begin, time.process_time() - used_by_core
    assert np.array_equal(get(layer, f"R'G'B' u{bits}"), expected)
    result.append(
        {
            "begun": seen[0][0] - start,
            "action": action,
            "core": core,
            "idle": idle,
            "used": used,
            "used by the core": used_by_core,
            "used by idle": used_by_idle,
            "peak": max(peak for __, peak in seen),
        }
    )
    layer = add_layer(image, picture, f"R'G'B' u{bits}")
