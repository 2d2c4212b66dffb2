"""Run by install.sh --demo inside GIMP: makes mask.png and cleans the frames in run/."""

from pathlib import Path

from gi.repository import Gimp, Gio


def run(name, **arguments):
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    for argument, value in arguments.items():
        if argument == "drawables":
            config.set_core_object_array(argument, value)
        else:
            config.set_property(argument.replace("_", "-"), value)
    result = procedure.run(config)
    if result.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(result.index(1))
    return result


frames = [Gio.File.new_for_path(str(path)) for path in sorted(Path("run").resolve().glob("*.jpg"))]
mask = run("plug-in-dustbust-estimate-mask", first_frame=frames[0], last_frame=frames[-1]).index(1)
run("plug-in-dustbust-apply-mask", image=mask, drawables=mask.get_selected_layers())
run("file-png-export", image=mask, file=Gio.File.new_for_path(str(Path("mask.png").resolve())))
mask.delete()
