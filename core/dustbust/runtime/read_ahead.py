"""Reading the next frames while one is worked on."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

from .threads import count

# Frames that are handed to an executor before the first of them is waited for.
FRAMES_AHEAD = 64


def read_ahead(frames, read, threads=None, executor=None):
    """Yield `read(frame)` for each frame in order, while the next ones are being read in other threads, or by the workers of an executor.

    At most one more frame than there are threads is held, of an executor's AHEAD.
    """
    ahead = count(threads) if executor is None else FRAMES_AHEAD
    frames = iter(frames)
    with ThreadPoolExecutor(ahead) if executor is None else nullcontext(executor) as pool:
        waiting = deque()
        try:
            for frame in frames:
                waiting.append(pool.submit(read, frame))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
