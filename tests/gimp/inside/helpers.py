"""Pictures in GIMP for the checks, made and read with GEGL alone, without the plug-in."""

import time
from pathlib import Path

import numpy as np
from gi.repository import Gegl, Gimp, Gio

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
FRAMES = sorted((SAMPLES / "run").glob("*.jpg"))

ESTIMATE, APPLY, STACK = (
    "plug-in-dustbust-estimate-mask",
    "plug-in-dustbust-apply-mask",
    "plug-in-dustbust-stack-scans",
)

DTYPES = {
    "u8": np.uint8,
    "u16": np.uint16,
    "u32": np.uint32,
    "half": np.float16,
    "float": np.float32,
    "double": np.float64,
}


def file(path):
    return Gio.File.new_for_path(str(path))


def call(procedure, **arguments):
    """Run a procedure; returns its values after the status.

    Raises RuntimeError with its message when it fails.
    """
    procedure = Gimp.get_pdb().lookup_procedure(procedure)
    config = procedure.create_config()
    for name, value in arguments.items():
        name = name.replace("_", "-")
        if name == "drawables":
            config.set_core_object_array(name, value)
        else:
            config.set_property(name, file(value) if isinstance(value, Path) else value)
    values = procedure.run(config)
    if values.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(values.index(1))
    return [values.index(place) for place in range(1, values.length())]


def call_here(procedure, **arguments):
    """Do as `call`, but in this process, which is faster in checks with many calls."""
    from dustbust_gimp.actions import apply, estimate, stack

    action = {module.NAME: module for module in (apply, estimate, stack)}[procedure]
    procedure = Gimp.get_pdb().lookup_procedure(procedure)
    config, image, drawables = (
        procedure.create_config(),
        arguments.pop("image"),
        arguments.pop("drawables"),
    )
    for name, value in arguments.items():
        config.set_property(
            name.replace("_", "-"), file(value) if isinstance(value, Path) else value
        )
    values = action.run(procedure, Gimp.RunMode.NONINTERACTIVE, image, drawables, config)
    return [values.index(place) for place in range(1, values.length())]


def refusal(procedure, **arguments):
    """The message with which a procedure refuses to do something."""
    try:
        call(procedure, **arguments)
    except RuntimeError as error:
        return str(error)
    raise AssertionError(f"{procedure} did not refuse")


def new_image(width, height, base="RGB", precision="U8_NON_LINEAR"):
    return Gimp.Image.new_with_precision(
        width, height, getattr(Gimp.ImageBaseType, base), getattr(Gimp.Precision, precision)
    )


def add_layer(image, pixels, format, x=0, y=0, parent=None, name="layer"):
    """A new layer on top with these pixels, an array (H, W, C) in the numbers of `format`."""
    height, width, channels = pixels.shape
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = (
        [Gimp.ImageType.GRAY_IMAGE, Gimp.ImageType.GRAYA_IMAGE]
        if gray
        else [Gimp.ImageType.RGB_IMAGE, Gimp.ImageType.RGBA_IMAGE]
    )
    layer = Gimp.Layer.new(
        image, name, width, height, kind[channels in (2, 4)], 100, Gimp.LayerMode.NORMAL
    )
    image.insert_layer(layer, parent, 0)
    layer.set_offsets(x, y)
    put(layer, pixels, format)
    return layer


def put(drawable, pixels, format):
    buffer = drawable.get_buffer()
    assert pixels.dtype == DTYPES[format.split()[-1]]
    buffer.set(Gegl.Rectangle.new(0, 0, pixels.shape[1], pixels.shape[0]), format, pixels.tobytes())
    buffer.flush()
    drawable.update(0, 0, pixels.shape[1], pixels.shape[0])


def get(drawable, format):
    """A drawable's pixels without its filters, as an array (H, W, C) in the numbers of `format`."""
    buffer = drawable.get_buffer()
    width, height = drawable.get_width(), drawable.get_height()
    data = buffer.get(Gegl.Rectangle.new(0, 0, width, height), 1.0, format, Gegl.AbyssPolicy.NONE)
    return np.frombuffer(data, DTYPES[format.split()[-1]]).reshape(height, width, -1)


def stored(drawable):
    """The bits of a drawable."""
    buffer = drawable.get_buffer()
    return bytes(buffer.get(buffer.get_extent(), 1.0, None, Gegl.AbyssPolicy.NONE))


def open_image(path):
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file(path))
    assert image is not None, Gimp.get_pdb().get_last_error()
    return image


def save(image, path):
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file(path), None), (
        Gimp.get_pdb().get_last_error()
    )


def all_layers(image):
    def below(layers):
        for layer in layers:
            yield layer
            if layer.is_group():
                yield from below(layer.get_children())

    return list(below(image.get_layers()))


def role(layer):
    parasite = layer.get_parasite("dustbust-role")
    return bytes(parasite.get_data()).decode() if parasite else None


def with_role(image, wanted):
    return next(layer for layer in all_layers(image) if role(layer) == wanted)


def processes(plug_in, python):
    """Process -> command line, of the plug-in, of its helper and of what the helper starts."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended
            continue
        if f"{plug_in}/dustbust-gimp.py" in words or words[0] == python:
            found[int(path.parent.name)] = " ".join(words)[:200]
    return found


def processes_left(plug_in, python):
    """The command lines of `processes` that do not end within five seconds."""
    end = time.monotonic() + 5
    while (left := processes(plug_in, python)) and time.monotonic() < end:
        time.sleep(0.02)
    return [*left.values()]


def threshold_of(layer):
    """The one threshold on a mask layer."""
    filters = layer.get_filters()
    assert [f.get_operation_name() for f in filters] == ["gimp:threshold"]
    return filters[0]
