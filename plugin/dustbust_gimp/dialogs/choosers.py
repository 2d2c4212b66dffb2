"""Rows in the window of Apply Dust Mask: the frame to preview, and the mask to use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from gi.repository import Gimp, Gtk, Pango

from ..gimp import mask_image
from ..texts import _
from .background import Background
from .thumbnail import Thumbnail
from .window import MARGIN

FILE = "file"  # the entry of the combo box that stands for a mask file


class FrameChooser(Gtk.Box):
    """A row with the frame of a run that the preview shows."""

    def __init__(self) -> None:
        super().__init__(spacing=MARGIN // 2, margin_bottom=MARGIN // 2)
        self.chosen: str | Path | None = None
        self.on_change: Callable[[], None] | None = None
        self._files: Sequence[str | Path] = []
        self._number = Gtk.SpinButton.new_with_range(1, 1, 1)
        self._number.set_tooltip_text(_("The frame of the run that the preview shows"))
        self._number.connect("value-changed", self._choose)
        self._name = Gtk.Label(xalign=0, ellipsize=Pango.EllipsizeMode.MIDDLE)
        label = Gtk.Label(
            label=_("_Preview of frame"), use_underline=True, mnemonic_widget=self._number
        )
        self.pack_start(label, False, False, 0)
        self.pack_start(self._number, False, False, 0)
        self.pack_start(self._name, True, True, 0)

    def offer(self, files: Sequence[str | Path], first: str | None) -> None:
        """Offer these files.

        The chosen file remains if it is one of them; otherwise it is `first`, or the first one.
        """
        if files == self._files:
            return
        names = list(map(str, files))
        preferred = str(self.chosen), str(first)
        wanted = next((name for name in preferred if name in names), names[0])
        self._files = files
        self._number.set_range(1, len(files))
        self._number.set_value(names.index(wanted) + 1)
        self._choose()

    def _choose(self, *_ignored: object) -> None:
        self.chosen = self._files[self._number.get_value_as_int() - 1]
        name = Path(self.chosen).name
        self._name.set_text(_("of {number}: {name}").format(number=len(self._files), name=name))
        self.on_change()


class MaskChooser(Gtk.Box):
    """A row with the open images that may be masks, and a file.

    GIMP 3.0 has no widget for an image argument, and GIMP does not store images among the
    settings to repeat; so the chosen image is kept here.
    """

    def __init__(self, config: Gimp.ProcedureConfig, image: Gimp.Image, worker: Background) -> None:
        super().__init__(spacing=MARGIN // 2)
        self.image: Gimp.Image | None = None
        self.on_change: Callable[[], None] | None = None
        self._config = config
        others = [other for other in Gimp.get_images() if other != image]
        others.sort(key=lambda other: (not mask_image.is_mask_image(other), -other.get_id()))
        self._combo = Gtk.ComboBoxText(
            tooltip_text=_(
                "The open image with the mask, or a file. Any black and white picture will do: "
                "white is dust"
            )
        )
        for other in others:
            self._combo.append(str(other.get_id()), other.get_name())
        self._combo.append(FILE, _("From a file"))
        self._file = Gtk.FileChooserButton(
            title=_("Mask file"), action=Gtk.FileChooserAction.OPEN, no_show_all=True
        )
        Thumbnail(self._file, worker)
        if config.get_property("mask-file"):
            self._file.set_file(config.get_property("mask-file"))
        is_mask = others and mask_image.is_mask_image(others[0])
        self._combo.set_active_id(str(others[0].get_id()) if is_mask else FILE)
        self._combo.connect("changed", self._choose)
        self._file.connect("file-set", self._choose)
        self.label = Gtk.Label(label=_("Mas_k"), use_underline=True, mnemonic_widget=self._combo)
        self.pack_start(self.label, False, False, 0)
        self.pack_start(self._combo, True, True, 0)
        self.pack_start(self._file, True, True, 0)
        self._choose()

    def _choose(self, *_ignored: object) -> None:
        selected = self._combo.get_active_id()
        from_file = selected == FILE
        self._file.set_visible(from_file)
        self.image = None if from_file else Gimp.Image.get_by_id(int(selected))
        self._config.set_property("mask-file", self._file.get_file() if from_file else None)
        if self.on_change:
            self.on_change()
