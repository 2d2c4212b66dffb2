"""Stack Offset Scans: from several scans of one page to the page without the scanner's dust."""
from gi.repository import Gimp, GObject

from . import arguments, core, layers, pixels, working
from .core import dustbust
from .texts import _

NAME = "plug-in-dustbust-stack-scans"


def modes():
    return [
        ("dust-free", _("Dust-free"), _("As clean as the best of the others, without their noise; knows by itself where the dust is")),
        ("mean", _("Mean"), _("The least noise, but a ghost of each dust grain stays")),
        ("median", _("Median"), _("Free of dust from three scans on")),
        ("minimum", _("Minimum"), _("The darkest: removes light dust")),
        ("maximum", _("Maximum"), _("The brightest: removes dark dust")),
        ("range", _("Range"), _("How far the scans are apart")),
        ("standard-deviation", _("Standard deviation"), _("How much the scans differ")),
        ("variance", _("Variance"), _("The square of the standard deviation")),
        ("sum", _("Sum"), _("All scans added up")),
        ("entropy", _("Entropy"), _("As Photoshop defines it")),
        ("skewness", _("Skewness"), _("As Photoshop defines it")),
        ("kurtosis", _("Kurtosis"), _("As Photoshop defines it")),
    ]


def declare(plug_in, name, run):
    procedure = Gimp.ImageProcedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, run, None)
    procedure.set_image_types("*")
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE | Gimp.ProcedureSensitivityMask.DRAWABLES
                                   | Gimp.ProcedureSensitivityMask.NO_DRAWABLES)
    procedure.set_menu_label(_("_Stack Offset Scans..."))
    procedure.set_documentation(
        _("Combine scans of one page, each moved a little, into the page without the scanner's dust"),
        _("The page moves from scan to scan and the dust stays. The scans are layers of one image: the selected ones if there are two or more, "
          "else all visible ones. The result is a new layer on top."), name)
    arguments.choice(procedure, "mode", _("_Mode"), _("How the scans are combined"), "stack_scans", modes())
    arguments.boolean(procedure, "align", _("_Align the scans"), _(
        "Find out how the page lies in each scan. Without it the layers count as they are placed"), core.default("stack_scans", "align"))
    procedure.add_layer_return_value("layer", _("Page"), _("The new layer"), False, GObject.ParamFlags.READWRITE)
    return procedure


def run(procedure, run_mode, image, drawables, config):
    scans = layers.scans(image, drawables)
    alpha = any(layer.has_alpha() or layer.get_mask() for layer in scans)
    format = pixels.working_format(scans[0], alpha=alpha)
    pictures = [layers.plain_pixels(layer, format) for layer in scans]
    if run_mode == Gimp.RunMode.INTERACTIVE:
        from . import stack_dialog
        stack_dialog.ask(procedure, config, scans, pictures)
    page = working.run(_("Stack Offset Scans"), dustbust.stack_scans, pictures, mode=config.get_property("mode"),
                       align=config.get_property("align"), threads=core.threads())
    image.undo_group_start()
    try:
        layer = layers.add(image, _("Page: {mode}").format(mode=dict((nick, label) for nick, label, __ in modes())[config.get_property("mode")]),
                           page, format, scans[0])
    finally:
        image.undo_group_end()
    Gimp.displays_flush()
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    values.remove(1)
    values.insert(1, GObject.Value(Gimp.Layer, layer))
    return values
