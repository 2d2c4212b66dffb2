"""Apply Dust Mask: on a mask image it cleans the files of its run, on any other image the selected layers."""
from gi.repository import Gimp

from . import clean_files, clean_layers
from ..gimp import mask_image, arguments
from ..errors import Refused
from ..texts import _
from ..gimp.progress import tell

NAME = "plug-in-dustbust-apply-mask"


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


def run(procedure, run_mode, image, drawables, config, ask=None):
    chosen = config.get_property("mask-image")
    if run_mode == Gimp.RunMode.INTERACTIVE:
        chosen = ask(procedure, config, image, drawables)
    # On the mask image it is the files of its run that are cleaned; on any other one too, if frames were chosen.
    if mask_image.is_mask_image(image) or config.get_property("first-frame") is not None:
        done = clean_files.clean(image, config)
        if done.failed:
            raise Refused(clean_files.said_of(done))
        tell(run_mode, clean_files.said_of(done), clean_files.notes_of(done))
    else:
        reports = clean_layers.clean(image, drawables, config, chosen)
        Gimp.displays_flush()
        tell(run_mode, clean_layers.said_of(reports), clean_layers.unfilled(reports))
    return arguments.return_values(procedure)
