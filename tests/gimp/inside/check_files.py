"""Estimate and Apply on the files of a run give the core's files, byte for byte.

Nothing is overwritten, and a refusal leaves nothing behind.
"""

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import numpy as np
from gi.repository import Gimp
from PIL import Image

import dustbust
from helpers import (
    APPLY,
    ESTIMATE,
    FRAMES,
    STACK,
    add_layer,
    call,
    get,
    new_image,
    open_image,
    refusal,
    save,
    stored,
)


def run_in(folder, number=3, copies=1):
    """The first frames of the sample run, copied to a folder of their own."""
    (folder / "run").mkdir()
    return [
        shutil.copy(path, folder / "run" / f"{path.stem}-{copy:02}.jpg")
        for copy in range(copies)
        for path in FRAMES[:number]
    ]


def estimated(folder, **arguments):
    files = sorted((folder / "run").glob("*.jpg"))
    return call(ESTIMATE, first_frame=files[0], last_frame=files[-1], **arguments)[0]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".jpg"}


def check_apply_writes_the_cores_files_beside_the_frames(folder):
    files = run_in(folder)
    before = contents(folder / "run")
    mask = estimated(folder)
    call(APPLY, image=mask, drawables=mask.get_layers())
    dustbust.clean_frames(files, dustbust.estimate_mask(files), folder / "core")
    assert contents(folder / "run" / "cleanedphotos") == contents(folder / "core")
    assert len(contents(folder / "core")) == 3
    assert contents(folder / "run") == before


def check_another_folder_and_files_that_are_there(folder):
    run_in(folder)
    mask = estimated(folder)
    call(APPLY, image=mask, drawables=mask.get_layers(), folder=folder / "new" / "place")
    first = contents(folder / "new" / "place")
    assert len(first) == 3
    call(
        APPLY,
        image=mask,
        drawables=mask.get_layers(),
        folder=folder / "new" / "place",
        exists="rename",
    )
    assert len(contents(folder / "new" / "place")) == 6
    (folder / "new" / "place" / "frame01-00.jpg").write_bytes(b"something else")
    call(
        APPLY,
        image=mask,
        drawables=mask.get_layers(),
        folder=folder / "new" / "place",
        exists="overwrite",
    )
    assert {
        name: content
        for name, content in contents(folder / "new" / "place").items()
        if name in first
    } == first


def check_other_frames_than_those_of_the_mask(folder):
    run_in(folder)
    mask = estimated(folder)
    more = folder / "more"
    more.mkdir()
    shutil.copy(FRAMES[5], more)
    call(APPLY, image=mask, drawables=mask.get_layers(), first_frame=more / FRAMES[5].name)
    assert list(contents(more / "cleanedphotos")) == [FRAMES[5].name]


def check_a_mask_thresholded_by_hand_cleans_a_run(folder):
    files = run_in(folder)
    dust = dustbust.estimate_mask(files)
    white = np.repeat(np.where(dust.binary(), 255, 0).astype(np.uint8)[..., None], 3, 2)
    image = new_image(white.shape[1], white.shape[0])
    layer = add_layer(image, white, "R'G'B' u8")
    call(
        APPLY,
        image=image,
        drawables=[layer],
        first_frame=folder / "run" / "frame01-00.jpg",
        last_frame=folder / "run" / "frame03-00.jpg",
    )
    dustbust.clean_frames(files, dust.binary(), folder / "core")
    assert contents(folder / "run" / "cleanedphotos") == contents(folder / "core")


def check_without_a_last_frame_the_run_ends_where_the_dust_changes(folder):
    """The sample run, and after it the same frames mirrored: the dust is somewhere else."""
    files = run_in(folder, 8)
    for number, path in enumerate(files):
        with Image.open(path) as picture:
            picture.transpose(Image.Transpose.ROTATE_180).save(
                folder / "run" / f"later{number}.jpg", quality=95
            )
    (image,) = call(ESTIMATE, first_frame=folder / "run" / "frame02-00.jpg")
    frames = json.loads(bytes(image.get_parasite("dustbust-run").get_data()))["frames"]
    assert [Path(frame).name for frame in frames] == [
        f"frame{number:02}-00.jpg" for number in range(2, 9)
    ]
    (image,) = call(ESTIMATE, first_frame=folder / "run" / "later0.jpg")
    frames = json.loads(bytes(image.get_parasite("dustbust-run").get_data()))["frames"]
    assert [Path(frame).name for frame in frames] == [f"later{number}.jpg" for number in range(8)]


def check_frames_of_other_formats_are_refused_by_name(folder):
    run_in(folder)
    for name in ("a.tga", "b.tga"):
        with Image.open(folder / "run" / "frame01-00.jpg") as picture:
            picture.save(folder / "run" / name)
    for arguments in (
        {"first_frame": folder / "run" / "a.tga"},
        {"first_frame": folder / "run" / "a.tga", "last_frame": folder / "run" / "b.tga"},
    ):
        message = refusal(ESTIMATE, **arguments)
        assert "a.tga" in message and "JPEG, PNG, TIFF, WebP" in message, message
    mask = estimated(folder)
    assert "b.tga" in refusal(
        APPLY,
        image=mask,
        drawables=mask.get_layers(),
        first_frame=folder / "run" / "a.tga",
        last_frame=folder / "run" / "b.tga",
    ).replace("a.tga", "b.tga")
    assert not (folder / "run" / "cleanedphotos").exists()


def check_the_mask_is_named_for_its_run_and_says_what_it_is_of(folder):
    run_in(folder)
    (folder / "run" / "frame01-00 dust.xcf").write_text("is there already")
    image = estimated(folder)
    assert image.get_file().get_path() == str(folder / "run" / "frame01-00 dust 1.xcf")
    comment = bytes(image.get_parasite("gimp-comment").get_data()).decode()
    assert "3 frames" in comment and "Ten or more are better" in comment, comment


def check_one_bad_file_fails_the_batch_but_not_the_others(folder):
    run_in(folder)
    mask = estimated(folder)
    bad = folder / "run" / "frame02-00.jpg"
    bad.write_bytes(bad.read_bytes()[:20000])
    message = refusal(APPLY, image=mask, drawables=mask.get_layers())
    assert "frame02-00.jpg" in message and "2 cleaned frames" in message, message
    assert sorted(contents(folder / "run" / "cleanedphotos")) == [
        "frame01-00.jpg",
        "frame03-00.jpg",
    ]


def check_wrong_frames_are_named_and_nothing_is_written(folder):
    files = run_in(folder)
    assert "first frame" in refusal(ESTIMATE)
    assert "gone.jpg" in refusal(
        ESTIMATE,
        first_frame=folder / "run" / "gone.jpg",
        last_frame=folder / "run" / "frame02-00.jpg",
    )
    mask = estimated(folder)
    (folder / "file").write_text("in the way")
    assert "file" in refusal(APPLY, image=mask, drawables=mask.get_layers(), folder=folder / "file")
    os.remove(files[0])
    assert "frame01-00.jpg" in refusal(APPLY, image=mask, drawables=mask.get_layers())
    assert not (folder / "run" / "cleanedphotos").exists()


def check_frames_that_cannot_be_used_are_left_out_and_said(folder):
    files = run_in(folder)
    (folder / "run" / "frame02-text.jpg").write_text("no picture")
    small = new_image(40, 30)
    add_layer(small, np.zeros((30, 40, 3), np.uint8), "R'G'B' u8")
    save(small, folder / "run" / "frame02-00small.png")
    mask = estimated(folder)
    comment = bytes(mask.get_parasite("gimp-comment").get_data()).decode()
    assert "2 of 5 frames cannot be used" in comment
    assert "frame02-00small.png: is 40 x 30" in comment
    call(APPLY, image=mask, drawables=mask.get_layers())
    assert sorted(contents(folder / "run" / "cleanedphotos")) == [Path(file).name for file in files]


def kill_the_plug_in(when):
    """Kill the plug-in's process group, as GIMP's Cancel does, once `when()` is true."""

    def watch():
        while not when():
            time.sleep(0.02)
        for process in Path("/proc").glob("[0-9]*"):
            try:
                parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
                command = (process / "cmdline").read_bytes()
            except OSError:  # it has ended
                continue
            if parent == str(os.getppid()) and b"dustbust-gimp.py" in command:
                os.kill(int(process.name), signal.SIGKILL)
                killed.append(process.name)

    killed = []
    thread = threading.Thread(target=watch)
    thread.start()
    return thread, killed


def check_killed_in_the_middle_of_apply_all_files_are_whole(folder):
    files = run_in(folder, copies=30)
    mask = estimated(folder)
    output = folder / "run" / "cleanedphotos"
    thread, killed = kill_the_plug_in(lambda: output.exists() and len(contents(output)) >= 3)
    message = refusal(APPLY, image=mask, drawables=mask.get_layers())
    thread.join()
    assert killed
    assert message is not None
    done = contents(output)
    assert 3 <= len(done) < len(files)
    for name, _content in done.items():
        dustbust.files.read.read_frame(output / name)  # raises when it is cut short
    call(APPLY, image=mask, drawables=mask.get_layers())  # goes on where it stopped
    assert len(contents(output)) == len(files)
    assert {name: contents(output)[name] for name in done} == done


def check_killed_in_the_middle_of_stack_the_image_is_unchanged(folder):
    rng = np.random.default_rng(1)
    image = new_image(1500, 1500)
    page = rng.integers(0, 255, (1500, 1500, 3)).astype(np.uint8)
    layers = [add_layer(image, np.roll(page, 5 * shift, 1), "R'G'B' u8") for shift in range(6)]
    before = [stored(layer) for layer in layers]
    started = time.monotonic()
    thread, killed = kill_the_plug_in(lambda: time.monotonic() > started + 1.5)
    refusal(STACK, image=image, drawables=layers)
    thread.join()
    assert killed
    assert set(image.get_layers()) == set(layers)
    assert [stored(layer) for layer in layers] == before
    layer, __ = call(
        STACK, image=image, drawables=layers[:2], mode="mean", align=False
    )  # GIMP goes on
    assert get(layer, "R'G'B' u8").shape == page.shape
    assert Gimp.get_images()


def check_files_of_another_mask_are_renewed_and_changed_ones_kept(folder):
    run_in(folder)
    mask = estimated(folder)
    call(APPLY, image=mask, drawables=mask.get_layers())
    written = folder / "run" / "cleanedphotos"
    first = contents(written)
    changed = written / "frame02-00.jpg"
    with Image.open(changed) as picture:
        picture.transpose(Image.Transpose.ROTATE_180).save(changed, quality=90)
    mine = changed.read_bytes()
    threshold = mask.get_layers()[0].get_filters()[0]
    threshold.get_config().set_property("low", 0.9)
    threshold.update()
    call(APPLY, image=mask, drawables=mask.get_layers())
    second = contents(written)
    assert second["frame02-00.jpg"] == mine
    for name in ("frame01-00.jpg", "frame03-00.jpg"):
        assert second[name] != first[name], name


def check_the_window_counts_what_is_there(folder):
    from dustbust_gimp import core
    from dustbust_gimp.dialogs.apply import files_sentence

    files = [Path(file) for file in run_in(folder)]
    dust = dustbust.estimate_mask(files)
    dust.save(folder / "mask.png")
    mask = core.ask("load_mask", path=folder / "mask.png")
    written = folder / "run" / "cleanedphotos"

    def plan(method):
        run = {"run": files, "mask": None, "first": None, "last": None}
        return core.ask(
            "plan_files", **run, dust=mask, review=None, folder="cleanedphotos", method=method
        )

    assert "3 files will be written" in files_sentence(plan("restore"), "skip")
    dustbust.clean_frames(files, dust, written, method="restore")
    (written / files[0].name).write_bytes(b"mine")
    text = files_sentence(plan("restore"), "skip")
    assert "0 files will be written" in text
    assert "2 up to date, 1 changed by you" in text
    text = files_sentence(plan("fill"), "skip")
    assert "2 files will be written" in text
    assert "2 made with another mask or other settings, 1 changed by you" in text
    assert "3 files will be written" in files_sentence(plan("fill"), "overwrite")


def check_a_row_of_the_list_says_size_format_and_why_it_is_left_out(folder):
    from dustbust_gimp import core
    from dustbust_gimp.dialogs import frame_list

    files = run_in(folder)
    Path(files[1]).write_bytes(b"broken")
    listed = core.ask("list_frames", sources=[str(folder / "run")], one_format=True)["files"]
    with Image.open(files[0]) as picture:
        size = "{} x {}".format(*picture.size)
    good, bad, _ = (frame_list.row_of(number, file) for number, file in enumerate(listed))
    columns = frame_list.SIZE, frame_list.FORMAT, frame_list.WHY, frame_list.USED
    assert [good[column] for column in columns] == [size, "8-bit JPEG", "", True]
    assert [bad[column] for column in columns] == ["", "", "cannot be read", False]
    assert "frame02" in bad[frame_list.TOOLTIP]


def check_names_of_masks_are_those_of_no_file_and_no_image(folder):
    run_in(folder)
    first, second = estimated(folder), estimated(folder)
    names = [Path(image.get_file().get_path()).name for image in (first, second)]
    assert names == ["frame01-00 dust.xcf", "frame01-00 dust 1.xcf"]
    save(first, folder / "run" / names[0])
    save(second, folder / "run" / names[1])
    first.delete()
    second.delete()
    third = estimated(folder)
    assert Path(third.get_file().get_path()).name == "frame01-00 dust 2.xcf"


def check_a_saved_mask_finds_its_run_beside_itself(folder):
    files = [Path(file) for file in run_in(folder)]
    mask = estimated(folder)
    save(mask, folder / "run" / "dust.xcf")
    mask.delete()
    (folder / "run").rename(folder / "moved")
    again = open_image(folder / "moved" / "dust.xcf")
    call(APPLY, image=again, drawables=again.get_layers())
    written = contents(folder / "moved" / "cleanedphotos")
    assert {file.name for file in files} <= set(written)


def check_a_moved_run_is_found_by_one_frame(folder):
    from dustbust_gimp.errors import Refused
    from dustbust_gimp.gimp import mask_image

    files = [Path(file) for file in run_in(folder)]
    mask = estimated(folder, frame=files[1])
    save(mask, folder / "dust.xcf")
    moved = folder / "elsewhere" / "roll"
    moved.parent.mkdir()
    (folder / "run").rename(moved)
    assert "no longer where" in refusal(APPLY, image=mask, drawables=mask.get_layers())
    shutil.copy(FRAMES[0], moved / "stranger.jpg")
    try:
        mask_image.move_run(mask, moved / "stranger.jpg")
    except Refused:
        pass
    else:
        raise AssertionError("a stranger is not of this run")
    mask_image.move_run(mask, moved / files[2].name)
    assert mask_image.files_of(mask).files == [str(moved / file.name) for file in files]
    assert mask_image.shown_of(mask) == str(moved / files[1].name)
    call(APPLY, image=mask, drawables=mask.get_layers())
    assert {file.name for file in files} <= set(contents(moved / "cleanedphotos"))


def check_the_actions_are_found_by_what_people_type(folder):
    """GIMP's action search looks into labels and blurbs."""
    for name in (ESTIMATE, APPLY, STACK):
        procedure = Gimp.get_pdb().lookup_procedure(name)
        text = (procedure.get_menu_label() + " " + procedure.get_blurb()).lower()
        for word in ("dust", "scratch", "speck", "clean", "microfilm"):
            assert word in text, (name, word)


def check_a_blank_scan_tells_the_dust_of_one_frame(folder):
    rng = np.random.default_rng(4)
    dust = np.zeros((160, 200), bool)
    for y, x in rng.integers(10, 150, (12, 2)):
        dust[y : y + 4, x : x + 4] = True
    blank = np.where(dust, 90, 220) + rng.normal(0, 1, dust.shape)
    frame = np.linspace(60, 180, 200) * np.where(dust, 90 / 220, 1) + rng.normal(0, 1, dust.shape)
    for name, picture in (("blank.png", blank), ("frame.png", frame)):
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(folder / name)
    arguments = {"first_frame": folder / "frame.png", "last_frame": folder / "frame.png"}
    (image,) = call(ESTIMATE, **arguments, blank=folder / "blank.png", polarity="dark")
    expected = dustbust.estimate_mask(
        [folder / "frame.png"], blank=folder / "blank.png", polarity="dark"
    )
    assert expected.binary()[dust].mean() > 0.9
    assert np.array_equal(
        get(image.get_layers()[0], "Y' u16")[..., 0], np.round(expected.grey * 65535)
    )
    message = refusal(ESTIMATE, **arguments, blank=folder / "gone.png")
    assert "gone.png" in message, message
