"""Builds the extension, and again after a change, and finds the kernels that a file belongs to."""

import importlib.util
import re
import subprocess
import sysconfig
from pathlib import Path

# Quick to compile. No optimisation changes a result.
LEVEL = "-O1"


def _compiler_options(tree: Path) -> list[str]:
    """The options that tests/clang-tidy takes from setup.py, with another level."""
    place = tree / "tests" / "clang-tidy"
    spec = importlib.util.spec_from_loader("clang_tidy", loader=None)
    assert spec
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(place)
    exec(compile(place.read_text().replace("sys.exit(main())", ""), place, "exec"), module.__dict__)
    return [LEVEL if option == "-O3" else option for option in module.options()]


class Build:
    """The extension of a tree, and the objects that it is linked from.

    Parameters
    ----------
    tree : pathlib.Path
        A copy of the checkout.
    objects : pathlib.Path
        Folder for the sound objects.
    """

    def __init__(self, tree: Path, objects: Path) -> None:
        self.tree = tree
        self.cpp = tree / "cpp"
        self.objects = objects
        self.extension = (
            tree / "core" / "dustbust" / f"_kernels{sysconfig.get_config_var('EXT_SUFFIX')}"
        )
        self.options = _compiler_options(tree)
        self.sources = sorted(self.cpp.rglob("*.cpp"))
        objects.mkdir(parents=True, exist_ok=True)
        if not all(self._compile(source, objects) for source in self.sources):
            raise SystemExit("mutants: the kernels do not compile")
        self.link()

    def link(self, changed: Path | None = None) -> None:
        """Link the extension, with the objects of the folder `changed` where it has them."""
        of_source = [
            next(
                folder / self._object(source)
                for folder in (changed, self.objects)
                if folder and (folder / self._object(source)).exists()
            )
            for source in self.sources
        ]
        # Written anew: a process may still have the former one open.
        self.extension.unlink(missing_ok=True)
        subprocess.run(["c++", "-shared", "-o", self.extension, *of_source, "-pthread"], check=True)

    def compile_changed(self, path: Path, folder: Path) -> bool:
        """Compile what a file of cpp/ is part of; False if it does not compile."""
        return all(
            self._compile(source, folder)
            for source in self.sources
            if source == path or path in self._headers(source)
        )

    def _compile(self, source: Path, folder: Path) -> bool:
        target = folder / self._object(source)
        if target.exists():
            return True
        done = subprocess.run(
            ["c++", *self.options, "-w", "-fPIC", "-MMD", "-c", source, "-o", target],
            capture_output=True,
        )
        return done.returncode == 0

    def _object(self, source: Path) -> str:
        return f"{source.relative_to(self.cpp).as_posix().replace('/', '+')}.o"

    def _headers(self, source: Path) -> set[Path]:
        listed = (self.objects / self._object(source)).with_suffix(".d").read_text()
        return {Path(name) for name in listed.replace("\\\n", " ").split()[1:]}

    def kernels_of(self, path: Path) -> list[str]:
        """The kernels whose code lies in a file, or at least in its room."""
        room = path.relative_to(self.cpp).parts[0]
        if room == "base":
            room = "*"
        defined = {
            name: text
            for bindings in self.cpp.glob(f"bindings/{room if room != 'bindings' else '*'}.hpp")
            for name, text in _definitions(bindings.read_text()).items()
        }
        if room == "bindings":
            return list(_definitions(path.read_text()))
        header = path.with_suffix(".hpp")
        declared = set(
            re.findall(r"\b(\w+)(?=[({;])", header.read_text() if header.exists() else "")
        )
        own = [name for name, text in defined.items() if declared & set(re.findall(r"\w+", text))]
        return own or list(defined)


def _definitions(bindings: str) -> dict[str, str]:
    """Name -> text of the functions and classes that a file of cpp/bindings defines."""
    parts = re.split(r'(?:\.def|class_<[^(]*)\(\s*(?:m,\s*)?"(\w+)"', bindings)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
