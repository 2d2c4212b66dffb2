"""The places of a source file where an operator or a number can be another one."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

PYTHON_OPERATORS: dict[type, str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.And: "or",
    ast.Or: "and",
}

CPP_OPERATORS = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "&&": "||",
    "||": "&&",
}

# What is no code of a function comes first. An operator stands between spaces, as clang-format puts
# them: a pointer, a sign, and the brackets of a template do not.
CPP_TOKENS = re.compile(
    r"""
      (?P<skipped>
          //[^\n]* | /\*.*?\*/ | ^[ ]*\#(?:[^\n\\]|\\.)*
        | R"\(.*?\)" | "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)+'
        | \btemplate[ ]?<[^;{]*?>(?=\s*\n) | \bstatic_assert\b[^;]*;
      )
    | (?<![\w.])
      (?P<number>
          0x[0-9a-fA-F']+[uUlL]*
        | (?:\d[\d']*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?[fFuUlL]*
      )
      (?![\w.])
    | (?<=[ \n])(?P<operator> <=|>=|==|!=|&&|\|\||[-<>+*/])(?=[ \n])
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


# Constants that only decide how fast the program is: how much is prepared ahead or kept, and the
# sizes of the parts in which pixels are processed.
SPEED_ONLY = frozenset(
    [
        "FRAMES_AHEAD",
        "JOBS_AHEAD",
        "KEPT",
        "LEAST_ROWS",
        "MASK_ROWS",
        "MOST_COLUMNS",
        "MOST_ROWS",
        "ROWS_FOR_MARGIN",
        "SKEWNESS_ROWS",
        "STRIP",
        "STRIP_BYTES",
        "band_width",
        "block_points",
        "block_size",
        "chunk",
        "side_by_side",
        "together",
    ]
)
DEFINITION = re.compile(r"(?:.*\bconstexpr .*?)?(?P<names>\w+(?:, \w+)*) = ")
CACHE = re.compile(r"\blru_cache\(maxsize=")

# Switches that change no result of a sound program: whether `zip` checks that lengths are the
# same, whether a dataclass refuses assignments or shows an attribute, whether `astype` copies what
# has the type already, and how many threads do the work.
SWITCHES = re.compile(rb"\b(strict|frozen|repr|copy|threads)=$")


class Mutant(NamedTuple):
    """One change of a file, in bytes."""

    path: Path
    line: int
    begin: int
    end: int
    text: str

    def source(self) -> bytes:
        """The changed file."""
        sound = self.path.read_bytes()
        return sound[: self.begin] + self.text.encode() + sound[self.end :]

    def __str__(self) -> str:
        line = self.path.read_text().splitlines()[self.line - 1].strip()
        return f"{line}  [{self.text.strip()}]"


def mutants_of(path: Path) -> list[Mutant]:
    """All changes of a file."""
    lines = path.read_text().splitlines()
    found = _of_python(path) if path.suffix == ".py" else _of_cpp(path)
    return [each for each in found if not _is_for_speed(lines[each.line - 1])]


def _is_for_speed(line: str) -> bool:
    """Whether a line defines constants that only decide how fast the program is."""
    definition = DEFINITION.match(line)
    defined = set(re.findall(r"\w+", definition["names"])) if definition else set()
    return bool(CACHE.search(line) or (defined and defined <= SPEED_ONLY))


def _changed(value: bool | int | float) -> bool | int | float:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    return value + 1 if value in (0, 1) else 2 * value


def _of_python(path: Path) -> list[Mutant]:
    """Operators and numbers, but not those in annotations and docstrings."""
    source = path.read_text()
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def place(node: ast.expr, after: bool = False) -> int:
        line, column = (
            (node.end_lineno, node.end_col_offset) if after else (node.lineno, node.col_offset)
        )
        return starts[(line or 1) - 1] + (column or 0)

    found = []
    for node in ast.walk(ast.parse(source)):
        pairs: list[tuple[ast.expr, ast.AST, ast.expr]] = []
        if isinstance(node, ast.Compare):
            pairs = [(node.left, node.ops[0], node.comparators[0])]
        elif isinstance(node, ast.BinOp):
            pairs = [(node.left, node.op, node.right)]
        elif isinstance(node, ast.BoolOp):
            pairs = [(node.values[0], node.op, node.values[1])]
        elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            begin, end = place(node), place(node, True)
            before = source.encode()[:begin]
            if SWITCHES.search(before, begin - len("threads=")):
                continue
            if source.encode()[begin:end].decode() == repr(node.value):  # not in an f-string
                text = repr(_changed(node.value))
                found.append(Mutant(path, node.lineno, begin, end, text))
        for left, operator, right in pairs:
            if type(operator) in PYTHON_OPERATORS:
                begin, end = place(left, True), place(right)
                between = source.encode()[begin:end].decode()
                old = between.strip(" ()\n\\")
                if old and " " not in old and between.count(old) == 1:
                    text = between.replace(old, PYTHON_OPERATORS[type(operator)])
                    found.append(Mutant(path, left.end_lineno or 0, begin, end, text))
    return found


def _of_cpp(path: Path) -> list[Mutant]:
    """Operators and numbers, but not those in comments, texts, and lines of the preprocessor."""
    source = path.read_text()
    found = []
    for token in CPP_TOKENS.finditer(source):
        if token["skipped"]:
            continue
        text = CPP_OPERATORS[token["operator"]] if token["operator"] else _number(token["number"])
        begin = len(source[: token.start()].encode())
        line = source.count("\n", 0, token.start()) + 1
        found.append(Mutant(path, line, begin, begin + len(token[0].encode()), text))
    return found


def _number(text: str) -> str:
    """Another number of the same type."""
    hexadecimal = text.startswith("0x")
    digits = text.rstrip("uUlL" if hexadecimal else "fFuUlL")
    suffix = text[len(digits) :]
    digits = digits.replace("'", "")
    if hexadecimal:
        return f"{_changed(int(digits, 16)):#x}{suffix}"
    value = float(digits) if re.search("[.eE]", digits) else int(digits)
    return f"{_changed(value)!r}{suffix}"
