"""Whatever is in a mask file: one sentence, or a mask that can be used."""

import io
import json
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import dustbust
from dustbust.dust.model import DustModel
from helpers.mask_files import HEADER, archive, array_file, mask_with


def refusal(action, *arguments):
    """The sentence with which something is refused; None if it is not."""
    try:
        action(*arguments)
    except dustbust.DustbustError as error:
        return str(error)
    return None


def use(path):
    """Do everything that is done with a mask, if it is one. Whether it was."""
    actions = (
        lambda mask: mask.summary(),
        lambda mask: mask.particles,
        lambda mask: mask.warnings,
        lambda mask: mask.save(path.with_name("again.png")),
        lambda mask: dustbust.apply_mask(np.full((4, 5), 100, np.uint8), mask, return_report=True),
        lambda mask: dustbust.clean_frames(list(mask.frames), mask),
    )
    sentence = refusal(dustbust.DustMask.load, path)
    if sentence is not None:
        assert str(path) in sentence
        assert "\n" not in sentence
        return False
    for action in actions:
        sentence = refusal(action, dustbust.DustMask.load(path))
        assert sentence is None or "\n" not in sentence
    return True


def header(**change):
    return json.dumps({**HEADER, **change})


def with_bytes(data, local, central, value):
    """A zip file with other bytes at a place of each entry's local and central header."""
    data = bytearray(data)
    for signature, offset in ((b"PK\3\4", local), (b"PK\1\2", central)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset : at + offset + len(value)] = value
            at = data.find(signature, at + 4)
    return bytes(data)


SOUND = archive({"header.json": header()})

DATA = {
    "nothing": b"",
    "no zip file": b"Dear Sir",
    "no header": archive({"x.npy": b""}),
    "encrypted": with_bytes(SOUND, 6, 8, b"\1"),
    "another compression": with_bytes(SOUND, 8, 10, b"\x0e"),
    "unknown compression": with_bytes(SOUND, 8, 10, b"\x63"),
    "damaged lzma": archive({"header.json": header()}, zipfile.ZIP_LZMA).replace(b"]\0", b"\xff\0"),
    "no names": with_bytes(SOUND.replace(b"header.json", b"\xff\xfeader.json"), 7, 9, b"\x08"),
    "a long comment": SOUND + b"x" * 70000,
    "no text": archive({"header.json": b"\xff\xfe\xfd"}),
    "deep": archive({"header.json": b"[" * 200000}),
    "a long number": archive({"header.json": header().replace("0.5", "9" * 5000)}),
    "a frame with a zero byte": archive({"header.json": header(frames=["a\0b.jpg"])}),
    "a frame that is no text": archive({"header.json": header(frames=["\ud800.jpg"])}),
    "a frame with a long name": archive({"header.json": header(frames=["a" * 100000])}),
    "a frame without a name": archive({"header.json": header(frames=[""])}),
    "a folder for a frame": archive({"header.json": header(frames=["/"])}),
    "no frames": archive({"header.json": header(frames=[])}),
    "warnings that are none": archive({"header.json": header(report={"warnings": 5})}),
    "warnings of numbers": archive({"header.json": header(report={"warnings": [5]})}),
    "a list of frames": archive({"header.json": header(report={"frames": [1]})}),
    "a shape of lists": archive({"header.json": header(shape=[[4], 5])}),
    "a shape of one": archive({"header.json": header(shape=[5])}),
    **{
        f"an array with the shape {shape[:20]}": archive(
            {"header.json": header(), "a.npy": array_file("|u1", shape, b"a")}
        )
        for shape in ("(" * 4000 + ")" * 4000, "'x'", "(1,\0)", "(True,)", "(" + "1," * 65 + ")")
    },
}


@pytest.mark.parametrize("kind", DATA)
def test_data_of_strangers_are_a_mask_or_one_sentence(tmp_path, kind):
    use(mask_with(tmp_path, DATA[kind]))


def array(values):
    content = io.BytesIO()
    np.lib.format.write_array(content, values, allow_pickle=False)
    return content.getvalue()


def model_arrays():
    """The model of one particle, as it is packed."""
    where, core = np.zeros((4, 5), bool), np.zeros((4, 5), bool)
    where[1:3, 1:4] = core[1, 2] = True
    density, error = np.full(6, 0.3, np.float32), np.full(6, 0.01, np.float32)
    return DustModel(where, core, density, error, np.ones(1, np.float32), np.zeros(1, bool)).pack()


def variants(values):
    """Other arrays in the place of one."""
    largest = 255 if values.dtype.kind == "u" else np.inf
    return [
        values[:0],
        values[None],
        np.array(3, values.dtype),
        np.zeros_like(values),
        np.full_like(values, largest),
        np.full(values.shape, np.nan, np.float16),
        np.full(values.shape, 2**32 - 1, np.uint32),
        values.astype(values.dtype.newbyteorder(">")),
        np.concatenate([values, values]),
    ]


def with_model(tmp_path, arrays):
    entries = {f"{name}.npy": array(values) for name, values in arrays.items()}
    return mask_with(tmp_path, {"header.json": header(), **entries})


def test_a_sound_model_is_used(tmp_path):
    assert use(with_model(tmp_path, model_arrays()))
    mask = dustbust.DustMask.load(tmp_path / "mask.png")
    assert DustModel.unpack(mask.model, (4, 5)).share.tolist() == [1]


@pytest.mark.parametrize("name", model_arrays())
def test_models_of_strangers_are_used_or_refused(tmp_path, name):
    sound = model_arrays()
    for values in variants(sound[name]):
        use(with_model(tmp_path, {**sound, name: values}))
    del sound[name]
    use(with_model(tmp_path, sound))


@pytest.mark.parametrize("name", model_arrays())
def test_arrays_of_another_kind_are_refused(name):
    sound = model_arrays()
    for values in (sound[name][None], sound[name].astype(np.float64)):
        with pytest.raises(dustbust.DustbustError, match="of another kind"):
            DustModel.unpack({**sound, name: values}, (4, 5))


def test_sound_data_of_a_mask_are_read(tmp_path):
    """So that the refusals below are for what they say."""
    path = mask_with(
        tmp_path,
        {"header.json": json.dumps(HEADER), "slope.npy": array_file("|u1", "(3,)", b"abc")},
    )
    assert dustbust.DustMask.load(path).model["slope"].tolist() == [97, 98, 99]


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": 2},
        {"threshold": "0.5"},
        {"threshold": True},
        {"threshold": float("nan")},
        {"polarity": "up"},
        {"polarity": []},
        {"frames": [1]},
        {"frames": "a.jpg"},
        {"method": 3},
        {"report": []},
        {"shape": 7},
    ],
    ids=str,
)
def test_header_of_a_mask_is_checked(tmp_path, change):
    path = mask_with(tmp_path, {"header.json": json.dumps({**HEADER, **change})})
    with pytest.raises(dustbust.DustbustError, match="damaged"):
        dustbust.DustMask.load(path)


@pytest.mark.parametrize(
    "content",
    [
        array_file("|O", "(1,)", b"cos\nsystem\n(S'true'\ntR."),
        array_file("|u1", "(1 << 40,)"),
        array_file("|u1", "(99999999999,)"),
        array_file("<f8", "(1,)", bytes(8)),
        array_file("|u1", "(-1,)", b"abc"),
        array_file("|u1", "__import__('os')"),
        b"",
        b"\x93NUMPY\x09\0",
    ],
    ids=repr,
)
def test_arrays_of_a_mask_are_checked_and_never_evaluated(tmp_path, content):
    path = mask_with(tmp_path, {"header.json": json.dumps(HEADER), "slope.npy": content})
    with pytest.raises(dustbust.DustbustError, match="damaged"):
        dustbust.DustMask.load(path)


def test_mask_that_would_unpack_to_gigabytes_is_refused(tmp_path):
    path = mask_with(
        tmp_path,
        {"header.json": json.dumps(HEADER), **{f"{i}.npy": bytes(2**28) for i in range(5)}},
    )
    assert path.stat().st_size < 2**21
    with pytest.raises(dustbust.DustbustError, match="larger than a mask"):
        dustbust.DustMask.load(path)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does")
@pytest.mark.parametrize("length", [2**31 - 1, 2**32 - 1])
def test_data_that_claim_gigabytes_cost_nothing(tmp_path, length):
    path = mask_with(tmp_path, SOUND)
    data = bytearray(path.read_bytes())
    struct.pack_into(">I", data, data.index(b"duSt") - 4, length)
    path.write_bytes(data)
    script = """
import resource, sys
import dustbust
with open("/proc/self/statm") as f:
    taken = int(f.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + (300 << 20), taken + (300 << 20)))
try:
    dustbust.DustMask.load(sys.argv[1])
except dustbust.DustbustError:
    print("refused")
"""
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert done.stdout == "refused\n", done.stderr
