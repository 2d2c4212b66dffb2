"""A plugin of pytest: notes the processor time of each test in its report.

Time by the clock depends on what else the machine does, and so would the choice of tests.
"""

import os
from collections.abc import Generator

import pytest

PROPERTY = "processor time"


def _used() -> float:
    """Processor time of this process and of those that it has seen end, in seconds."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    start = _used()
    try:
        return (yield)
    finally:
        item.user_properties.append((PROPERTY, _used() - start))
