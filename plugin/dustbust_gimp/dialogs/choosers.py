"""Rows of the window of Apply Dust Mask: which frame to look at, and which mask to use."""
from pathlib import Path

from gi.repository import Gimp, Gtk, Pango

from ..gimp import mask_image
from ..texts import _
from .thumbnail import Thumbnail
from .window import MARGIN


class FrameChooser(Gtk.Box):
    """A row that says which frame of a run is looked at, and goes to others."""

    def __init__(self):
        super().__init__(spacing=MARGIN // 2, margin_bottom=MARGIN // 2)
        self.chosen, self.on_change, self._files = None, None, []
        self._number = Gtk.SpinButton.new_with_range(1, 1, 1)
        self._number.set_tooltip_text(_("Which frame of the run is shown before and after"))
        self._number.connect("value-changed", self._choose)
        self._name = Gtk.Label(xalign=0, ellipsize=Pango.EllipsizeMode.MIDDLE)
        for widget, wide in ((Gtk.Label(label=_("_Preview of frame"), use_underline=True, mnemonic_widget=self._number), False),
                             (self._number, False), (self._name, True)):
            self.pack_start(widget, wide, wide, 0)

    def offer(self, files, first):
        """Let the user choose one of these files. The choice stays if it can; else it is the file `first` if that is one of them."""
        if files == self._files:
            return
        names = list(map(str, files))
        wanted = next((name for name in (str(self.chosen), str(first)) if name in names), names[0])
        self._files = files
        self._number.set_range(1, len(files))
        self._number.set_value(names.index(wanted) + 1)
        self._choose()

    def _choose(self, *_ignored):
        self.chosen = self._files[self._number.get_value_as_int() - 1]
        self._name.set_text(_("of {number}: {name}").format(number=len(self._files), name=Path(self.chosen).name))
        self.on_change()


class MaskChooser(Gtk.Box):
    """A row with the open images that may be masks, and a file.

    GIMP 3.0 has no widget for an image argument, and keeps no image among the settings to repeat; so the image stays here.
    """

    def __init__(self, config, image, worker):
        super().__init__(spacing=MARGIN // 2)
        self.image, self.on_change, self._config = None, None, config
        others = [other for other in Gimp.get_images() if other != image]
        others.sort(key=lambda other: (not mask_image.is_mask_image(other), -other.get_id()))
        self._combo = Gtk.ComboBoxText(tooltip_text=_(
            "The open image with the mask, or a file, also a black and white picture from anywhere: white is dust"))
        for other in others:
            self._combo.append(str(other.get_id()), other.get_name())
        self._combo.append("file", _("From a file"))
        self._file = Gtk.FileChooserButton(title=_("Mask file"), action=Gtk.FileChooserAction.OPEN, no_show_all=True)
        Thumbnail(self._file, worker)
        if config.get_property("mask-file"):
            self._file.set_file(config.get_property("mask-file"))
        self._combo.set_active_id(str(others[0].get_id()) if others and mask_image.is_mask_image(others[0]) else "file")
        self._combo.connect("changed", self._choose)
        self._file.connect("file-set", self._choose)
        self.label = Gtk.Label(label=_("Mas_k"), use_underline=True, mnemonic_widget=self._combo)
        for widget, wide in ((self.label, False), (self._combo, True), (self._file, True)):
            self.pack_start(widget, wide, wide, 0)
        self._choose()

    def _choose(self, *_ignored):
        selected = self._combo.get_active_id()
        self._file.set_visible(selected == "file")
        self.image = None if selected == "file" else Gimp.Image.get_by_id(int(selected))
        self._config.set_property("mask-file", self._file.get_file() if selected == "file" else None)
        if self.on_change:
            self.on_change()
