"""What the helper gives is what the functions of the core give."""

import base64
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust.files.read import read_frame
from dustbust.review import Review
from dustbust_gimp.errors import Refused
from helpers.helper_process import as_array
from helpers.synthetic_scans import movement, simulate

SAMPLES = Path(__file__).parents[1] / "samples"
SAMPLE_RUN = sorted((SAMPLES / "run").glob("*.jpg"))
FRAMES = SAMPLE_RUN[:5]


def estimate(ask, files, **arguments):
    options = {"method": "opacity", "polarity": "light", "blank": None, "areas": [4, 0]}
    return ask("estimate_mask", files=files, threads=2, **{**options, **arguments})


@pytest.fixture(scope="module")
def found(ask):
    return estimate(ask, FRAMES)


@pytest.fixture(scope="module")
def expected():
    return dustbust.estimate_mask(FRAMES)


def test_a_review_of_a_mask(ask, found, expected):
    begun = ask("begin_review", dust=found["dust"], threads=1)
    review, threshold = begun["review"], begun["threshold"]
    assert threshold == expected.threshold
    shown = {"review": review, "threshold": threshold}
    listed = ask("review_particles", order="size", at=[], **shown)
    assert listed["number"] == -1
    same = Review(expected)
    assert listed["pixels"] == same.counts.pixels
    assert listed["particles"] == [list(each[:6]) for each in same.sorted_by("size")]
    assert not listed["changed"]

    y, x, top, left, bottom, right = listed["particles"][0]
    look = {
        "frame": FRAMES[0],
        "threshold": threshold,
        "box": [max(top - 5, 0), max(left - 5, 0), bottom + 5, right + 5],
        "reduce": 1,
        "method": "restore",
    }
    before, after = ask("look_at_review", review=review, view="clean", **look)
    part = np.s_[look["box"][0] : look["box"][2], look["box"][1] : look["box"][3]]
    assert np.array_equal(as_array(before), read_frame(FRAMES[0])[part])
    assert (as_array(before) != as_array(after)).any()

    third = listed["particles"][3]
    assert ask("review_particles", order="size", at=third[:2], **shown)["number"] == 3
    decision = ask("toggle_particle", y=y, x=x, **shown)
    assert not decision["kept"]
    changed = ask("review_particles", order="size", at=decision["at"], **shown)
    assert changed["changed"]
    assert (changed["number"], changed["can_undo"], changed["can_redo"]) == (-1, True, False)
    assert changed["particles"] == listed["particles"][1:]
    mask = ask("keep_review", review=review, threshold=threshold)
    assert mask.marked < found["dust"].marked
    assert ask("keep_review", review=review, threshold=threshold) is None
    undone = ask("undo_review", review=review)
    assert undone == decision | {"kept": True}
    back = ask("review_particles", order="size", at=undone["at"], **shown)
    assert (back["number"], back["can_undo"], back["can_redo"]) == (0, False, True)
    again = ask("keep_review", review=review, threshold=threshold)
    assert again.marked == found["dust"].marked
    assert ask("redo_review", review=review) == decision
    assert not ask("redo_review", review=review)


def test_a_frame_that_cannot_be_read_ahead_is_reported_when_it_is_looked_at(ask, found, tmp_path):
    missing = tmp_path / "missing.jpg"
    assert ask("read_ahead", frame=missing) is None
    begun = ask("begin_review", dust=found["dust"], threads=1)
    look = {"box": [0, 0, 9, 9], "reduce": 1, "view": "clean", "method": "restore"}
    with pytest.raises(Refused, match="missing"):
        ask("look_at_review", frame=missing, **begun, **look)


def scans(seed=3, count=3):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 255, (30, 40, 3), np.uint8) for _ in range(count)]


def test_a_picture_comes_back_as_it_went(picture):
    rng = np.random.default_rng(1)
    for dtype, channels in (("uint8", 3), ("uint16", 1), ("float32", 4)):
        array = rng.integers(0, 200, (5, 7, channels)).astype(dtype)
        assert np.array_equal(as_array(picture(array)), array)


def test_the_mask_of_a_run_travels_into_an_image_and_back(ask, found, expected):
    assert found["frames"] == list(map(str, FRAMES))
    assert found["particles"] == len(expected.particles) > 0
    assert found["coverage"] == expected.coverage
    assert [warning["template"][:4] for warning in found["warnings"]] == ["Only"]
    image = ask("picture_of_mask", dust=found["dust"])
    grey = as_array(image["grey"])[..., 0]
    assert np.array_equal(grey, np.round(expected.grey * 65535))
    again = ask(
        "mask_of_picture",
        **{name: image[name] for name in ("grey", "extra", "threshold")},
        shown=None,
        name="mask",
    )
    assert again.model
    assert again.marked == np.count_nonzero(expected.binary())


def test_a_mask_of_8_bits_marks_the_same_at_every_threshold_of_its_image(ask, found, expected):
    extra = ask("picture_of_mask", dust=found["dust"])["extra"]
    kept = {"grey": ask("levels_of_mask", dust=found["dust"]), "extra": extra}
    grey = as_array(kept["grey"])[..., 0]
    assert grey.dtype == np.uint8
    assert np.array_equal(grey >= 255 * expected.threshold, expected.binary())
    # The lower end of a threshold in an image of 8 bits; at 128, it is the suggestion.
    levels = [level for level in range(1, 256) if level != 128]
    for level in levels:
        assert np.array_equal(grey >= level, expected.binary(level / 255)), level
    for threshold in (*(level / 255 for level in levels[::16]), expected.threshold):
        again = ask("mask_of_picture", **kept, threshold=threshold, shown=None, name="mask")
        assert again.marked == np.count_nonzero(expected.binary(threshold))
    # Below the threshold, the steps themselves come back; above it, whole levels.
    whole = as_array(ask("picture_of_mask", dust=again)["grey"])
    whole = whole[..., 0].astype(int)
    steps = np.round(expected.grey * 65535).astype(int)
    below = (steps < 32768) & (steps != 256)
    assert np.array_equal(whole[below], steps[below])
    assert np.abs(whole - steps).max() <= 257


def test_what_the_user_painted_counts(ask, picture):
    grey = np.zeros((6, 8), np.uint16)
    grey[1, 1] = grey[4, 4] = 40000
    empty = dustbust.DustMask(np.zeros((6, 8), np.float32), 0.5)
    extra = base64.b64encode(empty.extra()).decode()
    shown = np.where(grey > 30000, 255, 0).astype(np.uint8)
    shown[1, 1], shown[3, 2] = 0, 255  # protects one particle, and adds another
    both = {"grey": picture(grey), "shown": picture(shown), "extra": extra}
    mask = ask("mask_of_picture", threshold=0.5, name="mask", **both)
    result = as_array(ask("picture_of_mask", dust=mask)["grey"])[..., 0]
    expected = np.zeros_like(grey)
    expected[4, 4], expected[3, 2] = 40000, 65535
    assert np.array_equal(result, expected)
    both["shown"] = picture(np.full((6, 8), 100, np.uint8))
    with pytest.raises(Refused) as refusal:
        ask("mask_of_picture", threshold=0.5, name="my mask", **both)
    assert refusal.value.args[0]["words"] == {"image": "my mask"}


@pytest.mark.parametrize(
    ("greys", "refused"),
    [
        ([100, 100, 100], False),
        ([100] * 4, True),
        ([5] * 9, False),
        ([250] * 9, False),
        ([6, 128, 249], False),
        ([6, 128, 249, 249], True),
    ],
)
def test_a_mask_that_is_mostly_grey_has_no_threshold(ask, picture, greys, refused):
    """Greys of 2 to 98 per cent; as many of them as of white pixels are edges."""
    shown = np.zeros((6, 8), np.uint8)
    shown[0, :3] = 255
    shown[2:].ravel()[: len(greys)] = greys
    empty = dustbust.DustMask(np.zeros((6, 8), np.float32), 0.5)
    arguments = {
        "grey": picture(np.zeros((6, 8), np.uint16)),
        "extra": base64.b64encode(empty.extra()).decode(),
        "shown": picture(shown),
    }
    if refused:
        with pytest.raises(Refused):
            ask("mask_of_picture", threshold=0.5, name="mask", **arguments)
    else:
        assert ask("mask_of_picture", threshold=0.5, name="mask", **arguments).marked >= 3


def test_a_layer_is_cleaned_as_the_core_does(ask, picture, found, expected):
    frame, dust = read_frame(FRAMES[0]), found["dust"]
    where = {"offset": [0, 0], "canvas": [frame.shape[1], frame.shape[0]], "name": "scan"}
    layer = picture(frame)
    done = ask("clean_layer", picture=layer, dust=dust, method="fill", threads=2, **where)
    clean, report = dustbust.apply_mask(frame, expected, method="fill", return_report=True)
    assert np.array_equal(as_array(layer), clean)
    assert done["filled"] == report.filled
    assert done["parts"] == ask("changes", before=picture(frame), after=layer)["parts"]


def test_a_layer_that_is_a_part_of_the_picture_is_cleaned_where_it_lies(ask, picture):
    frame = np.full((40, 50, 3), 90, np.uint8)
    mask = np.zeros((40, 50), np.uint8)
    mask[20:23, 30:33] = frame[20:23, 30:33] = 255
    part = np.ascontiguousarray(frame[10:35, 20:50])
    settings = {"method": "fill", "canvas": [50, 40], "name": "scan", "threads": 1}
    white = ask("mask_of_white", picture=picture(mask))
    layer = picture(part)
    done = ask("clean_layer", picture=layer, dust=white, offset=[20, 10], **settings)
    expected = dustbust.apply_mask(part, mask[10:35, 20:50] > 0, method="fill")
    assert np.array_equal(as_array(layer), expected)
    selection = picture((expected == part).all(axis=2).astype(np.float32))
    assert ask("outside", changed=done["changed"], selection=selection) == 1
    with pytest.raises(Refused) as refusal:
        ask("clean_layer", picture=picture(part), dust=white, offset=[60, 10], **settings)
    assert refusal.value.args[0]["template"] == "{layer}: lies outside the picture."


def test_repairs_are_opaque_where_something_changed(ask, picture):
    before = np.full((4, 5, 3), 10, np.uint8)
    after = before.copy()
    after[1, 2] = after[3, 4] = 99
    half = np.ones((4, 5, 1), np.float32)
    half[3] = 0.5
    where = ask("changes", before=picture(before), after=picture(after))
    assert where["parts"] == [[0, 0, 5, 4]]
    layer = as_array(ask("repairs", picture=picture(after), limits=[picture(half)], **where))
    assert layer[1, 2].tolist() == [99, 99, 99, 255]
    assert layer[3, 4].tolist() == [99, 99, 99, 128]
    assert np.count_nonzero(layer[..., 3]) == 2


def test_parts_that_changed_are_made_of_tiles(ask, picture):
    before = np.full((150, 200, 3), 10, np.uint16)
    after = before.copy()
    after[3, 70:140] = after[149, 199] = 99
    parts = ask("changes", before=picture(before), after=picture(after))["parts"]
    assert parts == [[64, 0, 128, 64], [192, 128, 8, 22]]
    shown = picture(after).parts(parts)
    for (x, y, width, height), data in zip(parts, shown, strict=True):
        assert data == after[y : y + height, x : x + width].tobytes()
    assert ask("changes", before=picture(before), after=picture(before))["parts"] == []


def test_merging_replaces_pixels_where_something_changed(ask, picture):
    before = np.full((4, 5, 3), 10, np.uint8)
    after = before.copy()
    after[1, 2] = after[2, 4] = after[3, 0] = 99
    changed = ask("changes", before=picture(before), after=picture(after))["changed"]
    # Pixels of six bytes, such as a drawable of half floats stores them.
    old = np.arange(2 * 4 * 6, dtype=np.uint8).reshape(8, 6)
    data = old.tobytes(), (old + 100).tobytes()
    merged = changed.helper.merge(changed, [1, 1, 4, 2], *data)
    expected = old.copy()
    expected[[1, 7]] += 100
    assert merged == expected.tobytes()


def test_repairs_outside_a_selection_are_counted(ask, picture):
    before, selection = np.zeros((40, 50, 3), np.uint8), np.zeros((40, 50, 1), np.float32)
    after = before.copy()
    for y, x in ((3, 3), (10, 30), (20, 40), (30, 10), (30, 30)):
        after[y : y + 4, x : x + 4] = 7
    selection[:14, :32] = 1  # one spot is in it, and one half
    selection[33, 33] = 0.2  # a pixel of one more, faintly
    changed = ask("changes", before=picture(before), after=picture(after))["changed"]
    assert ask("outside", selection=picture(selection), changed=changed) == 2


def test_files_are_planned_and_cleaned_as_the_core_does(ask, tmp_path, found, expected):
    files = [Path(shutil.copy(path, tmp_path)) for path in FRAMES]
    dust = found["dust"]
    run = {"run": files, "mask": None, "first": None, "last": None}
    run |= {"dust": dust, "review": None, "method": "restore"}
    plan = ask("plan_files", folder="cleaned", **run)
    assert (plan["new"], plan["up_to_date"], plan["folder"]) == (5, 0, str(tmp_path / "cleaned"))
    settings = {"exists": "skip", "method": "restore", "threads": 2}
    done = ask("clean_files", files=files, dust=dust, folder="cleaned", **settings)
    assert (done["written"], done["unchanged"], done["failed"]) == (5, 0, [])
    dustbust.clean_frames(files, expected, "core")
    receipt = json.loads((tmp_path / "core" / "dustbust-receipt.json").read_text())["files"]
    most = max(entry["filled"] for entry in receipt.values())
    assert done["look_first"]["filled"] == most > 0
    assert receipt[done["look_first"]["file"]]["filled"] == most
    for path in files:
        of_core = (tmp_path / "core" / path.name).read_bytes()
        assert (tmp_path / "cleaned" / path.name).read_bytes() == of_core
    assert ask("plan_files", folder="cleaned", **run)["up_to_date"] == 5
    review = ask("begin_review", dust=dust, threads=1)["review"]
    run["review"] = review
    assert ask("plan_files", folder="cleaned", **run)["up_to_date"] == 5
    ask("review_particles", review=review, threshold=0.6, order="size", at=[])
    assert ask("plan_files", folder="cleaned", **run)["outdated"] == 5
    files[2].unlink()
    assert ask("plan_files", folder="cleaned", **run)["missing"] == [str(files[2])]


def test_a_run_is_looked_for_beside_its_mask_first(ask, tmp_path):
    files = [tmp_path / "roll" / folder / f"{name}.jpg" for folder in ("a", "b") for name in "12"]
    copies = [tmp_path / "copy" / file.relative_to(tmp_path / "roll") for file in files]
    for file in files + copies:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"a frame")

    def found(mask):
        return ask("files_to_clean", run=files, mask=mask, first=None, last=None)

    for mask, expected in ((None, files), ("copy", copies), ("roll", files), ("elsewhere", files)):
        mask = mask and tmp_path / mask / "dust.xcf"
        assert found(mask) == {"files": list(map(str, expected)), "missing": []}
    copies[1].unlink()  # then the run is whole only where it was
    assert found(tmp_path / "copy" / "dust.xcf")["files"] == list(map(str, files))
    shutil.rmtree(tmp_path / "roll")
    assert found(tmp_path / "copy" / "dust.xcf") == {
        "files": list(map(str, copies)),
        "missing": [str(copies[1])],
    }


def test_a_run_that_was_moved_is_found_by_one_of_its_frames(ask, tmp_path):
    files = [Path("/roll/a/1.jpg"), Path("/roll/a/2.jpg"), Path("/roll/b/1.jpg")]
    moved = [tmp_path / "new" / file.relative_to("/roll") for file in files]
    for one in moved:
        assert ask("moved_run", run=files, frame=one) == list(map(str, moved))
    with pytest.raises(Refused) as refusal:
        ask("moved_run", run=files, frame=tmp_path / "new" / "a" / "3.jpg")
    assert refusal.value.args[0]["words"]["frame"] == "1.jpg"


def test_a_folder_that_cannot_be_written_is_refused_before(ask, tmp_path):
    files = [Path(shutil.copy(path, tmp_path)) for path in FRAMES]
    (tmp_path / "file").write_text("not a folder")
    mask = ask("load_mask", path=SAMPLES / "run-dust.png")
    with pytest.raises(Refused) as refusal:
        ask(
            "plan_files",
            **{"run": files, "mask": None, "first": None, "last": None},
            **{"dust": mask, "review": None, "method": "fill"},
            folder=tmp_path / "file" / "cleaned",
        )
    text = refusal.value.args[0]
    assert text["template"] == "{folder}: cannot be written to; choose another folder."
    assert text["words"] == {"folder": str(tmp_path / "file")}


def test_a_page_is_the_cores(ask, picture):
    pictures = scans()
    made = ask(
        "scans",
        pictures=[picture(each) for each in pictures],
        positions=[[0, 0], [3, -2], [0, 0]],
        names=["a", "b", "c"],
        threads=2,
    )
    assert ask("describe_scans", scans=made, mode="mean", align=False) is None
    for mode in ("median", "range"):
        done = ask("stack", scans=made, mode=mode, align=False, polarity="auto")
        positions = [(0, 0), (3, -2), (0, 0)]
        expected = dustbust.stack_scans(
            pictures, mode=mode, align=False, positions=positions, view=True
        )
        assert np.array_equal(as_array(done["page"]), expected), mode
        assert done["dust"] is None


def test_an_aligned_page_is_the_cores(ask, picture):
    case = simulate([movement(23.0, -14.5)], shape=(384, 448), seed=4)
    pictures = [scan[..., None] for scan in case.scans]
    made = ask(
        "scans",
        pictures=[picture(each) for each in pictures],
        positions=[[0, 0], [0, 0]],
        names=["a", "b"],
        threads=2,
    )
    [moved] = ask("describe_scans", scans=made, mode="dust-free", align=True)
    # How far the middle of the page went.
    middle = np.array([447 / 2, 383 / 2, 1])
    right = case.matrices[1] @ middle - middle
    assert (moved["x"], moved["y"]) == pytest.approx((right[0], right[1]), abs=0.1)
    assert moved["confidence"] > 0.5
    done = ask("stack", scans=made, mode="dust-free", align=True, polarity="auto")
    expected = dustbust.stack_scans(pictures, view=True, return_report=True)
    assert np.array_equal(as_array(done["page"]), expected.page)
    assert done["coverage"] == pytest.approx(expected.dust.coverage)
    assert done["filled"] == pytest.approx(expected.filled)
    second = as_array(ask("aligned", scans=made, report=done["report"], number=1))
    inside = second[..., 1] == 255
    assert inside.mean() > 0.8
    free = inside & (case.dust < 0.01)
    difference = np.abs(second[..., 0].astype(float) - case.clean)[free]
    assert np.median(difference) < 12
    spot, page = ask(
        "look_at_page", scans=made, number=0, mode="dust-free", align=True, polarity="auto"
    )
    assert spot.shape == page.shape
    assert spot.shape[2] == 3


def test_a_page_that_did_not_move_is_refused_by_name(ask, picture):
    case = simulate([movement(0.0, 0.0)], shape=(384, 448), seed=4)
    made = ask(
        "scans",
        pictures=[picture(scan[..., None]) for scan in case.scans],
        positions=[[0, 0], [0, 0]],
        names=["a", "b"],
        threads=2,
    )
    with pytest.raises(Refused) as refusal:
        ask("describe_scans", scans=made, mode="dust-free", align=True)
    assert refusal.value.args[0]["words"]["scan"] == "b"


def test_a_spot_of_a_mask_before_and_after(ask, picture, found, expected):
    frame = read_frame(FRAMES[0])
    preview = ask("mask_preview", dust=found["dust"])
    before, after = ask(
        "look_at_spot", preview=preview, number=0, picture=picture(frame), method="restore"
    )
    assert before.shape == after.shape
    before, after = as_array(before), as_array(after)
    assert (before != after).any()
    height, width = before.shape[:2]
    [(y, x)] = [
        (y, x)
        for y in range(frame.shape[0] - height + 1)
        for x in range(frame.shape[1] - width + 1)
        if np.array_equal(frame[y, x : x + width], before[0])
    ]
    part = np.s_[y : y + height, x : x + width]
    assert np.array_equal(frame[part], before)
    # The presence of the dust is judged from the part alone, so the repair may differ a little.
    clean = dustbust.apply_mask(frame, expected, threads=1)[part].astype(float)
    assert np.abs(after - clean).mean() < 0.5 * np.abs(before - clean).mean()


def test_files_of_a_run_are_those_between_its_ends(ask, tmp_path):
    files = [Path(shutil.copy(path, tmp_path)) for path in FRAMES]
    assert ask("files_of_run", first=files[1], last=files[3]) == list(map(str, files[1:4]))
    assert ask("files_of_run", first=files[1], last=None) == list(map(str, files[1:]))
    with pytest.raises(Refused) as refusal:
        ask("files_of_run", first=tmp_path / "gone.jpg", last=None)
    assert "gone.jpg" in refusal.value.args[0]["words"]["path"]


def test_runs_are_found_among_files(ask, tmp_path):
    """Frames, and the same upside down: their dust is somewhere else."""
    files = [Path(shutil.copy(path, tmp_path)) for path in SAMPLE_RUN]
    turned = [tmp_path / f"later{number}.png" for number in range(len(files))]
    for source, target in zip(files, turned, strict=True):
        with Image.open(source) as picture:
            picture.transpose(Image.Transpose.ROTATE_180).save(target)
    runs = ask("find_runs", files=[*files, *turned], threads=2)
    assert runs == [list(map(str, files)), list(map(str, turned))]


def test_pictures_for_the_screen_are_rgb(ask, picture):
    small = ask("thumbnail", path=FRAMES[0])
    assert small.dtype == "uint8"
    assert max(small.shape[:2]) == 240
    filled = as_array(ask("on_canvas", picture=picture(scans()[0]), height=35, width=50))
    assert (filled[30:] == 255).all()
    assert np.array_equal(filled[:30, :40], scans()[0])
