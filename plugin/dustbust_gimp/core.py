"""The core beside the plug-in, and what its functions do when they are not told otherwise.

The plug-in starts without it too: then each action says what is missing.
"""
import inspect

from gi.repository import Gimp

from .errors import Refused
from .texts import _

try:
    import numpy as np      # it is installed with the core
    import dustbust
    from dustbust import DustbustError, memory
    problem = None
except ImportError as error:
    np = dustbust = memory = None
    problem = error

    class DustbustError(Exception):
        """Never raised: there is no core that could."""


def check():
    """Refuse to work without the core."""
    if dustbust is None:
        raise Refused(_("The core of Dustbust cannot be loaded ({error}): run install.sh again.").format(error=problem))


def default(function, argument):
    """The value that the core's `function` takes for `argument` when it gets none, or None without the core."""
    if not hasattr(dustbust, function):
        return None
    return inspect.signature(getattr(dustbust, function)).parameters[argument].default


def threads():
    """As many as the user allows GIMP."""
    return Gimp.get_num_processors()
