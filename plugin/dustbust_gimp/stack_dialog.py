"""The window of Stack Offset Scans."""
from . import stack
from .dialogs import Window
from .preview import SideBySide
from .texts import _


def ask(procedure, config, scans, pictures):
    """Let the user choose; raises Cancelled."""
    window = Window(procedure, config, _("Stack Offset Scans"), _("_Stack"), ["mode", "align"])
    names = ", ".join(layer.get_name() for layer in scans)
    window.say(_("{number} scans: {names}").format(number=len(scans), names=names))
    window.run()
