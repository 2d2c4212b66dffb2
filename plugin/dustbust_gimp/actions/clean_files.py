"""Apply to the files of a run: cleaned copies in a folder of their own."""
from pathlib import Path

from . import frame_files
from .. import core
from ..gimp import mask_image, arguments, progress
from ..core import dustbust
from ..errors import Refused
from ..texts import _, count_text, path_text, translated


def clean(image, config):
    """Clean them; gives the core's account of what became of them."""
    files = files_to_clean(mask_image.files_of(image), config)
    return progress.run(_("Apply Dust Mask"), dustbust.clean_frames, files, mask_image.read(image), folder_for(files, config),
                       exists=config.get_property("exists"), threads=core.threads(), **arguments.cleaning(config))


def files_to_clean(of_image, config):
    """The files to clean: those of the run that a mask image was made from, or others if such were chosen."""
    first, last = arguments.path(config, "first-frame"), arguments.path(config, "last-frame")
    if first:
        return frame_files.files_between(first, last or first)
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


def said_of(done):
    """One or two sentences about what became of the files."""
    said = [count_text("{number} cleaned frame is in {folder}.", "{number} cleaned frames are in {folder}.", len(done.written),
                       folder=path_text(done.folder))]
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
