"""Apply Dust Mask: on a mask image it cleans the files of its run, on any other image the selected layers."""
import functools
from pathlib import Path

from gi.repository import Gimp, Gio

from . import arguments, core, layers, mask_image, pixels, working
from .core import dustbust
from .texts import Refused, _, count_text

NAME = "plug-in-dustbust-apply-mask"
EVERY_MASK = (".xcf", ".psd", ".gif")       # mask files that GIMP reads and the core does not


def declare(plug_in, name, run):
    procedure = Gimp.ImageProcedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, run, None)
    procedure.set_image_types("*")
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE | Gimp.ProcedureSensitivityMask.DRAWABLES
                                   | Gimp.ProcedureSensitivityMask.NO_DRAWABLES)
    procedure.set_menu_label(_("_Apply Dust Mask..."))
    procedure.set_documentation(
        _("Take the dust off the frames of a run, or off a layer"),
        _("On a mask image: cleaned copies of the frames of its run are written to a folder of their own. "
          "On any other image: the selected layers are cleaned with a mask image that is open, or with a mask file."), name)
    arguments.choice(procedure, "method", _("_Method"), _("What becomes of the dust"), "apply_mask", [
        ("restore", _("Restore"), _("Bring back what shines through the dust, fill the rest")),
        ("fill", _("Fill"), _("The original method: fill the dust from its surroundings"))])
    arguments.image(procedure, "mask-image", _("Mask _image"), _(
        "The open image with the mask. Without it and without a file: the one mask image that is open"))
    arguments.file(procedure, "mask-file", _("Mask fi_le"), _(
        "A file with the mask, also a black and white picture from anywhere: white is dust"))
    arguments.boolean(procedure, "new-layer", _("R_epairs as a layer of their own"), _(
        "Leave the layer as it is and put the repaired pixels on a new one above it, to be erased or faded at will"), False)
    arguments.file(procedure, "first-frame", _("_First frame"), _(
        "Clean other frames than those that the mask was made from: the first of them"))
    arguments.file(procedure, "last-frame", _("L_ast frame"), _("The last of the other frames, in the same folder"))
    arguments.file(procedure, "folder", _("Fol_der"), _(
        "Where the cleaned frames go. Without it: a folder 'cleanedphotos' beside the frames"))
    arguments.choice(procedure, "exists", _("_Existing files"), _("What to do where a cleaned frame is there already"), "clean_frames", [
        ("skip", _("Skip"), _("Leave it, and do only what is missing")),
        ("overwrite", _("Overwrite"), _("Write it anew")),
        ("rename", _("New name"), _("Write beside it, with a number"))])
    return procedure


def run(procedure, run_mode, image, drawables, config):
    chosen = config.get_property("mask-image")
    if run_mode == Gimp.RunMode.INTERACTIVE:
        from . import apply_dialog
        chosen = apply_dialog.ask(procedure, config, image, drawables)
    if cleans_files(image, config):
        clean_files(image, config, run_mode)
    else:
        clean_layers(image, drawables, config, chosen)
        Gimp.displays_flush()
    return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)


def options(config):
    return {"method": config.get_property("method")}


# The frames of a run

def cleans_files(image, config):
    """Whether it is the files of a run that are to be cleaned."""
    return mask_image.is_mask_image(image) or config.get_property("first-frame") is not None


def files_to_clean(image, config):
    first, last = arguments.path(config, "first-frame"), arguments.path(config, "last-frame")
    if first:
        return dustbust.frames.frames_between(first, last or first)
    files = [Path(file) for file in mask_image.files_of(image)]
    missing = [file for file in files if not file.exists()]
    if missing:
        raise Refused(count_text("{number} frame of the run is no longer where it was: {file}",
                                 "{number} frames of the run are no longer where they were: {file}", len(missing), file=missing[0]))
    return files


def folder_for(files, config):
    """Where the cleaned files go."""
    return Path(files[0]).parent / (arguments.path(config, "folder") or core.default("clean_frames", "folder"))


def clean_files(image, config, run_mode):
    files = files_to_clean(image, config)
    done = working.run(_("Apply Dust Mask"), dustbust.clean_frames, files, mask_image.read(image), folder_for(files, config),
                       exists=config.get_property("exists"), threads=core.threads(), **options(config))
    summary = said_of(done)
    if done.failed:
        raise Refused(summary)
    if run_mode != Gimp.RunMode.NONINTERACTIVE:
        Gimp.message(summary)


def said_of(done):
    """One or two sentences about what became of the files."""
    said = [count_text("{number} cleaned frame is in {folder}.", "{number} cleaned frames are in {folder}.", len(done.written),
                       folder=done.folder)]
    if done.skipped:
        said.append(count_text("{number} was there already.", "{number} were there already.", len(done.skipped)))
    if done.failed:
        said.append(count_text("{number} could not be cleaned: {reason}", "{number} could not be cleaned, the first: {reason}",
                               len(done.failed), reason=next(iter(done.failed.values()))))
    return " ".join(said)


# Layers

def clean_layers(image, drawables, config, mask):
    chosen = layers.editable(image, drawables)
    dust = find_mask(image, config, mask)
    check_size(dust, image, chosen)
    clean = functools.partial(dustbust.apply_mask, threads=core.threads(), **options(config))
    done = [(layer, *cleaned(layer, dust, image, clean)) for layer in chosen]       # first all the work, then the image in one go
    image.undo_group_start()
    try:
        for layer, before, after in done:
            if config.get_property("new-layer"):
                layers.add_repairs(image, layer, before, after)
            elif not pixels.change_drawable(layer, before, after):
                raise Refused(_("{layer}: cannot be changed: {reason}").format(
                    layer=layer.get_name(), reason=Gimp.get_pdb().get_last_error()))
    finally:
        image.undo_group_end()


def check_size(dust, image, chosen):
    """A mask is for layers of its own size, or for parts of a picture of its size."""
    for layer in chosen:
        if dust.grey.shape not in ((layer.get_height(), layer.get_width()), (image.get_height(), image.get_width())):
            raise Refused(_("The mask is {mask}, but the layer {layer} is {size}: a mask fits frames of its own size only.").format(
                mask="{1} x {0}".format(*dust.grey.shape), layer=layer.get_name(), size=f"{layer.get_width()} x {layer.get_height()}"))


def cleaned(layer, dust, image, clean):
    """The layer's pixels as they are and without dust, in its working format."""
    before = pixels.read_drawable(layer)
    if dust.grey.shape == before.shape[:2]:
        return before, working.run_plain(_("Apply Dust Mask"), clean, before, dust)
    # A mask for the whole picture and a layer that is a part of it: the rest of the picture is there, but without data.
    on_canvas, part, whole = layers.place_on_canvas(layer, before, image.get_width(), image.get_height())
    after = before.copy()
    after[part] = working.run_plain(_("Apply Dust Mask"), clean, on_canvas, dust)[whole][..., :before.shape[2]]
    return before, after


def find_mask(image, config, chosen):
    """The mask to clean layers with: of the chosen image, of the file, or of the one mask image that is open."""
    path = arguments.path(config, "mask-file")
    if chosen is None and path is not None:
        if not path.lower().endswith(EVERY_MASK):
            return dustbust.DustMask.load(path)
        loaded = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path)) if Path(path).is_file() else None
        if loaded is None:
            raise Refused(_("{file}: cannot be opened as a mask.").format(file=path))
        try:
            return mask_image.read(loaded)
        finally:
            loaded.delete()
    if chosen is None:
        chosen = only_mask_image(image)
    return mask_image.read(chosen)


def only_mask_image(image):
    found = [other for other in Gimp.get_images() if other != image and mask_image.is_mask_image(other)]
    if not found:
        raise Refused(_("There is no mask: open a mask image, or choose a mask file."))
    if len(found) > 1:
        raise Refused(_("Several mask images are open: choose one of them."))
    return found[0]
