#!/usr/bin/env bash
# Install Dustbust into every GIMP 3 of this user: of the distribution, AppImage and Flatpak, 3.0 and 3.2.
#
#   ./install.sh                    make the core, and put the plug-in into each GIMP; run it again to update
#   ./install.sh --uninstall        remove both
#   ./install.sh --demo             set up everything in the folder demo/ and clean the sample run with GIMP
#   ./install.sh --demo --no-gimp   the same with the core alone
#
# The core gets an environment in ~/.local/share/dustbust, with a Python of this system or else with one that uv (from
# PyPI) fetches. It is installed from a wheel in the folder wheels/ beside this script, or built with the compiler of this
# system, or built with one from PyPI (ziglang): the first of these that works. The Flatpak does not see the system's
# Python, so for it the interpreter must lie in the home folder: one such as pyenv's, or uv's.
#
# DUSTBUST_PYTHON names the interpreter to use; GIMP_CONSOLE names GIMP's program where it has an unusual name;
# GIMP3_DIRECTORY names GIMP's profile, as for GIMP itself. The plug-in goes into GIMP's plug-in folder. pip and uv
# keep what they fetch in folders of their own: an interpreter of uv's stays after --uninstall. Only --demo writes
# elsewhere: into demo/, and a private GIMP into ~/.cache/dustbust. sudo is never used.
set -euo pipefail

checkout=$(cd "$(dirname "$0")" && pwd)
data=$HOME/.local/share/dustbust     # not XDG_DATA_HOME, which is another folder inside a Flatpak

scratch=$(mktemp -d)
environment=
trap 'rm -rf "$scratch"; [ -z "$environment" ] || rm -rf "$environment"' EXIT

say() { echo "dustbust: $*"; }
fail() { echo "dustbust: $*" >&2; exit 1; }

pip() { "$environment/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }

has_flatpak() { [ -d "$HOME/.var/app/org.gimp.GIMP" ] || { command -v flatpak >/dev/null && flatpak info org.gimp.GIMP; } >/dev/null 2>&1; }

how_to_get_gimp() {
    cat <<'TEXT'
dustbust: GIMP 3 was not found (GIMP 2 cannot run this plug-in). To install it:
    Debian 13, Ubuntu 25.04 and later:  apt install gimp
    Fedora 42 and later:                dnf install gimp
    Arch:                               pacman -S gimp
    any:                                flatpak install flathub org.gimp.GIMP, or the AppImage from gimp.org
Start it once if it is an AppImage or a Flatpak, and run ./install.sh again.
The core works without GIMP, from Python and the command line:
    python3 -m pip install .
    python3 -m dustbust --help
TEXT
}

# Print the interpreters of this system that can run the core, the preferred one first.
interpreters() {
    local name
    for name in ${DUSTBUST_PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10}; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            command -v "$name"
        fi
    done
}

# Whether the interpreter and its libraries lie in the home folder. Only such an interpreter runs in a Flatpak.
in_home() {
    case $("$1" -c 'import os, sys; print(os.path.realpath(sys.base_prefix))') in "$(realpath "$HOME")"/*) ;; *) return 1 ;; esac
}

has_headers() { "$1" -c 'import os, sysconfig, sys; sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))'; }

# Make an empty environment with pip: new_environment PYTHON
new_environment() {
    environment=$data/core-$(date +%Y%m%d%H%M%S)-$$
    mkdir -p "$data"
    rm -rf "$environment"
    "$1" -m venv "$environment" >"$scratch/venv.log" 2>&1 && return
    # Debian packages pip separately. A wheel of pip from PyPI runs without being installed.
    rm -rf "$environment"
    "$1" -m venv --without-pip "$environment" >"$scratch/venv.log" 2>&1 || return 1
    say "$1 has no pip; fetching it from PyPI"
    "$environment/bin/python" - "$scratch" <<'PYTHON' >"$scratch/venv.log" 2>&1 || return 1
import hashlib, json, subprocess, sys, urllib.parse, urllib.request
index = "https://pypi.org/pypi/pip/json"
with urllib.request.urlopen(index, timeout=60) as answer:
    wheel = next(file for file in json.load(answer)["urls"] if file["packagetype"] == "bdist_wheel")
path = f"{sys.argv[1]}/{wheel['filename']}"
with urllib.request.urlopen(urllib.parse.urljoin(index, wheel["url"]), timeout=300) as answer, open(path, "wb") as file:
    content = answer.read()
    file.write(content)
if hashlib.sha256(content).hexdigest() != wheel["digests"]["sha256"]:
    sys.exit("the wheel of pip is damaged")
subprocess.run([sys.executable, f"{path}/pip", "install", "--quiet", path], check=True)
PYTHON
}

# Install the core into the environment: from a wheel, or built with the system's compiler or ziglang.
install_core() {
    local version machine
    version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$checkout/core/dustbust/__init__.py")
    if [ -d "$checkout/wheels" ] && pip install --find-links "$checkout/wheels" --only-binary dustbust "dustbust==$version" >"$scratch/wheel.log" 2>&1; then
        say "installed the core from $checkout/wheels"
        return
    fi
    has_headers "$environment/bin/python" || return 1
    if command -v "${CXX:-c++}" >/dev/null; then
        say "building the core with ${CXX:-c++} for $("$environment/bin/python" --version) ..."
        pip install "$checkout" >"$scratch/build.log" 2>&1 && return
        tail -n 30 "$scratch/build.log" >&2
        say "${CXX:-c++} could not build the core; trying another compiler"
    fi
    say "fetching the compiler ziglang from PyPI, and building the core with it for $("$environment/bin/python" --version) ..."
    pip install --target "$scratch/zig" ziglang >"$scratch/build.log" 2>&1 || { tail -n 5 "$scratch/build.log" >&2; return 1; }
    machine=$(uname -m)
    for name in cc c++; do
        printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s" -m ziglang c++ -target %s "$@"\n' \
            "$scratch/zig" "$environment/bin/python" "$machine-linux-gnu.2.28" >"$scratch/zig-$name"
        chmod +x "$scratch/zig-$name"
    done
    CC=$scratch/zig-cc CXX=$scratch/zig-c++ pip install "$checkout" >"$scratch/build.log" 2>&1 && return
    tail -n 30 "$scratch/build.log" >&2
    return 1
}

# Make an environment with an interpreter that uv fetches into the home folder.
with_uv() {
    local uv
    uv=$(command -v uv || true)
    if [ -z "$uv" ]; then
        say "fetching uv from PyPI"
        new_environment "$1" && pip install --target "$scratch/uv" uv >"$scratch/uv.log" 2>&1 || return 1
        rm -rf "$environment"
        uv=$scratch/uv/bin/uv
    fi
    say "fetching an interpreter with uv"
    environment=$data/core-$(date +%Y%m%d%H%M%S)-$$
    "$uv" venv --quiet --seed --python 3.13 --managed-python "$environment" 2>"$scratch/uv.log" && return
    cat "$scratch/uv.log" >&2
    environment=
    return 1
}

# Make the environment of the core by the first way that works. Its path is then in `environment`.
make_core() {
    local python place begin="" places=anywhere tried_uv=""
    ! has_flatpak || places="home anywhere"
    for place in $places; do
        for python in $(interpreters); do
            begin=$python
            [ "$place" = anywhere ] || [ -n "${DUSTBUST_PYTHON:-}" ] || in_home "$python" || continue
            if new_environment "$python" && install_core; then return; fi
            cat "$scratch/venv.log" >&2
            rm -rf "$environment"
            environment=
        done
        [ -n "$begin" ] || fail "there is no Python 3.10 or later to begin with; install one and run this again"
        if [ -z "$tried_uv" ]; then
            tried_uv=yes
            if with_uv "$begin" && install_core; then return; fi
        fi
    done
    fail "the core could not be built; install the headers of Python and a C++ compiler (Debian, Ubuntu: apt install python3-dev python3-venv g++) and run this again"
}

# Keep the new environment, and delete the older ones.
keep_core() {
    find "$data" -mindepth 1 -maxdepth 1 -name 'core-*' ! -path "$environment" -exec rm -rf {} +
    environment=
}

install_all() {
    local python
    make_core
    python=$environment/bin/python
    "$python" -m dustbust gimp install --command "$checkout/install.sh" >"$scratch/gimps" || {
        grep -q . "$scratch/gimps" || how_to_get_gimp >&2
        exit 1
    }
    sed 's/^/dustbust: /' "$scratch/gimps"
    say "the core is in $environment"
    keep_core
}

uninstall() {
    local python
    for python in "$data"/core-*/bin/python; do
        if [ -x "$python" ] && "$python" -m dustbust gimp uninstall; then
            rm -rf "$data"
            say "removed $data"
            return
        fi
    done
    fail "Dustbust is not installed in $data; if it was installed with pip, run dustbust gimp uninstall"
}

# Clean the sample run in demo/. The GIMP profile and all packages are in that folder too.
demo() {
    local gimp="" python demo=$checkout/demo
    data=$demo/data
    make_core
    python=$environment/bin/python
    [ "${1:-}" = --no-gimp ] || gimp=$("$python" -c 'import os; from dustbust.helper.installation import find_console; print(find_console(os.environ)[0])')
    if [ "${1:-}" != --no-gimp ] && [ -z "$gimp" ]; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            say "GIMP 3 was not found; using a private one, a Debian 13 in ${XDG_CACHE_HOME:-$HOME/.cache}/dustbust (about 500 MB to fetch, once)"
            exec "$checkout/tests/private-gimp" trixie "$checkout/install.sh" --demo
        fi
        how_to_get_gimp
        say "continuing without GIMP"
    fi
    rm -rf "$demo/run" "$demo/mask.png" "$demo/before-after.png"
    cp -R "$checkout/tests/samples/run" "$demo/run"
    if [ -n "$gimp" ]; then
        export GIMP3_DIRECTORY=$demo/gimp
        "$python" -m dustbust gimp install --command "$checkout/install.sh --demo"
        say "estimating the mask and cleaning the run in GIMP's batch mode ..."
        (cd "$demo" && "$gimp" -nidfs --quit --batch-interpreter python-fu-eval -b - <"$checkout/tests/gimp/demo_batch.py" >"$demo/gimp.log" 2>&1) ||
            { cat "$demo/gimp.log" >&2; fail "GIMP could not clean the sample run; see its output above"; }
    else
        "$python" -m dustbust estimate "$demo/run" -o "$demo/mask.png"
        "$python" -m dustbust apply "$demo/mask.png" "$demo/run"
    fi
    "$python" -m dustbust compare "$demo/run/frame01.jpg" "$demo/run/cleanedphotos/frame01.jpg" -o "$demo/before-after.png"
    keep_core
    say "the mask:           $demo/mask.png"
    say "the cleaned frames: $demo/run/cleanedphotos"
    say "before and after:   $demo/before-after.png"
}

case ${1:-} in
    "")
        install_all
        say "start GIMP and look for Filters > Dust Removal"
        ;;
    --uninstall) uninstall ;;
    --demo) demo "${2:-}" ;;
    --help | -h) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0" ;;
    *) fail "unknown option $1; see ./install.sh --help" ;;
esac
