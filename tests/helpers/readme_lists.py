"""The lists in the README that follow from the core's tables.

python tests/helpers/readme_lists.py    bring the README up to date
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dustbust.estimation.methods import METHODS as ESTIMATION_METHODS
from dustbust.files.formats import table_of_formats
from dustbust.restoration.methods import METHODS as RESTORATION_METHODS
from dustbust.stacking.modes import MODES

README = Path(__file__).parents[2] / "README.md"


def lists() -> dict[str, str]:
    """Name of a list -> its text, as it stands between `<!-- NAME -->` and `<!-- end -->`."""
    return {
        "restoration methods": bullets(RESTORATION_METHODS),
        "stacking modes": bullets(MODES),
        "estimation methods": bullets(ESTIMATION_METHODS),
        "formats": table(("format", "suffixes", "what is read and kept"), table_of_formats()),
    }


def bullets(entries: Mapping[str, Any]) -> str:
    return "\n".join(f"- **{entry.name}**: {entry.summary}" for entry in entries.values())


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def with_lists(text: str) -> str:
    """A README with its lists brought up to date."""
    for name, content in lists().items():
        marker = f"<!-- {name} -->\n"
        if text.count(marker) != 1:
            raise ValueError(f"the README must have one line {marker.strip()}")
        before, after = text.split(marker)
        end = after.index("<!-- end -->")
        text = f"{before}{marker}\n{content}\n\n{after[end:]}"
    return text


if __name__ == "__main__":
    README.write_text(with_lists(README.read_text()))
