"""Estimate Dust Mask: from a run of frames to a mask image."""
from gi.repository import Gimp, GObject

from . import frame_files
from .. import core
from ..gimp import mask_image, arguments, progress
from ..core import dustbust
from ..texts import _, count_text, share_text, translated

NAME = "plug-in-dustbust-estimate-mask"
SOME = 5        # frames are looked at for a typical one


def declare(plug_in, name, run):
    procedure = Gimp.Procedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, run, None)
    procedure.set_menu_label(_("_Estimate Dust Mask..."))
    procedure.set_documentation(
        _("Find the dust that a run of scanned frames has in common"),
        _("Dust on the scanner stays in the same place from frame to frame. The result is an image with the dust in grey and a threshold "
          "that you can move. It is what Apply Dust Mask takes."), name)
    arguments.run_mode(procedure)
    arguments.file(procedure, "first-frame", _("_First frame"), _("The file that the run begins with"))
    arguments.file(procedure, "last-frame", _("L_ast frame"), _(
        "The file that the run ends with, in the same folder; all pictures whose names sort between the two belong to the run. "
        "Without it the run goes as far as the dust stays the same"))
    arguments.file(procedure, "frame", _("Sho_w over"), _(
        "The frame that is shown under the dust, to judge it by. Without it a typical one is taken when GIMP shows the mask, "
        "and none in batch mode"))
    arguments.choice(procedure, "polarity", _("_Dust is"), _("Whether dust is brighter or darker than the picture"), "estimate_mask", [
        ("auto", _("Light or dark: find out"), ""),
        ("light", _("Light (negatives)"), _("Dust on negatives is white once they are inverted")),
        ("dark", _("Dark (slides)"), _("Dust on slides is black")),
        ("both", _("Both"), _("Light and dark dust in one run"))])
    arguments.choice(procedure, "method", _("_Method"), _("How the dust is told from the pictures"), "estimate_mask", [
        ("opacity", _("Opacity of the dust"), _("How much light the dust takes; ten frames are enough")),
        ("sum", _("Sum of the frames"), _("The original method; wants some fifty frames"))])
    arguments.area(procedure, "smallest", _("Smallest _particle"), _(
        "Area in pixels of the smallest particle that is marked"), "estimate_mask")
    arguments.area(procedure, "largest", _("Lar_gest particle"), _(
        "Area in pixels of the largest particle that is marked: larger things that many frames have in common are lamps and windows. "
        "0: a fiftieth of the picture"), "estimate_mask")
    procedure.add_image_return_value("image", _("Mask"), _("The mask image"), False, GObject.ParamFlags.READWRITE)
    return procedure


def run(procedure, config, ask=None):
    run_mode = config.get_property("run-mode")
    if run_mode == Gimp.RunMode.INTERACTIVE:
        ask(procedure, config)
    files = frame_files.files_of_run(config)
    if run_mode != Gimp.RunMode.NONINTERACTIVE:
        files = frame_files.fitting(files)[0]       # the window has said which are left out
    if config.get_property("last-frame") is None:
        files = progress.run(_("Looking how far the dust stays the same"), dustbust.find_runs, files, leave_out=True,
                            threads=core.threads())[0]
    dust = progress.run(_("Estimate Dust Mask"), dustbust.estimate_mask, files, method=config.get_property("method"),
                       polarity=config.get_property("polarity"), smallest=config.get_property("smallest"),
                       largest=config.get_property("largest") or None, leave_out=True, threads=core.threads())
    files = dust.frames
    frame = arguments.path(config, "frame")
    if frame is None and run_mode != Gimp.RunMode.NONINTERACTIVE:
        frame = typical(files)
    image = mask_image.create(dust, files, frame)
    summary, covered = said_of(dust), len(Gimp.get_images()) > 1
    if run_mode != Gimp.RunMode.NONINTERACTIVE:
        Gimp.Display.new(image)
        Gimp.displays_flush()
        if covered:     # the status bar of the image that was in front: a second line makes it a window
            summary += "\n" + _("What is red will be treated. Move the threshold, or paint on the mask: black keeps, white adds.")
    progress.tell(run_mode, summary, map(translated, dust.warnings))
    return arguments.return_values(procedure, (Gimp.Image, image))


def said_of(dust):
    """What was found, short enough for GIMP's status bar."""
    share = share_text(dust.coverage)
    if "particles" not in dust.report:
        return _("Marked: {share} of the picture").format(share=share)
    return count_text("{number} particle, {share} of the picture", "{number} particles, {share} of the picture",
                      len(dust.particles), share=share)


def typical(files):
    """The file to show the dust over: of some that are spread over the run, the one of middling brightness."""
    some = files[::max(len(files) // SOME, 1)]
    return sorted(some, key=lambda file: float(dustbust.frames.read_luminance(file)[::8, ::8].mean()))[len(some) // 2]
