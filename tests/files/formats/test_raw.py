"""What tells a camera raw file, and what its cleaned copy says of camera and author."""

import io

import numpy as np
import pytest
import tifffile

from dustbust.files.formats.raw import RawFile, _texts, is_raw


@pytest.mark.parametrize(
    ("head", "raw"),
    [
        (b"IIRO\x08\0\0\0", True),  # Olympus
        (b"IIRS\x08\0\0\0", True),
        (b"MMOR\0\0\0\x08", True),
        (b"IIU\0\x18\0\0\0", True),  # Panasonic, Leica
        (b"FUJIFILMCCD-RAW ", True),
        (b"\0MRM\0\0\0\0", True),  # Minolta
        (b"FOVb\0\0\0\0", True),  # Sigma
        (b"II\x1a\0\0\0HEAPCCDR", True),  # Canon: CRW, CR2, CR3
        (b"II*\0\x10\0\0\0CR\2\0", True),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", True),
        (b"II*\0\x08\0\0\0\0\0\0\0", False),
        (b"MM\0*\0\0\0\x08CS\0\0", False),
        (b"\0\0\0\x18ftypheic\0\0\0\0", False),
        (b"\xff\xd8\xff\xe0", False),
    ],
)
def test_raw_files_are_told_by_their_first_bytes(head, raw):
    assert RawFile.recognises(head.ljust(16, b"\0")) == raw


def tiff(path, samples=1, **options):
    pixels = np.zeros((4, 5, samples)[: 1 + samples], np.uint16)
    tifffile.imwrite(path, pixels, metadata=None, software=False, **options)
    return path


@pytest.mark.parametrize(
    ("photometric", "extra", "raw"),
    [
        (32803, [], True),  # colour filters
        (34892, [], True),  # linear raw
        ("minisblack", [(50706, 1, 4, bytes([1, 4, 0, 0]), True)], True),  # a DNG's version
        ("minisblack", [], False),
    ],
)
def test_files_like_a_tiff_with_the_data_of_a_sensor_are_raw(tmp_path, photometric, extra, raw):
    samples = 3 if photometric == 34892 else 1
    path = tiff(tmp_path / "a.tif", samples, photometric=photometric, extratags=extra)
    assert is_raw(io.BytesIO(path.read_bytes())) == raw


def test_the_copy_names_maker_model_time_author_and_rights(tmp_path):
    texts = {271: "Maker", 272: "Model 7", 306: "2001:02:03 04:05:06", 315: "A", 33432: "(c) B"}
    others = {270: "a description", 305: "a program"}
    tags = [(code, 2, 0, text, True) for code, text in {**texts, **others}.items()]
    path = tiff(tmp_path / "a.dng", photometric="minisblack", extratags=tags)
    assert _texts(path) == [(code, 2, 0, text, True) for code, text in texts.items()]


def test_texts_end_with_their_first_zero_and_odd_ones_are_left_out(tmp_path):
    tags = [
        (271, 2, 0, "Maker\0more", True),
        (272, 1, 5, b"Model", True),  # bytes
        (315, 2, 0, b"M\xfcller", True),
    ]
    path = tiff(tmp_path / "a.dng", photometric="minisblack", extratags=tags)
    assert _texts(path) == [(271, 2, 0, "Maker", True)]
    (tmp_path / "a.raf").write_bytes(b"FUJIFILMCCD-RAW " + bytes(100))
    assert _texts(tmp_path / "a.raf") == []
