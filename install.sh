#!/usr/bin/env bash
# Install Dustbust into the GIMP 3 of this user.
#
#   ./install.sh                    build the core in an environment of its own, and install the plug-in
#   ./install.sh --uninstall        remove it
#   ./install.sh --demo             set up everything in the folder demo/ and clean the sample run with GIMP
#   ./install.sh --demo --no-gimp   the same with the core alone
#
# GIMP_CONSOLE names the program to use where it has an unusual name; GIMP3_DIRECTORY is honoured as GIMP does.
# The core goes to ~/.local/share/dustbust, and the plug-in into GIMP's plug-in folder. Nothing is written elsewhere
# (but demo/), and sudo is never used.
set -euo pipefail

checkout=$(cd "$(dirname "$0")" && pwd)
data=$HOME/.local/share/dustbust     # not XDG_DATA_HOME, which is another folder inside a Flatpak
plug_in=dustbust-gimp     # GIMP wants a folder and a script of one name, and it must differ from the package's
procedures="plug-in-dustbust-estimate-mask plug-in-dustbust-apply-mask plug-in-dustbust-stack-scans"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say() { echo "dustbust: $*"; }
fail() { echo "dustbust: $*" >&2; exit 1; }

# Print the console program of a GIMP 3, if there is one.
find_gimp() {
    local name
    for name in ${GIMP_CONSOLE:-gimp-console gimp-console-3.2 gimp-console-3.0 gimp-console-3 gimp gimp-3}; do
        if command -v "$name" >/dev/null && "$name" --version 2>/dev/null | grep -q 'version 3\.'; then
            command -v "$name"
            return
        fi
    done
}

how_to_get_gimp() {
    cat <<'TEXT'
dustbust: GIMP 3 was not found (GIMP 2 cannot run this plug-in). To install it:
    Debian 13, Ubuntu 25.04 and later:  apt install gimp
    Fedora 42 and later:                dnf install gimp
    Arch:                               pacman -S gimp
and run ./install.sh again. The core works without GIMP, from Python and the command line:
    python3 -m pip install .
    python3 -m dustbust --help
TEXT
    if command -v flatpak >/dev/null && flatpak info org.gimp.GIMP >/dev/null 2>&1; then
        echo "dustbust: GIMP's Flatpak is here, but it has no compiler to build the core with; use your distribution's GIMP 3."
    fi
}

# Run Python code inside GIMP, and print what it writes to the file `answer`: ask_gimp GIMP CODE
ask_gimp() {
    local answer=$scratch/answer
    if ! "$1" -nidfs --quit --batch-interpreter python-fu-eval -b "answer = open('$answer', 'w')
$2
answer.close()" >"$scratch/gimp.log" 2>&1 </dev/null; then
        cat "$scratch/gimp.log" >&2
        fail "GIMP did not run; see its output above"
    fi
    cat "$answer"
}

# Find the folder for the user's plug-ins, and the Python that runs them.
locate() {
    local lines
    lines=$(ask_gimp "$1" "
import sys
from gi.repository import Gimp
answer.write(Gimp.directory() + '\n' + sys.executable + '\n')")
    folder=$(sed -n 1p <<<"$lines")/plug-ins
    python=$(sed -n 2p <<<"$lines")
    [ -n "$python" ] || fail "GIMP did not report its Python; install its Python support (Debian, Ubuntu: apt install python3-gi)"
}

# Build the core in an environment of its own, of which only the newest is kept.
install_core() {
    "$python" -c 'import os, sysconfig, sys; sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' ||
        fail "the headers of $python are missing; install them (Debian, Ubuntu: apt install python3-dev) and run this again"
    command -v c++ >/dev/null || fail "a C++ compiler is missing; install one (Debian, Ubuntu: apt install g++) and run this again"
    environment=$data/core-$(date +%Y%m%d%H%M%S)
    mkdir -p "$data"
    say "building the core for $python ..."
    "$python" -m venv "$environment" >"$scratch/venv.log" 2>&1 ||
        { cat "$scratch/venv.log" >&2; fail "$python cannot make an environment; install what it needs (Debian, Ubuntu: apt install python3-venv) and run this again"; }
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$checkout" ||
        { rm -rf "$environment"; fail "the core could not be built; see the output of pip above"; }
}

install_plug_in() {
    local gimp=$1 part target missing
    locate "$gimp"
    target=$folder/$plug_in part=$folder/.$plug_in.part
    install_core
    mkdir -p "$folder"
    rm -rf "$part"
    # Hidden until complete: GIMP skips hidden folders.
    cp -R "$checkout/plugin" "$part"
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --target "$scratch/markdown" markdown ||
        { rm -rf "$part"; fail "Python-Markdown, which makes the help page, could not be fetched; see the output of pip above"; }
    PYTHONPATH=$scratch/markdown "$environment/bin/python" "$part/dustbust_gimp/help_page.py" "$checkout/README.md" "$part/help"
    "$environment/bin/python" -m dustbust.helper.tables "$checkout/install.sh" >"$part/core.json"
    find "$part" -name __pycache__ -prune -exec rm -rf {} +
    chmod +x "$part/$plug_in.py"
    touch "$part/$plug_in.py"     # GIMP rereads the plug-in only when the time of this file has changed
    rm -rf "$target"
    mv "$part" "$target"
    find "$data" -mindepth 1 -maxdepth 1 -name 'core-*' ! -path "$environment" -exec rm -rf {} +

    missing=$(ask_gimp "$gimp" "
from gi.repository import Gimp
answer.write(' '.join(n for n in '$procedures'.split() if not Gimp.get_pdb().procedure_exists(n)))")
    if [ -n "$missing" ]; then
        cat "$scratch/gimp.log" >&2
        fail "GIMP does not list $missing; see its output above"
    fi
    say "installed in $target"
}

uninstall() {
    local gimp
    gimp=$(find_gimp)
    [ -n "$gimp" ] || fail "GIMP 3 was not found; without it, the folder of the plug-in is unknown"
    locate "$gimp"
    [ -d "$folder/$plug_in" ] || fail "Dustbust is not installed in $folder"
    rm -rf "${folder:?}/$plug_in" "$data"
    say "removed $folder/$plug_in and $data"
}

# Clean the sample run in demo/, which also holds the GIMP profile and all packages.
demo() {
    local gimp="" demo=$checkout/demo
    [ "${1:-}" = --no-gimp ] || gimp=$(find_gimp)
    if [ "${1:-}" != --no-gimp ] && [ -z "$gimp" ]; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            say "GIMP 3 was not found; using a private one, a Debian 13 in ${XDG_CACHE_HOME:-$HOME/.cache}/dustbust (about 500 MB to fetch, once)"
            exec "$checkout/tests/private-gimp" trixie "$checkout/install.sh" --demo
        fi
        how_to_get_gimp
        say "continuing without GIMP"
    fi
    rm -rf "$demo/run" "$demo/mask.png" "$demo/before-after.png"
    mkdir -p "$demo"
    cp -R "$checkout/tests/samples/run" "$demo/run"
    if [ -n "$gimp" ]; then
        export GIMP3_DIRECTORY=$demo/gimp
        data=$demo
        install_plug_in "$gimp"
        say "estimating the mask and cleaning the run in GIMP's batch mode ..."
        (cd "$demo" && "$gimp" -nidfs --quit --batch-interpreter python-fu-eval -b - <"$checkout/tests/gimp/demo_batch.py" >"$demo/gimp.log" 2>&1) ||
            { cat "$demo/gimp.log" >&2; fail "GIMP could not clean the sample run; see its output above"; }
        python=$environment/bin/python
    else
        python=$demo/venv/bin/python
        [ -x "$python" ] || python3 -m venv "$demo/venv" || fail "python3 cannot make an environment; install it (Debian, Ubuntu: apt install python3-venv)"
        say "building the core ..."
        "$python" -m pip install --quiet --disable-pip-version-check "$checkout"
        "$python" -m dustbust estimate "$demo/run" -o "$demo/mask.png"
        "$python" -m dustbust apply "$demo/mask.png" "$demo/run"
    fi
    "$python" -m dustbust compare "$demo/run/frame01.jpg" "$demo/run/cleanedphotos/frame01.jpg" -o "$demo/before-after.png"
    say "the mask:           $demo/mask.png"
    say "the cleaned frames: $demo/run/cleanedphotos"
    say "before and after:   $demo/before-after.png"
}

case ${1:-} in
    "")
        gimp=$(find_gimp)
        [ -n "$gimp" ] || { how_to_get_gimp >&2; exit 1; }
        install_plug_in "$gimp"
        say "start GIMP and look for Filters > Dust Removal"
        ;;
    --uninstall) uninstall ;;
    --demo) demo "${2:-}" ;;
    --help | -h) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0" ;;
    *) fail "unknown option $1; see ./install.sh --help" ;;
esac
