"""What a run of files is, told from their headers."""
from collections import Counter
from pathlib import Path

import tifffile
from PIL import Image

from .texts import Refused, _, count_text

FEW = 10        # frames; with fewer the mask has gaps


def describe(files):
    """One or two lines about the files of a run: how many, what they are, and which do not fit."""
    kinds = {file: kind_of(file) for file in files}
    if not files:
        raise Refused(_("There are no pictures between these two files."))
    usual, __ = Counter(kinds.values()).most_common(1)[0]
    if usual is None:
        raise Refused(_("{file}: is no picture that can be read.").format(file=files[0]))
    size, sort = usual
    fitting = [file for file, kind in kinds.items() if kind and kind[0] == size]
    lines = [count_text("{number} frame", "{number} frames", len(fitting)) + ", {} x {}, {}".format(*size, sort)]
    others = [Path(file).name for file in files if file not in fitting]
    if others:
        lines.append(count_text("{number} file of another size or kind: {{files}}", "{number} files of another size or kind: {{files}}",
                                len(others)).format(files=", ".join(others[:3]) + (" ..." if len(others) > 3 else "")))
    if len(fitting) < FEW:
        lines.append(_("Ten frames and more make a better mask."))
    return "\n".join(lines)


def kind_of(file):
    """((width, height), "8-bit JPEG") of a picture file, or None."""
    try:
        if str(file).lower().endswith((".tif", ".tiff")):
            with tifffile.TiffFile(file) as tiff:
                page = tiff.pages[0]
                return (page.imagewidth, page.imagelength), _("{bits}-bit {format}").format(bits=page.dtype.itemsize * 8, format="TIFF")
        with Image.open(file) as picture:
            bits = 16 if picture.mode.startswith("I") or "16" in str(picture.info.get("bits", "")) else 8
            return picture.size, _("{bits}-bit {format}").format(bits=bits, format=picture.format)
    except Exception:       # the decoders raise anything on files that are no pictures
        return None
