"""Times, memory and gains of threads, measured so that other programs disturb them little."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import NamedTuple

Row = tuple[str, float, float]  # name, ratio, and the limit that it is to stay below

# Loop of plain arithmetic that is timed alone and twice at the same time.
ARITHMETIC = (
    "import sys, time; sys.stdin.read(1); start = time.perf_counter(); total = 0\n"
    "for number in range(12_000_000): total += number * number % 7\n"
    "print(time.perf_counter() - start)"
)


class Took(NamedTuple):
    """Seconds that passed, and seconds of all processors."""

    wall: float
    processor: float


def timed(work: Callable[[], object]) -> Took:
    """How long some work takes, in all threads of this process."""
    start = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - start[0], time.process_time() - start[1])


def least(work: Callable[[], object], repeats: int = 2) -> Took:
    """The least times of several runs, each of the two by itself."""
    return Took(*(min(times) for times in zip(*(timed(work) for _ in range(repeats)), strict=True)))


def peak_of(code: str, arguments: Sequence[object]) -> float:
    """Bytes by which the memory of a new process grows at most while it runs some code: Linux.

    It keeps freed memory, as the command line and the plug-in's helper do.

    Parameters
    ----------
    code : str
        Finds the arguments in sys.argv[1:], and dustbust imported.
    arguments : sequence
        What the process is given.
    """
    # Not getrusage: its peak begins with that of the process that started this one.
    program = (
        "import re, sys, dustbust, dustbust.files.read, dustbust.runtime.memory\n"
        "def peak():\n"
        "    with open('/proc/self/status') as status:\n"
        "        return 1024 * int(re.search(r'VmHWM:\\s+(\\d+)', status.read())[1])\n"
        "dustbust.runtime.memory.keep_for_reuse()\n"
        f"before = peak()\n{code}\nprint(peak() - before)"
    )
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def gain_row(action: str, work: Callable[[int], object], rounds: int = 5) -> Row:
    """By how much two processes of plain arithmetic gain more than two threads of some work.

    Two processors that share their caches or their clock do less than twice as much as one, and by
    how much may change from minute to minute. So all four times are measured in turns, and their
    medians count.

    Parameters
    ----------
    action : str
        What the work is.
    work : callable
        Called with the number of threads.
    rounds : int
        How often each time is measured.
    """
    times = [
        (
            max(_arithmetic(1)),
            max(_arithmetic(2)),
            timed(partial(work, 1)).wall,
            timed(partial(work, 2)).wall,
        )
        for _ in range(rounds)
    ]
    alone, together, one, two = (median(each) for each in zip(*times, strict=True))
    gain = 2 * alone / together / (one / two)
    return f"Gain of two processes / of two threads in {action}", gain, 1 / 0.9


def _arithmetic(processes: int) -> list[float]:
    """Seconds that each of some processes takes that begin together."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", ARITHMETIC],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    time.sleep(0.3)  # until all of them wait
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [float(process.communicate()[0]) for process in running]
