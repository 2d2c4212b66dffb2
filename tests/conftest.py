"""What all tests share."""

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_state(tmp_path_factory):
    """What the program remembers of the files that it wrote stays out of the user's folders."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    yield
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before
