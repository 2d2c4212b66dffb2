"""Run inside GIMP: what a mask image takes of GIMP's memory.

The result is GIMP's resident memory in MB before the image, with it, and once all of it was shown,
and seconds until it is made.
"""

import os
import time
from pathlib import Path

import numpy as np
from gi.repository import Gimp
from PIL import Image

import dustbust
from dustbust_gimp import core
from dustbust_gimp.gimp import mask_image

folder, megapixels = arguments  # noqa: F821, given by the caller
height = int((megapixels * 1e6 / 1.5) ** 0.5)
width = int(1.5 * height)


def resident():
    """The memory of the GIMP that started this script, MB."""
    status = Path(f"/proc/{os.getppid()}/status").read_text()
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024


rng = np.random.default_rng(3)
frame, dust = Path(folder) / "frame.jpg", Path(folder) / "dust.png"
Image.fromarray(rng.integers(0, 255, (height, width, 3), np.uint8)).save(frame, quality=50)
grey = np.zeros((height, width), np.float32)
for y, x in rng.integers(20, (height - 20, width - 20), (400, 2)):
    grey[y : y + 6, x : x + 6] = rng.random((6, 6), np.float32)
dustbust.DustMask(grey, 0.5, method="opacity").save(dust)
mask = core.ask("load_mask", path=dust)

before, start = resident(), time.perf_counter()
image = mask_image.create(mask, [], frame=frame)
seconds, made = time.perf_counter() - start, resident()
Gimp.Layer.new_from_visible(image, image, "").delete()
result = [before, made, resident(), seconds]
