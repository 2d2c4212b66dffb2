"""The table of formats: everything about a format follows from its class."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dustbust
from dustbust.files.find import find_frames
from dustbust.files.formats import FORMATS, SUFFIXES, WRITABLE, names_of_formats, table_of_formats
from dustbust.files.read import header_of, open_frame
from dustbust.files.write import check_target, write_picture
from helpers.frame_files import H, W, picture, png

# A new format, as a contributor would write it: binary PGM and PPM.
PNM = '''
"""PNM frames: binary PGM and PPM with 8 bits."""

import re

import numpy as np

from .base import FrameFile, check_megapixels


class PnmFile(FrameFile):
    kind = "PNM"
    suffixes = (".pgm", ".ppm")
    summary = "8 bit grey and RGB"
    dtypes = ("uint8",)
    creates = True

    @staticmethod
    def recognises(head):
        return head[:2] in (b"P5", b"P6")

    def __init__(self, path, data):
        number, width, height, largest, _ = re.match(
            rb"P([56])\\s+(\\d+)\\s+(\\d+)\\s+(\\d+)(\\s)", data
        ).groups()
        shape = (int(height), int(width), 3)[: 2 if number == b"5" else 3]
        check_megapixels(path, shape[1], shape[0])
        size = int(np.prod(shape))
        self.path = path
        self.pixels = np.frombuffer(data[-size:], np.uint8).reshape(shape)

    @classmethod
    def header(cls, path):
        pixels = cls.read(path).pixels
        return (pixels.shape[1], pixels.shape[0]), 8

    @classmethod
    def create(cls, path, pixels):
        number = 5 if pixels.ndim == 2 else 6
        head = f"P{number} {pixels.shape[1]} {pixels.shape[0]} 255\\n"
        path.write_bytes(head.encode() + pixels.tobytes())

    def _write(self, pixels, target):
        self.create(target, pixels)
        return []
'''

USE = """
import sys
from pathlib import Path
import numpy as np
import dustbust
from dustbust.files.find import find_frames
from dustbust.files.read import header_of, open_frame
from dustbust.files.write import write_picture

folder = Path(sys.argv[1])
pixels = np.random.default_rng(0).integers(60, 200, (40, 50, 3), np.uint8)
write_picture(folder / "a.ppm", pixels)
write_picture(folder / "b.pgm", pixels[..., 0])
assert [path.name for path in find_frames(folder)] == ["a.ppm", "b.pgm"]
assert header_of(folder / "a.ppm") == ((50, 40), 8, "PNM")
grey = np.zeros((40, 50), np.float32)
grey[10:14, 10:14] = 1
done = dustbust.clean_frames(folder, dustbust.DustMask(grey, 0.5))
assert not done.failed and len(done.written) == 2, done
clean = open_frame(done.written[0]).pixels
assert (clean != pixels).any() and (clean[:8] == pixels[:8]).all()
(folder / "c.ppm").write_text("no")
try:
    open_frame(folder / "c.ppm")
except dustbust.DustbustError as error:
    assert "BMP or PNM picture" in str(error), error
else:
    raise AssertionError
"""


def test_a_new_format_is_one_new_file_and_its_entry(tmp_path):
    """On a copy of the package."""
    package = tmp_path / "dustbust"
    shutil.copytree(Path(dustbust.__file__).parent, package)
    formats = package / "files" / "formats"
    (formats / "pnm.py").write_text(PNM)
    table = formats / "__init__.py"
    text = table.read_text()
    assert text.count("    BmpFile,\n)") == 1
    text = text.replace("    BmpFile,\n)", "    BmpFile,\n    PnmFile,\n)")
    table.write_text(text.replace("from .png", "from .pnm import PnmFile\nfrom .png"))
    (tmp_path / "scans").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", USE, tmp_path / "scans"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_format_describes_itself():
    for form in FORMATS:
        assert form.kind
        assert form.suffixes
        assert form.summary
        assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in form.suffixes)
        assert set(form.dtypes) <= {"uint8", "uint16", "float32"}
    assert len(SUFFIXES) == sum(len(form.suffixes) for form in FORMATS)
    assert [row[0] for row in table_of_formats()] == [form.kind for form in FORMATS]
    assert set(WRITABLE) <= SUFFIXES
    transparent = {form.kind for form in FORMATS if form.creates and form.alpha}
    assert transparent == {"PNG", "TIFF", "WebP", "JPEG 2000"}


@pytest.mark.parametrize("suffix", sorted(WRITABLE))
def test_new_files_of_every_format_hold_the_pixels(tmp_path, suffix):
    form = WRITABLE[suffix]
    for dtype in form.dtypes:
        for channels in (1, 3, *((2, 4) if form.alpha else ())):
            path = tmp_path / f"{dtype}-{channels}{suffix}"
            write_picture(path, picture(dtype, channels))
            frame = open_frame(path)
            assert isinstance(frame, form)
            assert frame.pixels.dtype == dtype
            assert header_of(path)[0] == (W, H)
            wanted = picture(dtype, channels)
            if form.kind == "JPEG":
                # Smaller colour channels lose the noise that differs between the colours.
                assert np.abs(frame.pixels.astype(float) - wanted).mean() < 6
            elif form.kind == "WebP" and channels < 3:  # which has colours only
                grey = wanted.reshape(H, W, channels)
                coloured = np.dstack([grey[..., :1]] * 3 + [grey[..., 1:]])
                assert np.array_equal(frame.pixels, coloured)
            else:
                assert np.array_equal(frame.pixels, wanted)
    assert len(find_frames(tmp_path)) == len(list(tmp_path.iterdir()))


def test_a_picture_has_the_texts_of_one_of_its_size_depth_and_format(tmp_path):
    like = png(tmp_path / "like.png", picture())
    for name, pixels, taken in (
        ("a.png", picture()[::-1], True),
        ("smaller.png", picture()[:40], False),
        ("deep.png", picture("uint16"), False),
        ("grey.png", picture(channels=1), False),
        ("a.tif", picture()[::-1], False),
    ):
        write_picture(tmp_path / name, pixels, like=like)
        frame = open_frame(tmp_path / name)
        assert isinstance(frame, WRITABLE[(tmp_path / name).suffix])
        assert np.array_equal(frame.pixels, pixels)
        assert (b"roll 7" in (tmp_path / name).read_bytes()) == taken


def test_formats_refuse_what_they_cannot_hold(tmp_path):
    for name, pixels in (
        ("a.jpg", picture("uint16")),
        ("a.jpg", picture("uint8", 4)),
        ("a.png", picture("float32")),
        ("a.jp2", picture("float32")),
        ("a.bmp", picture("uint8", 4)),
        ("a.webp", picture("uint16")),
    ):
        with pytest.raises(dustbust.DustbustError, match="cannot hold"):
            write_picture(tmp_path / name, pixels)
    assert not list(tmp_path.iterdir())


def test_messages_name_the_formats_of_the_table(tmp_path):
    (tmp_path / "a.jpg").write_text("Dear Sir")
    with pytest.raises(dustbust.DustbustError) as caught:
        open_frame(tmp_path / "a.jpg")
    assert names_of_formats() in str(caught.value)
    with pytest.raises(dustbust.DustbustError) as caught:
        check_target(tmp_path / "a.gif")
    assert all(suffix in str(caught.value) for suffix in WRITABLE)
