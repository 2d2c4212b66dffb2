"""Stack Offset Scans: from several scans of one page to the page without the scanner's dust."""
import threading

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
        ("standard deviation", _("Standard deviation"), _("How much the scans differ")),
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
        _("The page moves from scan to scan and the dust stays. The scans are layers of one image: the selected ones if there are "
          "two or more, else all visible ones. The result is a new layer on top."), name)
    arguments.choice(procedure, "mode", _("_Mode"), _("How the scans are combined"), "stack_scans", modes())
    arguments.boolean(procedure, "align", _("_Align the scans"), _(
        "Find out how the page lies in each scan. Without it the layers count as they are placed"), core.default("stack_scans", "align"))
    arguments.boolean(procedure, "aligned-layers", _("Add the ali_gned scans"), _(
        "Put the other scans, as they were aligned, on layers of their own"), False)
    procedure.add_layer_return_value("layer", _("Page"), _("The new layer"), False, GObject.ParamFlags.READWRITE)
    return procedure


class Scans:
    """The scans of a page, and what has been found out about them: nothing is worked out twice."""

    def __init__(self, chosen):
        self.layers = chosen
        self.format = pixels.working_format(chosen[0], alpha=chosen[0].has_alpha() or chosen[0].get_mask() is not None)
        self.pictures = [layers.plain_pixels(layer, self._format_of(layer)) for layer in chosen]
        self._positions = [layers.offsets(layer) for layer in chosen]
        self._threads, self._registrations, self._pages = core.threads(), None, {}
        self._lock = threading.RLock()      # who asks for what is being worked out waits for it

    def _format_of(self, layer):
        return pixels.working_format(layer, alpha=layer.has_alpha() or layer.get_mask() is not None)

    def registrations(self, progress=None):
        """How the page lies in each scan."""
        with self._lock:
            if self._registrations is None:
                self._registrations = dustbust.register_scans(self.pictures, progress=progress, threads=self._threads)
            return self._registrations

    def page(self, mode, align, progress=None):
        """The page, on the grid of the first scan, and the core's report."""
        with self._lock:
            if (mode, align) not in self._pages:
                where = {"registrations": self.registrations(progress)} if align else {"align": False, "positions": self._positions}
                self._pages[mode, align] = dustbust.stack_scans(self.pictures, mode=mode, view=True, return_report=True, progress=progress,
                                                                threads=self._threads, **where)
            return self._pages[mode, align]

    def aligned(self, number, report):
        """A scan as it was stacked: on the grid of the first one, with alpha."""
        height, width = self.pictures[0].shape[:2]
        return report.registrations[number].resample(self.pictures[number], (0, 0, width, height), gain=report.gain[number],
                                                     offset=report.offset[number], threads=self._threads)


def run(procedure, run_mode, image, drawables, config):
    scans = Scans(layers.scans(image, drawables))
    if run_mode == Gimp.RunMode.INTERACTIVE:
        from . import stack_dialog
        stack_dialog.ask(procedure, config, scans)
    mode, align = config.get_property("mode"), config.get_property("align")
    page, report = working.run(_("Stack Offset Scans"), scans.page, mode, align)
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
    Gimp.displays_flush()
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    values.remove(1)
    values.insert(1, GObject.Value(Gimp.Layer, layer))
    return values
