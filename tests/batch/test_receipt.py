"""A receipt may come from a stranger: types and names are checked, and the reason is said."""

import json

import pytest

import dustbust
from dustbust.batch.receipt import RECEIPT_NAME, Receipt, check_entry, verify

ENTRY = {"frame": "/1.jpg", "size": 1, "sha256": "0", "batch": 0}


def of(files, batches=({},), **more):
    """A receipt as it lies in the file."""
    return json.dumps({"format": 1, "batches": batches, "files": files, **more})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", ""),
        ("{}", "'format'"),
        ("null", ""),
        ('{"format": 2}', "its format is 2, not 1"),
        ('{"format": 0}', "its format is 0, not 1"),
        ('{"format": 1, "batches": []}', "'files'"),
        ("[" * 100000, ""),
        (of({}, {}), "batches must be a list of objects"),
        (of({}, [{}, 1]), "batches must be a list of objects"),
        (of([]), "files must be an object"),
        (of({}, warnings={}), "warnings must be a list of texts"),
        (of({}, warnings=["a", 1]), "warnings must be a list of texts"),
        *(
            (of({name: ENTRY}), "is not the name of a file")
            for name in ("../a", "a/b", "/a", "a\0", "", ".", "..", "\ud800")
        ),
        (of({"a": {**ENTRY, "size": "1"}}), "its entry for 'a' is incomplete"),
        (of({"a": {**ENTRY, "size": True}}), "its entry for 'a' is incomplete"),
        (of({"a": {**ENTRY, "batch": True}}), "its entry for 'a' is incomplete"),
        (of({"a": {"size": 1, "sha256": "", "batch": 0}}), "its entry for 'a' is incomplete"),
        (of({"a": [1]}), "its entry for 'a' is incomplete"),
        (of({"a": {**ENTRY, "batch": 1}}), "'a' is of batch 1, which it does not have"),
        (of({"a": {**ENTRY, "batch": -1}}), "'a' is of batch -1, which it does not have"),
        ('{"format": ' + "9" * 5000 + "}", ""),
        ("\0" * 100, ""),
    ],
    ids=lambda text: text[:60],
)
def test_receipts_are_checked(tmp_path, text, reason):
    path = tmp_path / RECEIPT_NAME
    path.write_text(text)
    with pytest.raises(dustbust.DustbustError, match="is not a receipt of dustbust") as raised:
        verify(tmp_path)
    assert str(path) in str(raised.value)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", [5, None, "", ".", "..", "a/b", "a\0b"])
def test_only_names_of_files_are_entered(name):
    with pytest.raises(ValueError, match="is not the name of a file"):
        check_entry(name, ENTRY, 1)
    check_entry("...", ENTRY, 1)


def test_a_receipt_is_read_as_it_was_written(tmp_path):
    path = tmp_path / RECEIPT_NAME
    receipt = Receipt([{"version": "1"}], {"1.jpg": ENTRY, "\u00e4.jpg": ENTRY}, ["Look at it."])
    receipt.save(path)
    assert json.loads(path.read_text(encoding="ascii"))["format"] == 1
    again = Receipt.load(path)
    assert again.batches == receipt.batches
    assert again.files == receipt.files
    assert again.warnings == receipt.warnings
