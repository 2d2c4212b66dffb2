"""The window of Apply Dust Mask."""
from pathlib import Path

from gi.repository import Gimp, Gtk

from . import apply, core, layers, mask_image, pixels
from .core import dustbust
from .dialogs import MARGIN, Window
from .preview import BeforeAndAfter, spots_of_mask
from .texts import Refused, _, count_text


def ask(procedure, config, image, drawables):
    """Let the user choose; raises Cancelled."""
    if mask_image.is_mask_image(image):
        ask_for_files(procedure, config, image)
    else:
        ask_for_layers(procedure, config, image, drawables)


def ask_for_files(procedure, config, image):
    dust = mask_image.read(image)
    window = Window(procedure, config, _("Apply Dust Mask to a Run"), _("_Write"))
    window.settings("method", "folder", "exists")
    window.folded("first-frame", "last-frame")
    window.add_answer()

    def frame():
        return dustbust.frames.read_frame(apply.files_to_clean(image, config)[0])

    preview = BeforeAndAfter(window.worker())
    window.add(preview)

    def describe():
        window.answer(lambda: files_sentence(apply.files_to_clean(image, config), config), lambda text: text + "\n" + marked(dust))

    window.on_change(describe, "folder", "exists", "first-frame", "last-frame")
    window.on_change(lambda: preview.show_spots(spots_of_mask(frame, dust, apply.options(config))), "method", "first-frame")
    window.run()


def files_sentence(files, config):
    folder = apply.folder_for(files, config)
    there = sum((folder / Path(file).name).exists() for file in files)
    text = count_text("{number} file will be written to {{folder}}.", "{number} files will be written to {{folder}}.",
                      len(files) - (there if config.get_property("exists") == "skip" else 0)).format(folder=folder)
    if there:
        text += " " + {
            "skip": count_text("{number} is there already and is kept if it is complete.", "{number} are there already and are kept if they are complete.", there),
            "overwrite": count_text("{number} that is there already will be overwritten.", "{number} that are there already will be overwritten.", there),
            "rename": count_text("{number} is there already; the new one gets another name.", "{number} are there already; the new ones get other names.", there),
        }[config.get_property("exists")]
    return text


def marked(dust):
    number = int(dust.binary().sum())
    if not number:
        return _("The mask marks nothing.")
    return count_text("The mask marks {number} pixel, {{share}} of the picture.", "The mask marks {number} pixels, {{share}} of the picture.",
                      number).format(share=f"{number / dust.grey.size:.2%}")


def ask_for_layers(procedure, config, image, drawables):
    chosen = layers.editable(image, drawables)
    before = pixels.read_drawable(chosen[0])
    window = Window(procedure, config, _("Apply Dust Mask to a Layer"), _("_Apply"))
    window.add(mask_chooser(config, image))
    window.settings("method", "new-layer")
    window.add_answer()
    preview = BeforeAndAfter(window.worker())
    window.add(preview)

    def describe():
        preview.show_spots(None)
        try:
            dust = apply.find_mask(image, config)
            apply.check_size(dust, image, chosen)
        except (Refused, core.DustbustError) as refusal:
            window.say(str(refusal), possible=False)
            return
        window.say(marked(dust))
        if dust.grey.shape == before.shape[:2]:
            preview.show_spots(spots_of_mask(lambda: before, dust, apply.options(config)))

    window.on_change(describe, "mask-image", "mask-file", "method")
    window.run()


def mask_chooser(config, image):
    """A row with the open images that may be masks, and a file. (GIMP 3.0 has no widget for an image argument.)"""
    row = Gtk.Box(spacing=MARGIN, margin=MARGIN)
    others = [other for other in Gimp.get_images() if other != image]
    others.sort(key=lambda other: (not mask_image.is_mask_image(other), -other.get_id()))
    combo = Gtk.ComboBoxText(tooltip_text=_("The open image with the mask, or a file, also a black and white picture from anywhere: white is dust"))
    for other in others:
        combo.append(str(other.get_id()), other.get_name())
    combo.append("file", _("From a file:"))
    button = Gtk.FileChooserButton(title=_("Mask file"), action=Gtk.FileChooserAction.OPEN, hexpand=True)
    if config.get_property("mask-file"):
        button.set_file(config.get_property("mask-file"))
    label = Gtk.Label(label=_("Mas_k:"), use_underline=True, mnemonic_widget=combo)

    def choose(*_ignored):
        selected = combo.get_active_id()
        button.set_sensitive(selected == "file")
        config.set_property("mask-image", None if selected == "file" else Gimp.Image.get_by_id(int(selected)))
        config.set_property("mask-file", button.get_file() if selected == "file" else None)

    combo.set_active_id(str(others[0].get_id()) if others and (mask_image.is_mask_image(others[0]) or not config.get_property("mask-file")) else "file")
    combo.connect("changed", choose)
    button.connect("file-set", choose)
    choose()
    for widget, wide in ((label, False), (combo, True), (button, True)):
        row.pack_start(widget, wide, wide, 0)
    return row
