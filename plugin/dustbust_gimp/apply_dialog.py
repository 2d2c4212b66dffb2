"""The window of Apply Dust Mask."""
from pathlib import Path

from gi.repository import Gimp, Gtk

from . import apply, arguments, core, layers, mask_image, pixels
from .core import dustbust
from .dialogs import MARGIN, Window
from .preview import BeforeAndAfter
from .texts import Refused, _, count_text


def ask(procedure, config, image, drawables):
    """Let the user choose; raises Cancelled."""
    if mask_image.is_mask_image(image):
        ask_for_files(procedure, config, image)
    else:
        ask_for_layers(procedure, config, image, drawables)


def ask_for_files(procedure, config, image):
    dust = mask_image.read(image)
    window = Window(procedure, config, _("Apply Dust Mask to a Run"), _("_Clean"), ["method", "folder", "exists"], ["first-frame", "last-frame"])

    def frame():
        return dustbust.frames.read_frame(apply.files_to_clean(image, config)[0])

    preview = BeforeAndAfter(window.worker(), dust, frame)
    window.add(preview)

    def describe():
        window.answer(lambda: files_sentence(apply.files_to_clean(image, config), config), lambda text: text + "\n" + marked(dust))

    window.on_change(describe, "folder", "exists", "first-frame", "last-frame")
    window.on_change(lambda: preview.show_with(apply.options(config)), "method", "first-frame")
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
    share = dust.binary().mean()
    return _("The mask marks {share:.2%} of the picture.").format(share=share) if share else _("The mask marks nothing.")


def ask_for_layers(procedure, config, image, drawables):
    chosen = layers.editable(image, drawables)
    before = pixels.read_drawable(chosen[0])
    size = (image.get_width(), image.get_height())
    place = layers.offsets(chosen[0])
    window = Window(procedure, config, _("Apply Dust Mask to a Layer"), _("_Clean"), ["method", "new-layer"])
    window.add(mask_chooser(config, image))
    preview = BeforeAndAfter(window.worker(), None, lambda: before)
    window.add(preview)

    def describe():
        try:
            dust = apply.find_mask(image, config)
        except (Refused, core.DustbustError) as refusal:
            preview.dust = None
            window.say(str(refusal), possible=False)
            return
        preview.dust = dust if dust.grey.shape == before.shape[:2] else None
        preview.show_with(apply.options(config))
        if dust.grey.shape in (before.shape[:2], size[::-1]):
            window.say(marked(dust))
        else:
            window.say(_("The mask is {mask}, but the layer {layer} is {size}: a mask fits frames of its own size only.").format(
                mask="{1} x {0}".format(*dust.grey.shape), layer=chosen[0].get_name(), size="{1} x {0}".format(*before.shape)), possible=False)

    window.on_change(describe, "mask-image", "mask-file")
    window.on_change(lambda: preview.show_with(apply.options(config)), "method")
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
