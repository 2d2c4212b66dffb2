"""Apply Dust Mask: on a mask image it cleans the files of its run, on any other image the selected layers."""
import functools
from pathlib import Path

from gi.repository import Gimp, Gio

from . import arguments, core, layers, mask_image, pixels, run_summary, working
from .core import dustbust
from .texts import Refused, _, count_text, translated
from .working import tell

NAME = "plug-in-dustbust-apply-mask"
EVERY_MASK = (".xcf", ".psd", ".gif")       # mask files that GIMP reads and the core does not


def declare(plug_in, name, run):
    procedure = arguments.image_procedure(
        plug_in, name, run, _("_Apply Dust Mask..."), _("Take the dust off the frames of a run, or off a layer"),
        _("On a mask image: cleaned copies of the frames of its run are written to a folder of their own. "
          "On any other image: the selected layers are cleaned with a mask image that is open, or with a mask file."))
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
        done = clean_files(image, config)
        if done.failed:
            raise Refused(said_of_files(done))
        tell(run_mode, said_of_files(done), notes_of(done))
    else:
        reports = clean_layers(image, drawables, config, chosen)
        Gimp.displays_flush()
        tell(run_mode, said_of_layers(reports), unfilled(reports))
    return arguments.return_values(procedure)


def options(config):
    return {"method": config.get_property("method")}


# The frames of a run

def cleans_files(image, config):
    """Whether it is the files of a run that are to be cleaned."""
    return mask_image.is_mask_image(image) or config.get_property("first-frame") is not None


def files_to_clean(of_image, config):
    """The files to clean: those of the run that a mask image was made from, or others if such were chosen."""
    first, last = arguments.path(config, "first-frame"), arguments.path(config, "last-frame")
    if first:
        return run_summary.files_between(first, last or first)
    files = [Path(file) for file in of_image]
    if not files:
        raise Refused(_("This mask was not made from a run of files: choose the first and the last frame that it is to clean, "
                        "or apply it to a layer of another image."))
    missing = [file for file in files if not file.exists()]
    if missing:
        raise Refused(count_text("{number} frame of the run is no longer where it was: {file}",
                                 "{number} frames of the run are no longer where they were: {file}", len(missing), file=missing[0]))
    return files


def folder_for(files, config):
    """Where the cleaned files go."""
    return Path(files[0]).parent / (arguments.path(config, "folder") or core.default("clean_frames", "folder"))


def clean_files(image, config):
    """The core's account of what became of the files."""
    files = files_to_clean(mask_image.files_of(image), config)
    return working.run(_("Apply Dust Mask"), dustbust.clean_frames, files, mask_image.read(image), folder_for(files, config),
                       exists=config.get_property("exists"), threads=core.threads(), **options(config))


def said_of_files(done):
    """One or two sentences about what became of the files."""
    said = [count_text("{number} cleaned frame is in {folder}.", "{number} cleaned frames are in {folder}.", len(done.written),
                       folder=done.folder)]
    if done.skipped:
        said.append(count_text("{number} was there already.", "{number} were there already.", len(done.skipped)))
    if done.failed:
        said.append(count_text("{number} could not be cleaned: {reason}", "{number} could not be cleaned, the first: {reason}",
                               len(done.failed), reason=translated(next(iter(done.failed.values())))))
    return " ".join(said)


def notes_of(done):
    """What is to be known of some of the files: each note once, with the first file that it is about."""
    first = {}
    for file, notes in done.notes.items():
        for note in map(translated, notes):
            first.setdefault(note, []).append(file.name)
    return [count_text("{file}: {note}", "{number} files, the first is {file}: {note}", len(files), file=files[0], note=note)
            for note, files in first.items()]


# Layers

def clean_layers(image, drawables, config, mask):
    """Clean them; gives the core's report of each."""
    chosen = layers.editable(image, drawables)
    dust = mask_reader(image, config, mask)()
    check_size(dust, image, chosen)
    clean = functools.partial(dustbust.apply_mask, return_report=True, threads=core.threads(), **options(config))
    done = [(layer, *cleaned(layer, dust, image, clean)) for layer in chosen]       # first all the work, then the image in one go
    image.undo_group_start()
    try:
        for layer, before, after, __ in done:
            if config.get_property("new-layer"):
                layers.add_repairs(image, layer, before, after)
            elif not pixels.change_drawable(layer, before, after):
                raise Refused(_("{layer}: cannot be changed: {reason}").format(
                    layer=layer.get_name(), reason=Gimp.get_pdb().get_last_error()))
    finally:
        image.undo_group_end()
    return [report for *__, report in done]


def said_of_layers(reports):
    """One sentence about what became of the dust."""
    particles, restored, filled, absent = (sum(getattr(report, name) for report in reports)
                                           for name in ("particles", "restored", "filled", "absent"))
    if not particles:
        return _("The mask marks nothing.")
    return count_text("{number} particle: {restored} restored, {filled} filled, {absent} not in this picture",
                      "{number} particles: {restored} restored, {filled} filled, {absent} not in this picture",
                      particles, restored=restored, filled=filled, absent=absent)


def unfilled(reports):
    """A sentence about pixels that could not be filled, if there are any."""
    number = sum(report.unfilled for report in reports)
    return [_("{number} pixels could not be filled: there is no picture within reach").format(number=number)] if number else []


def check_size(dust, image, chosen):
    """A mask is for layers of its own size, or for parts of a picture of its size."""
    for layer in chosen:
        if dust.grey.shape not in ((layer.get_height(), layer.get_width()), (image.get_height(), image.get_width())):
            raise Refused(_("The mask is {mask}, but the layer {layer} is {size}: a mask fits frames of its own size only.").format(
                mask="{1} x {0}".format(*dust.grey.shape), layer=layer.get_name(), size=f"{layer.get_width()} x {layer.get_height()}"))


def cleaned(layer, dust, image, clean):
    """The layer's pixels as they are and without dust, in its working format; and the core's report."""
    before = pixels.read_drawable(layer)
    if dust.grey.shape == before.shape[:2]:
        return before, *working.run_plain(_("Apply Dust Mask"), clean, before, dust)
    # A mask for the whole picture and a layer that is a part of it: the rest of the picture is there, but without data.
    on_canvas, part, whole = layers.place_on_canvas(layer, before, image.get_width(), image.get_height())
    after = before.copy()
    canvas_after, report = working.run_plain(_("Apply Dust Mask"), clean, on_canvas, dust)
    after[part] = canvas_after[whole][..., :before.shape[2]]
    return before, after, report


def mask_reader(image, config, chosen):
    """A function that gives the mask to clean layers with: of the chosen image, of the file, or of the one mask image that is open.

    It asks nothing of GIMP, so that it can be called in another thread.
    """
    path = arguments.path(config, "mask-file")
    if chosen is None and path is not None:
        if not path.lower().endswith(EVERY_MASK):
            return functools.partial(dustbust.DustMask.load, path)
        loaded = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path)) if Path(path).is_file() else None
        if loaded is None:
            raise Refused(_("{file}: cannot be opened as a mask.").format(file=path))
        try:
            dust = mask_image.read(loaded)
        finally:
            loaded.delete()
    else:
        dust = mask_image.read(only_mask_image(image) if chosen is None else chosen)
    return lambda: dust


def only_mask_image(image):
    found = [other for other in Gimp.get_images() if other != image and mask_image.is_mask_image(other)]
    if not found:
        raise Refused(_("There is no mask: open a mask image, or choose a mask file."))
    if len(found) > 1:
        raise Refused(_("Several mask images are open: choose one of them."))
    return found[0]
