"""The client of the core, which works in a process of its own: the helper.

GIMP's Python may have neither numpy nor a compiler, and changes with GIMP. So this module needs
only the standard library, and the helper runs in an interpreter that install.sh chose. Its
messages are described in `dustbust/helper/__init__.py`, its operations are in the modules beside.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import mmap
import os
import queue
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

from .errors import Refused, sentence

# Written by the installation: the helper's interpreter, and the core's choices and defaults.
INSTALLED = Path(__file__).resolve().parent.parent / "core.json"

PROTOCOL = 2
LENGTH = struct.Struct(">I")  # of a message
WINDOW_BYTES = 32 << 20  # pages that are never used take no memory
NUMBER_BYTES = {"uint8": 1, "uint16": 2, "float32": 4}
PATIENCE = 2.0  # s, for the helper to end by itself

# Beginnings of the names of variables that an AppImage or a Flatpak sets for its own programs.
OF_HOST = (
    *("PYTHON", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV", "LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_"),
    *("GI_TYPELIB_PATH", "GDK_PIXBUF_", "GIO_", "GTK_", "GEGL_PATH", "BABL_PATH"),
)

Progress = Callable[[float, str], object]

# A rectangle of a picture: x, y, width, height.
Part = Sequence[int]


class Request:
    """An operation of the helper, and its arguments."""

    def __init__(self, operation: str, **arguments: object) -> None:
        self.operation, self.arguments = operation, arguments


class Handle:
    """An object in the helper. A picture has `shape` (H, W, C) and `dtype`, a mask `shape`."""

    def __init__(self, helper: Helper, words: dict[str, Any]) -> None:
        self.helper = helper
        self.shape: list[int] = []
        self.dtype = ""
        vars(self).update(words)

    def __del__(self) -> None:
        self.helper.dropped.append(self.handle)

    def part_bytes(self, part: Part) -> int:
        """Return the number of bytes in a part of a picture."""
        return part[2] * part[3] * self.shape[2] * NUMBER_BYTES[self.dtype]

    def put(self, first: int, rows: int, data: bytes) -> None:
        """Give a picture some of its rows, without waiting until the helper has taken them."""
        start = self.helper.place(data)
        self.helper.give(Request("put", picture=self, first=first, rows=rows, start=start))

    def get(self, first: int, rows: int) -> bytes:
        """Return some rows of a picture."""
        (data,) = self.parts([(0, first, self.shape[1], rows)])
        return data

    def parts(self, parts: Sequence[Part]) -> list[bytes]:
        """Return parts of a picture. All together fit into the window."""
        sizes = [self.part_bytes(part) for part in parts]
        start = self.helper.room(sum(sizes))
        self.helper.ask(Request("get", picture=self, parts=parts, start=start))
        ends = itertools.accumulate(sizes, initial=start)
        return [self.helper.window[begin:end] for begin, end in itertools.pairwise(ends)]


class Helper:
    """The helper process.

    Parameters
    ----------
    installed : dict
        The content of `INSTALLED`.

    Raises
    ------
    Refused
        If the process cannot be started.
    """

    def __init__(self, installed: dict[str, Any]) -> None:
        self._installed = installed
        self.command = installed.get("command", "install.sh")
        self.dropped: collections.deque[int] = collections.deque()
        self.lost: Refused | None = None
        self._numbers, self._lock, self._spoken = itertools.count(1), threading.Lock(), False
        self._filled, self._given, self._taken = 0, 0, queue.SimpleQueue()
        self._waiting: dict[int, tuple[Callable[[Any], object], Progress | None]] = {}
        if "python" not in installed:
            raise Refused(
                sentence(
                    "The core of Dustbust is not installed: run {command} again.",
                    command=self.command,
                )
            )
        self._file, descriptor = new_file(WINDOW_BYTES)
        self.window = mmap.mmap(descriptor, WINDOW_BYTES)
        argument, options = inherited(descriptor)
        try:
            self.process = subprocess.Popen(
                [installed["python"], "-I", "-m", "dustbust.helper", argument],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env={n: v for n, v in os.environ.items() if not n.startswith(OF_HOST)},
                **options,
            )
        except OSError as error:
            raise Refused(
                sentence(
                    "The Python of Dustbust's core cannot be started ({python}: {error}): run "
                    "{command} again.",
                    python=installed["python"],
                    error=error.strerror,
                    command=self.command,
                )
            ) from error
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def begin(
        self,
        request: Request,
        answer: Callable[[Any], object],
        progress: Progress | None = None,
        handle: int | None = None,
    ) -> None:
        """Send a request; `answer(result or exception)` is called in another thread.

        The result of a quick operation can get a handle of this side's choice, which is negative.
        """
        with self._lock:
            if self.lost is None:
                number = next(self._numbers)
                self._waiting[number] = answer, progress
                dropped = [self.dropped.popleft() for _ in range(len(self.dropped))]
                message = {"id": number, "do": request.operation, "with": request.arguments}
                self._send({**message, "as": handle, "drop": dropped})
                return
        answer(self.lost)

    def ask(self, request: Request) -> Any:
        """Return the result of a request."""
        self.settle()
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.begin(request, answers.put)
        return value_of(answers.get())

    def give(self, request: Request, handle: int | None = None) -> None:
        """Send a request whose result is not needed; `settle` raises its error."""
        self._given += 1
        self.begin(request, self._taken.put, handle=handle)

    def settle(self) -> None:
        """Wait for the requests that were given; all of the window is free then."""
        while self._given:
            self._given -= 1
            value_of(self._taken.get())
        self._filled = 0

    def new_picture(self, height: int, width: int, channels: int, dtype: str) -> Handle:
        """Make a picture, to be filled, without waiting: the helper may still be starting."""
        size = {"height": height, "width": width, "channels": channels}
        number = -next(self._numbers)
        self.give(Request("new_picture", dtype=dtype, **size), handle=number)
        shape = [height, width, channels]
        return Handle(self, {"handle": number, "shape": shape, "dtype": dtype})

    def room(self, size: int) -> int:
        """Return where the window has room, after waiting until it has."""
        if self._filled + size > WINDOW_BYTES:
            self.settle()
        start = self._filled
        self._filled += size
        return start

    def place(self, data: bytes) -> int:
        """Put bytes into the window and return where."""
        start = self.room(len(data))
        self.window[start : start + len(data)] = data
        return start

    def merge(self, changed: Handle, part: Part, data: bytes, replacing: bytes) -> bytes:
        """Return `data` with the pixels of `replacing` where a picture changed.

        Parameters
        ----------
        changed : Handle
            Where it changed.
        part : sequence of int
            The rectangle of the picture that the data show.
        data, replacing : bytes
            Pixels of any format.
        """
        start, size = self.place(data + replacing), len(data) // (part[2] * part[3])
        self.ask(Request("merge", changed=changed, part=part, start=start, size=size))
        return self.window[start : start + len(data)]

    def _send(self, message: dict[str, object]) -> None:
        content = json.dumps(message, default=_plain).encode()
        rest = memoryview(LENGTH.pack(len(content)) + content)
        with contextlib.suppress(OSError):  # the helper has ended, which `_listen` reports
            while rest:
                rest = rest[self.process.stdin.write(rest) :]

    def _listen(self) -> None:
        """Pass on the messages of the helper, until it ends."""
        try:
            self._check_hello(self._receive())
            while True:
                self._take(self._receive())
        except EOFError:
            end = self._why_it_ended()
        except Refused as refusal:
            end = refusal
        except Exception as error:
            end = Refused(
                sentence(
                    "Dustbust does not understand its core ({error}): run {command} again.",
                    error=f"{type(error).__name__}: {error}",
                    command=self.command,
                )
            )
        self.process.kill()
        with self._lock:
            self.lost = end
        for answer, _progress in self._waiting.values():
            answer(end)

    def _receive(self) -> dict[str, Any]:
        (length,) = LENGTH.unpack(self._read(LENGTH.size))
        return json.loads(self._read(length), object_hook=self._made)

    def _read(self, length: int) -> bytes:
        parts = []
        while length:
            part = self.process.stdout.read(min(length, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _made(self, content: dict[str, Any]) -> Any:
        return Handle(self, content) if isinstance(content.get("handle"), int) else content

    def _check_hello(self, message: dict[str, Any]) -> None:
        version = message["version"]
        if (message["protocol"], version) != (PROTOCOL, self._installed.get("version")):
            raise Refused(
                sentence(
                    "The core of Dustbust is {core}, but the plug-in is {plug_in}: run {command} "
                    "again.",
                    core=version,
                    plug_in=self._installed.get("version"),
                    command=self.command,
                )
            )

    def _take(self, message: dict[str, Any]) -> None:
        """Pass on a message to the request that it answers."""
        number, self._spoken = message["id"], True
        if "progress" in message:
            progress = self._waiting[number][1]
            if progress:
                progress(float(message["progress"]), str(message["text"]))
            return
        answer, _progress = self._waiting.pop(number)
        kind = message.get("error")
        if kind is None:
            answer(message["result"])
        elif kind == "user":
            answer(Refused(message["text"]))
        else:
            answer(MemoryError() if kind == "memory" else RuntimeError(message["text"]))

    def _why_it_ended(self) -> Refused:
        code = self.process.wait()
        reason = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        if not self._spoken and code > 0:
            text = sentence(
                "The core of Dustbust does not start ({reason}): run {command} again.",
                reason=reason,
                command=self.command,
            )
        else:
            text = sentence(
                "The core of Dustbust ended in the middle of its work ({reason}): nothing is half "
                "done, so start the action again.",
                reason=reason,
            )
        return Refused(text)


def value_of(outcome: Any) -> Any:
    """Return a result, or raise it if it is an exception."""
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _plain(value: object) -> object:
    """Return a value that json can write, for one that it cannot."""
    if isinstance(value, Handle):
        return {"handle": value.handle}
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")


# Differences between operating systems.


def new_file(size: int) -> tuple[Any, int]:
    """Make a file without a name; return the object that keeps it open, and its descriptor."""
    if hasattr(os, "memfd_create"):
        file, descriptor = None, os.memfd_create("dustbust")
    else:
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - open as long as the helper
        descriptor = file.fileno()
    os.ftruncate(descriptor, size)
    return file, descriptor


def inherited(descriptor: int) -> tuple[str, dict[str, Any]]:
    """Return the number of a file in a new process, and the options of Popen that pass it on."""
    if sys.platform != "win32":
        return str(descriptor), {"pass_fds": [descriptor]}
    import msvcrt

    handle = msvcrt.get_osfhandle(descriptor)
    os.set_handle_inheritable(handle, True)
    start = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})
    # Without the flag, Windows opens a console for a moment.
    return str(handle), {"startupinfo": start, "creationflags": subprocess.CREATE_NO_WINDOW}


def own_process_group() -> None:
    """Let the helper end with this process when GIMP's Cancel kills it.

    GIMP kills the whole group of a plug-in that has its own.
    """
    if hasattr(os, "setpgid"):
        with contextlib.suppress(OSError):  # the process has a group of its own already
            os.setpgid(0, 0)


# The one helper of this process.


def _read_installed() -> dict[str, Any]:
    try:
        return json.loads(INSTALLED.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # the helper's absence is reported when an action needs it
        return {}


installed = _read_installed()
_helper: Helper | None = None


def start() -> Helper:
    """Return the helper, started if there is none, or if it has ended."""
    global _helper
    if _helper is None or _helper.lost:
        _helper = Helper(installed)
    return _helper


def start_early() -> None:
    """Start the helper at the beginning of this process, so that both get ready at the same time.

    Whatever prevents it is raised by `start`, once there is somebody to report it to.
    """
    own_process_group()
    with contextlib.suppress(Exception):
        start()


def stop() -> None:
    """End the helper, if there is one, and wait until its memory is free."""
    if _helper is not None:
        with contextlib.suppress(OSError):
            _helper.process.stdin.close()
        try:
            _helper.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # foreign code holds the lock of its interpreter
            _helper.process.kill()
            _helper.process.wait()


def ask(operation: str, **arguments: object) -> Any:
    """Return the result of an operation of the helper."""
    return (_helper or start()).ask(Request(operation, **arguments))


def begin(
    request: Request, answer: Callable[[Any], object], progress: Progress | None = None
) -> None:
    """Send a request; `answer(result or exception)` is called in another thread."""
    (_helper or start()).begin(request, answer, progress)


def choices(name: str) -> dict[str, str]:
    """Return the values of a choice of the core, with their summaries; none without the core."""
    return installed.get("choices", {}).get(name, {})


def default(function: str, argument: str) -> Any:
    """Return the default of an argument of a core function, or None."""
    return installed.get("defaults", {}).get(function, {}).get(argument)
