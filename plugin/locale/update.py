#!/usr/bin/env python3
"""Bring the translations up to date: plugin/locale/update.py

Collects the texts of the plug-in's sources and the sentences of the core's, writes them into each LANGUAGE.po here (translations
are kept, texts that are gone are dropped), and compiles that to LANGUAGE/LC_MESSAGES/dustbust-gimp.mo, which is what GIMP reads. To add a language, make an
empty LANGUAGE.po and run this.
"""
import ast
import re
import struct
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOMAIN = "dustbust-gimp"
HEADER = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n"


# What makes texts, and of how many arguments; and what in the core makes sentences that the plug-in says in the user's language.
IN_PLUG_IN = {"_": 1, "count_text": 2}
IN_CORE = {"DustbustError": 1, "Sentence": 1}
NOT_FOR_GIMP = ("__main__.py", "cluster.py", "compare.py")


def texts():
    """All texts, in the order of the sources: (text,) or (one, many)."""
    core = [path for path in (HERE.parents[1] / "core" / "dustbust").glob("*.py") if path.name not in NOT_FOR_GIMP]
    found = {}
    for paths, makers in ((HERE.parent.rglob("*.py"), IN_PLUG_IN), (core, IN_CORE)):
        for path in sorted(paths):
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
            for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
                number = makers.get(call.func.id, 0)
                for text in zip(*map(alternatives, call.args[:number])):
                    found.setdefault(text)
    return list(found)


def alternatives(argument):
    """The texts that an argument can be: one, or two with a condition between them; none if it is computed."""
    if isinstance(argument, ast.IfExp):
        return alternatives(argument.body) + alternatives(argument.orelse)
    if isinstance(argument, ast.JoinedStr):
        raise SystemExit(f"line {argument.lineno}: {ast.unparse(argument)} cannot be translated; give its words as arguments")
    return [argument.value] if isinstance(argument, ast.Constant) else []


def read(path):
    """text or texts -> translation or translations, from a .po file."""
    known = {}
    for block in path.read_text().split("\n\n"):
        fields, field = {}, None
        for line in block.splitlines():
            start = re.match(r'(msg\w+(?:\[\d\])?) (".*")$', line)
            if start:
                field = start[1]
            if start or line.startswith('"'):
                fields[field] = fields.get(field, "") + ast.literal_eval(start[2] if start else line)
        if "msgid_plural" in fields:
            known[fields["msgid"], fields["msgid_plural"]] = [fields["msgstr[0]"], fields["msgstr[1]"]]
        elif fields.get("msgid"):
            known[fields["msgid"],] = [fields["msgstr"]]
    return known


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def written(translations):
    """The content of a .po file."""
    blocks = ['msgid ""\nmsgstr ' + quoted(HEADER)]
    for key, values in translations.items():
        lines = [f"msgid {quoted(key[0])}"]
        if len(key) == 2:
            lines += [f"msgid_plural {quoted(key[1])}"] + [f"msgstr[{number}] {quoted(value)}" for number, value in enumerate(values)]
        else:
            lines.append(f"msgstr {quoted(values[0])}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def compiled(translations):
    """The content of a .mo file: see "The Format of GNU MO Files" in the manual of GNU gettext."""
    pairs = sorted([(b"", HEADER.encode())] + [("\0".join(key).encode(), "\0".join(values).encode())
                                               for key, values in translations.items() if all(values)])
    tables, strings = [], b""
    start = 28 + 16 * len(pairs)
    for column in (0, 1):
        for pair in pairs:
            tables += [len(pair[column]), start + len(strings)]
            strings += pair[column] + b"\0"
    return struct.pack(f"<7I{len(tables)}I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0, *tables) + strings


def main():
    for path in HERE.glob("*.po"):
        known = read(path)
        translations = {text: known.get(text, [""] * len(text)) for text in texts()}
        path.write_text(written(translations))
        target = HERE / path.stem / "LC_MESSAGES" / f"{DOMAIN}.mo"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(compiled(translations))
        print(f"{path.name}: {sum(map(all, translations.values()))} of {len(translations)} texts are translated")


if __name__ == "__main__":
    main()
