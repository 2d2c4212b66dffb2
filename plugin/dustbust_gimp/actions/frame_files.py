"""A run of files: from the first to the last frame, and what their headers say."""
from collections import Counter
from pathlib import Path

from ..gimp import arguments
from ..core import DustbustError, dustbust
from ..errors import Refused
from ..texts import _, count_text

FEW = 10        # frames; with fewer the mask has gaps


def files_of_run(config):
    """The files from the first to the last frame that were chosen, or to the end of the folder."""
    first, last = arguments.path(config, "first-frame"), arguments.path(config, "last-frame")
    if first is None:
        raise Refused(_("Choose the first frame of the run."))
    if last is None:
        last = (dustbust.frames.frames_in(Path(first).parent) or [first])[-1]
    return files_between(first, last)


def files_between(first, last):
    """The frames from the first file to the last, which have to be of a kind that can be read and written without loss."""
    for file in map(Path, (first, last)):
        if file.is_file() and not dustbust.frames.is_picture(file):
            raise Refused(_("{file}: the frames of a run have to be JPEG, PNG, TIFF, WebP, JPEG 2000 or BMP files; export them as such, or open this one "
                            "and apply a mask to its layer.").format(file=file))
    return dustbust.frames.frames_between(first, last)


def fitting(files):
    """The files of the size that most have, what they are ("8-bit JPEG"), their size, and the other files."""
    kinds = {file: kind_of(file) for file in files}
    known = Counter(kind for kind in kinds.values() if kind)
    if not known:
        raise Refused(_("There are no pictures between these two files."))
    (size, sort), __ = known.most_common(1)[0]
    fits = [file for file, kind in kinds.items() if kind and kind[0] == size]
    return fits, sort, size, [file for file in files if file not in fits]


def describe(files, open_end=False):
    """Some lines about the files of a run: how many, what they are, which do not fit, and whether the run may end before the last."""
    fits, sort, (width, height), others = fitting(files)
    lines = [count_text("{number} frame", "{number} frames", len(fits)) + f", {width} x {height}, {sort}"]
    if open_end:
        lines.append(_("The run ends where the dust changes, or with the folder."))
    if others:
        names = ", ".join(Path(file).name for file in others[:3]) + (" ..." if len(others) > 3 else "")
        lines.append(count_text("{number} file of another size or kind is left out: {files}",
                                "{number} files of another size or kind are left out: {files}", len(others), files=names))
    if len(fits) < FEW:
        lines.append(_("Ten frames and more make a better mask."))
    return "\n".join(lines)


def kind_of(file):
    """((width, height), "8-bit JPEG") of a picture file, or None."""
    try:
        size, bits, format = dustbust.frames.header_of(file)
    except DustbustError:
        return None
    return size, _("{bits}-bit {format}").format(bits=bits, format=format)
