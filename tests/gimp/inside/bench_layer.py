"""Run inside GIMP: what Apply takes on a large layer, and how much memory the plug-in takes.

The result has, for each round, seconds until the plug-in's process is there, until it has ended,
seconds of the core for the same pixels, and the plug-in's peak memory in MB.
"""

import threading
import time
from pathlib import Path

import numpy as np

import dustbust
from helpers import APPLY, add_layer, call, get, new_image

folder, megapixels, bits, rounds = arguments  # noqa: F821, given by the caller
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


def watch(seen, stop):
    """Note when the plug-in's process is there, and its peak memory."""
    while not stop.is_set():
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                if b"dustbust-gimp.py" not in status.with_name("cmdline").read_bytes():
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
image.undo_disable()
result = []
for __ in range(rounds):
    seen, stop = [], threading.Event()
    watcher = threading.Thread(target=watch, args=(seen, stop))
    watcher.start()
    start = time.perf_counter()
    mask = Path(folder) / "dust.png"
    call(APPLY, image=image, drawables=[layer], mask_file=mask, method="fill")
    end = time.perf_counter()
    stop.set()
    watcher.join()
    expected = dustbust.apply_mask(picture, dustbust.DustMask.load(mask), method="fill")
    core = time.perf_counter() - end
    assert np.array_equal(get(layer, f"R'G'B' u{bits}"), expected)
    result.append([seen[0][0] - start, end - start, core, max(peak for __, peak in seen)])
    layer = add_layer(image, picture, f"R'G'B' u{bits}")
