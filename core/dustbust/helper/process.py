"""The helper process: it answers requests one by one, and ends when its program ends."""

from __future__ import annotations

import inspect
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Set
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import DustbustError

if TYPE_CHECKING:
    from .messages import Objects, Pipe

PROTOCOL = 2

# Least time between two progress messages of one request, s.
PAUSE = 0.05

# Exit code after an invalid message: EX_PROTOCOL of sysexits.h.
SENSELESS = 76

# Parameters of prctl(2), from linux/prctl.h and signal.h: the signal to send when the parent ends.
PR_SET_PDEATHSIG, SIGKILL = 1, 9


def serve(window: str) -> None:
    """Answer requests until the standard input ends.

    Parameters
    ----------
    window : str
        File descriptor of the window, or on Windows its handle, as a decimal number.
    """
    _end_with_parent()
    source, target = _take_over_standard_files()
    _hello(target)
    # Otherwise a thread of BLAS waits on each processor, at full load for its first 0.1 s. The core
    # multiplies only small matrices.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    # numpy and the core take 0.2 to 0.5 s to import. They are imported after the first message, so
    # that the program learns at once that the helper has started. The program can already send the
    # pixels of pictures while the core is imported.
    from ..runtime.memory import keep_for_reuse
    from .messages import OPERATIONS, QUICK, Objects, Pipe

    keep_for_reuse()
    _open_window(int(window))
    service = Service(Pipe(source, target), Objects(), QUICK)
    service.begin(frozenset(OPERATIONS))
    from . import apply, estimate, frame_list, masks, review, stack  # noqa: F401 - operations

    service.run()


def _end_with_parent() -> None:
    """Let the system end this process with its parent, where the system can do that.

    The end of the standard input also ends this process, but a little later, and not while
    compiled code holds the interpreter lock.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)


def _take_over_standard_files() -> tuple[int, int]:
    """Reserve standard input and output for messages; other output goes to standard error."""
    source, target = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (source, target):
            msvcrt.setmode(descriptor, os.O_BINARY)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return source, target


def _hello(target: int) -> None:
    """Send the first message, without `messages`, which would have to import numpy first."""
    import json

    content = json.dumps(
        {"hello": "dustbust", "protocol": PROTOCOL, "version": __version__}
    ).encode()
    os.write(target, len(content).to_bytes(4, "big") + content)


def _open_window(number: int) -> None:
    import mmap

    from . import window

    if sys.platform == "win32":
        import msvcrt

        number = msvcrt.open_osfhandle(number, os.O_RDWR)
    window.use(mmap.mmap(number, os.fstat(number).st_size))


class Service:
    """Answers the requests that come through a pipe.

    Quick operations, such as moving pixels, are done at once, in the thread that reads. Everything
    else waits for its turn, in the thread that calls `run`.

    Parameters
    ----------
    pipe : Pipe
    objects : Objects
    quick : set of str
        Names of the quick operations.
    """

    def __init__(self, pipe: Pipe, objects: Objects, quick: Set[str]) -> None:
        self._pipe, self._objects, self._quick = pipe, objects, quick
        self._requests: queue.SimpleQueue[tuple[int, Callable[..., Any], dict[str, Any]]]
        self._requests = queue.SimpleQueue()
        self._early: Set[str] = frozenset()
        self._complete = threading.Event()

    def begin(self, early: Set[str]) -> None:
        """Begin to read requests, in a thread.

        Parameters
        ----------
        early : set of str
            Names of quick operations that are done before `run` is called. Requests of others, and
            all that come after them, wait until then.
        """
        self._early = early
        threading.Thread(target=self._read, daemon=True).start()

    def run(self) -> None:
        """Work until the program closes the pipe. All operations are known now."""
        self._complete.set()
        while True:
            number, function, arguments = self._requests.get()
            if "progress" in inspect.signature(function).parameters:
                arguments["progress"] = self._progress(number)
            self._answer(number, function, arguments)

    def _read(self) -> None:
        code = SENSELESS
        try:
            while (message := self._pipe.receive()) is not None:
                self._take(message)
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            # The program has ended or sent an invalid message: end at once, even during a request.
            os._exit(code)

    def _take(self, message: Any) -> None:
        """Check a request, and do it at once or put it in the queue.

        Objects are looked up here, so that the program may drop what a waiting request uses.
        """
        number = self._objects.checked(message["id"], int)
        if message["do"] not in self._early:
            self._complete.wait()
        function, arguments = self._objects.bound(message["do"], message["with"])
        self._objects.drop(message["drop"])
        handle = self._objects.checked(message["as"], int | None)
        if message["do"] in self._quick:
            self._answer(number, function, arguments, handle)
        else:
            self._requests.put((number, function, arguments))

    def _answer(
        self,
        number: int,
        function: Callable[..., Any],
        arguments: dict[str, Any],
        handle: int | None = None,
    ) -> None:
        """Call a function, and send its result or its error.

        A result that gets a handle of the program's choice is not sent.
        """
        try:
            result = function(**arguments)
            if handle is None:
                answer = {"result": self._objects.plain(result)}
            else:
                self._objects.keep(result, handle)
                answer = {"result": None}
        except DustbustError as error:
            answer = {"error": "user", "text": self._objects.plain(error.args[0])}
        except MemoryError:
            answer = {"error": "memory", "text": ""}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": "internal", "text": f"{type(error).__name__}: {error}"}
        self._pipe.send({"id": number, **answer})

    def _progress(self, number: int) -> Callable[..., None]:
        """A progress function that sends a message at most once every `PAUSE` seconds."""
        last = 0.0

        def progress(fraction: float, text: str = "") -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= PAUSE:
                last = now
                self._pipe.send({"id": number, "progress": float(fraction), "text": str(text)})

        return progress
