"""Cancelled actions and killed helpers leave nothing behind, and GIMP goes on.

DUSTBUST_ROUNDS sets how often each is tried; 100 rounds take about half an hour.
"""

import os

import pytest

from conftest import CHECKOUT

ROUNDS = int(os.environ.get("DUSTBUST_ROUNDS", 5))


@pytest.mark.parametrize("how", ["cancel", "helper"])
def test_nothing_is_left(gimp, tmp_path, how):
    result, console = gimp.run_script(
        CHECKOUT / "tests/gimp/inside/interrupt.py",
        *(str(tmp_path), str(gimp.plug_in), gimp.python, how, ROUNDS, 7),
        timeout=3000,
    )
    print(console)
    assert result["left"] == []
    assert len(result["sentences"]) + result["finished"] == ROUNDS
    assert result["sentences"]
    for sentence in result["sentences"]:
        assert "\n" not in sentence
        if how == "helper":
            assert "The core of Dustbust" in sentence
