"""Run inside GIMP: how long Estimate and Apply take on a run as procedures, and as the core's functions in this process, in seconds."""
import shutil
import sys
import time
from pathlib import Path

first, last, folder, plug_in, rounds = arguments       # noqa: F821, given by the caller
sys.path[:0] = [plug_in, str(Path(__file__).parent)]
from gi.repository import Gimp
from helpers import APPLY, ESTIMATE, call

import dustbust

first, last, folder = map(Path, (first, last, folder))
files = dustbust.frames.frames_between(first, last)
threads = Gimp.get_num_processors()


def timed(work):
    start = time.perf_counter()
    work()
    shutil.rmtree(folder, ignore_errors=True)
    return time.perf_counter() - start


def with_procedures():
    mask, *__ = call(ESTIMATE, first_frame=first, last_frame=last)
    call(APPLY, image=mask, drawables=mask.get_layers(), folder=folder)
    mask.delete()


def with_core():
    dustbust.clean_frames(files, dustbust.estimate_mask(files, threads=threads), folder, threads=threads)


with_core()       # once for nothing: the files are in memory then
result = {"procedures": [], "core": []}
for __ in range(rounds):
    result["procedures"].append(timed(with_procedures))
    result["core"].append(timed(with_core))
