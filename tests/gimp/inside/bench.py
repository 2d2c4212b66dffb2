"""Run inside GIMP: how long Estimate and Apply take on a run as procedures, and in the core alone.

Each time is a pair: seconds by the clock, and seconds of the processors, including those of GIMP
and of the plug-ins that it starts.
"""

import os
import shutil
import time
from pathlib import Path

first, last, folder, rounds = arguments  # noqa: F821, given by the caller
from gi.repository import Gimp

import dustbust
from helpers import APPLY, ESTIMATE, call, refusal

first, last, folder = map(Path, (first, last, folder))
files = dustbust.files.find.frames_between(first, last)
threads = Gimp.get_num_processors()


def processor_time():
    """Of this process, of GIMP, and of the plug-ins that GIMP has seen end."""
    of_gimp = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[11:15]
    return time.process_time() + sum(map(int, of_gimp)) / os.sysconf("SC_CLK_TCK")


def timed(work):
    start = time.perf_counter(), processor_time()
    work()
    took = time.perf_counter() - start[0]
    time.sleep(0.5)  # until GIMP has seen the plug-ins end
    took = took, processor_time() - start[1]
    shutil.rmtree(folder, ignore_errors=True)
    return took


def with_procedures():
    mask, *__ = call(ESTIMATE, first_frame=first, last_frame=last)
    call(APPLY, image=mask, drawables=mask.get_layers(), folder=folder)
    mask.delete()


def starts():
    """What GIMP takes to start the plug-in twice, which then refuses."""
    for __ in range(2):
        refusal(ESTIMATE, first_frame=first.with_name("no frame"), last_frame=last)


def with_core():
    dustbust.clean_frames(
        files, dustbust.estimate_mask(files, threads=threads), folder, threads=threads
    )


with_core()  # once for nothing: the files are in memory then
result = {work.__name__: [] for work in (with_procedures, with_core, starts)}
for __ in range(rounds):
    for work in (with_procedures, with_core, starts):
        result[work.__name__].append(timed(work))
