"""Stack Offset Scans: from several scans of one page to the page without the scanner's dust."""
from gi.repository import Gimp, GObject

from .. import core
from ..gimp import layers, mask_image, pixels, arguments, progress
from .scans import DUST_FREE, Scans
from ..texts import _, count_text, share_text

NAME = "plug-in-dustbust-stack-scans"


def modes():
    return [
        (DUST_FREE, _("Dust-free"), _("As clean as the best of the others, without their noise; knows by itself where the dust is")),
        ("mean", _("Mean"), _("The least noise, but a ghost of each dust grain stays")),
        ("median", _("Median"), _("Free of dust from three scans on")),
        ("minimum", _("Minimum"), _("The darkest: removes light dust")),
        ("maximum", _("Maximum"), _("The brightest: removes dark dust")),
        ("range", _("Range"), _("How far the scans are apart")),
        ("standard deviation", _("Standard deviation"), _("How much the scans differ")),
        ("variance", _("Variance"), _("The square of the standard deviation")),
        ("sum", _("Sum"), _("All scans added up")),
        ("entropy", _("Entropy"), _("As Photoshop defines it")),
        ("skewness", _("Skewness"), _("As Photoshop defines it")),
        ("kurtosis", _("Kurtosis"), _("As Photoshop defines it")),
    ]


def declare(plug_in, name, run):
    procedure = arguments.image_procedure(
        plug_in, name, run, _("_Stack Offset Scans..."),
        _("Combine scans of one page, each moved a little, into the page without the scanner's dust"),
        _("The page moves from scan to scan and the dust stays. The scans are layers of one image: the selected ones if there are "
          "two or more, else all visible ones. The result is a new layer on top."))
    arguments.choice(procedure, "mode", _("_Mode"), _("How the scans are combined"), "stack_scans", modes())
    arguments.boolean(procedure, "align", _("_Align the scans"), _(
        "Find out how the page lies in each scan. Without it the layers count as they are placed"), core.default("stack_scans", "align"))
    arguments.boolean(procedure, "aligned-layers", _("Add the ali_gned scans"), _(
        "Put the other scans, as they were aligned, on layers of their own"), False)
    arguments.boolean(procedure, "dust-mask", _("Keep the _dust mask"), _(
        "Open the dust of the scanner as a mask image too, for scans that have no second one. Only the mode Dust-free finds it"), False)
    procedure.add_layer_return_value("layer", _("Page"), _("The new layer"), False, GObject.ParamFlags.READWRITE)
    procedure.add_image_return_value("dust", _("Mask"), _("The mask image, if it was asked for"), True, GObject.ParamFlags.READWRITE)
    return procedure


def run(procedure, run_mode, image, drawables, config, ask=None):
    scans = Scans(layers.scans(image, drawables))
    if run_mode == Gimp.RunMode.INTERACTIVE:
        ask(procedure, config, scans)
    mode, align = config.get_property("mode"), config.get_property("align")
    page, dust, report = progress.run(_("Stack Offset Scans"), scans.page, mode, align)
    image.undo_group_start()
    try:
        if config.get_property("aligned-layers"):
            for number in range(1, len(scans.layers)):
                layers.add(image, _("{layer}, aligned").format(layer=scans.layers[number].get_name()), scans.aligned(number, report),
                           pixels.working_format(scans.layers[0], alpha=True), scans.layers[0])
        page = page.reshape(*page.shape[:2], -1)
        layer = layers.add(image, _("Page: {mode}").format(mode=dict((nick, label) for nick, label, __ in modes())[mode]), page,
                           scans.format, scans.layers[0])
    finally:
        image.undo_group_end()
    mask = None
    if dust is not None and config.get_property("dust-mask"):
        file = image.get_file()
        mask = mask_image.create(dust, [], beside=file and file.get_path())
        if run_mode != Gimp.RunMode.NONINTERACTIVE:
            Gimp.Display.new(mask)
    Gimp.displays_flush()
    progress.tell(run_mode, said_of(report, dust))
    return arguments.return_values(procedure, (Gimp.Layer, layer), (Gimp.Image, mask))


def said_of(report, dust):
    """One sentence about what became of the scans."""
    if dust is None:
        return count_text("{number} scan was combined.", "{number} scans were combined.", len(report.registrations))
    return _("Dust covers {dust} of the scanner; {filled} of the page is dusty in every scan and is filled.").format(
        dust=share_text(dust.coverage), filled=share_text(report.filled))
