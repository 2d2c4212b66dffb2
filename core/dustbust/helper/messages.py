"""Messages between the helper and its program: framing, checks, handles."""

from __future__ import annotations

import itertools
import json
import math
import os
import struct
import threading
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..dust.mask import DustMask
from ..errors import Sentence, printable
from ..image.arrays import Mask, Picture

# A message that claims to be longer is an error. The longest messages hold the model of a mask's
# dust, about 10 MB for 24 megapixels.
LONGEST = 1 << 30

LENGTH = struct.Struct(">I")

# Kinds of arguments that several operations have.
Threads = Annotated[int, 1, 4096]
Pixels = Annotated[int, 1, 524_288]  # px, GIMP's largest width and height
Share = Annotated[float, 0, 1]

#: Name -> function. Messages call them by their names.
OPERATIONS: dict[str, Callable[..., Any]] = {}

#: Names of the operations that do not wait for their turn.
QUICK: set[str] = set()


def operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let messages call a function, with keywords that are checked by its annotations."""
    OPERATIONS[function.__name__] = function
    return function


def quick_operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """Do as `operation`, for a function that is called at once, even during another operation."""
    QUICK.add(function.__name__)
    return operation(function)


class Pipe:
    """Messages over two file descriptors.

    Parameters
    ----------
    source, target : int
        Descriptors to read from and to write to.
    """

    def __init__(self, source: int, target: int) -> None:
        self._source, self._target, self._lock = source, target, threading.Lock()

    def receive(self) -> Any:
        """The next message; None if the other end is closed.

        Raises
        ------
        ValueError
            If it is not JSON, or longer than `LONGEST`.
        """
        head = self._read(LENGTH.size)
        if len(head) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack(head)
        if length > LONGEST:
            raise ValueError(f"a message of {length} bytes")
        content = self._read(length)
        return json.loads(content) if len(content) == length else None

    def _read(self, length: int) -> bytes:
        parts = []
        while length and (part := os.read(self._source, min(length, 1 << 20))):
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def send(self, message: Mapping[str, object]) -> None:
        """Send a message. Threads may do so at the same time."""
        content = json.dumps(message).encode()
        rest = memoryview(LENGTH.pack(len(content)) + content)
        with self._lock:
            while rest:
                rest = rest[os.write(self._target, rest) :]


class Objects:
    """The objects that stay in the helper, by their handles.

    Examples
    --------
    >>> objects = Objects()
    >>> plain = objects.plain({"page": np.zeros((2, 3), np.uint8), "name": Path("a.jpg")})
    >>> plain
    {'page': {'handle': 1, 'shape': [2, 3, 1], 'dtype': 'uint8'}, 'name': 'a.jpg'}
    >>> objects.checked(plain["page"], np.ndarray).shape
    (2, 3, 1)
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._of_number: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._of_number)

    def drop(self, numbers: object) -> None:
        """Forget objects.

        Raises
        ------
        TypeError, KeyError
            If these are not handles of objects.
        """
        for number in self.checked(numbers, list[int]):
            del self._of_number[number]

    def keep(self, value: Any, handle: int) -> None:
        """Remember an object by a handle that the program has chosen."""
        self._of_number[handle] = value

    def plain(self, value: Any) -> Any:
        """A result as JSON can hold it, with handles in place of objects that JSON cannot hold."""
        if isinstance(value, Sentence):
            words = {name: self._word(word) for name, word in value.words.items()}
            return {"template": value.template, "words": words}
        if value is None or isinstance(value, (str, bool, int, float)):
            return value
        if isinstance(value, Path):
            return str(value)
        if isinstance(value, Mapping):
            return {str(name): self.plain(each) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.plain(each) for each in value]
        return self._handle(value)

    def _word(self, word: object) -> Any:
        """A word of a sentence, as a printable value that a template can format."""
        if isinstance(word, (Sentence, bool, int, float)):
            return self.plain(word)
        return printable(word)

    def _handle(self, value: Any) -> dict[str, object]:
        number = next(self._numbers)
        if isinstance(value, np.ndarray):
            value = np.ascontiguousarray(value)
            value = value.reshape(*value.shape[:2], -1)
            described = {"shape": list(value.shape), "dtype": value.dtype.name}
        elif isinstance(value, DustMask):
            # The program needs these facts about a mask to announce what cleaning will do.
            described = {
                "shape": list(value.grey.shape),
                "model": bool(value.model),
                "marked": int(np.count_nonzero(value.binary())),
            }
        else:
            described = {}
        self._of_number[number] = value
        return {"handle": number, **described}

    def checked(self, value: Any, kind: Any) -> Any:
        """An argument of a message as the type of an annotation.

        Parameters
        ----------
        value : object
            As it came in JSON.
        kind : type
            int, float, str, bool, pathlib.Path, a list or an optional one of these, or the type of
            an object that a handle refers to. `Annotated` holds the smallest and the largest value.

        Raises
        ------
        TypeError
            If it has another type.
        ValueError
            If it is out of range.
        KeyError
            If there is no such object.
        """
        origin, inner = typing.get_origin(kind), typing.get_args(kind)
        if origin is Annotated:
            value = self.checked(value, inner[0])
            if not inner[1] <= value <= inner[2]:
                raise ValueError(f"{value} is not from {inner[1]} to {inner[2]}")
            return value
        if origin in (types.UnionType, typing.Union):
            (inner_kind,) = (each for each in inner if each is not types.NoneType)
            return None if value is None else self.checked(value, inner_kind)
        if origin is list:
            if not isinstance(value, list):
                raise TypeError(f"{value!r} is not a list")
            return [self.checked(each, inner[0]) for each in value]
        return self._single(value, np.ndarray if kind in (Picture, Mask) else kind)

    def _single(self, value: Any, kind: Any) -> Any:
        if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            if not math.isfinite(value):
                raise ValueError(f"{value} is not finite")
            return float(value)
        if kind is Path and isinstance(value, str):
            if "\0" in value:
                raise ValueError("a path has no zero byte")
            return Path(value)
        if kind in (int, str, bool) and type(value) is kind:
            return value
        if isinstance(value, dict) and type(value.get("handle")) is int:
            found = self._of_number[value["handle"]]
            if isinstance(found, kind):
                return found
        raise TypeError(f"{value!r} is not {getattr(kind, '__name__', kind)}")

    def bound(self, name: object, arguments: object) -> tuple[Callable[..., Any], dict[str, Any]]:
        """An operation, and its keywords, checked.

        Parameters
        ----------
        name : object
            Of the operation.
        arguments : object
            As they came in JSON; all that the operation has, but `progress`.

        Raises
        ------
        TypeError
            If there is no such operation, or it does not have exactly these arguments.
        TypeError, ValueError, KeyError
            As `checked`.
        """
        function = OPERATIONS.get(name) if isinstance(name, str) else None
        if function is None or not isinstance(arguments, dict):
            raise TypeError(f"there is no operation {name!r}")
        kinds = typing.get_type_hints(function, include_extras=True)
        kinds = {each: kind for each, kind in kinds.items() if each not in ("progress", "return")}
        if kinds.keys() != arguments.keys():
            raise TypeError(f"{name} takes {', '.join(kinds)}, not {', '.join(arguments)}")
        return function, {each: self.checked(arguments[each], kind) for each, kind in kinds.items()}


__all__ = [
    "LONGEST",
    "OPERATIONS",
    "QUICK",
    "Mask",
    "Objects",
    "Picture",
    "Pipe",
    "Pixels",
    "Share",
    "Threads",
    "operation",
    "quick_operation",
]
