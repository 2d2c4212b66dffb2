"""dustbust manual: the manual page and completions for shells, made from the parser itself."""

import argparse
from collections.abc import Iterator

from .. import __version__

SUMMARY = "print the manual page, or a completion for a shell"

BASH = """# Completion of dustbust for bash: put it into share/bash-completion/completions/dustbust.
_dustbust() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} words=
    COMPREPLY=()
    case ${{COMP_WORDS[1]}}:$before in
{values}
    esac
    if [ -z "$words" ]; then
        case $COMP_CWORD:${{COMP_WORDS[1]}} in
            1:*) words="{commands}" ;;
{options}
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -o default -F _dustbust dustbust
"""

ROFF = """.TH DUSTBUST 1 "" "dustbust {version}" "User Commands"
.SH NAME
dustbust \\- {description}
.SH SYNOPSIS
.B dustbust
.I COMMAND
.RI [ options ]
.SH COMMANDS
{commands}
.SH EXIT STATUS
0 if all was done, 1 if something was not (one bad file does not end a batch), 2 if the command
line could not be understood, 130 if it was interrupted.
"""


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("what", choices=WRITERS, help="the manual page, or the shell")


def run(options: argparse.Namespace) -> int:
    """Print it."""
    from . import parser

    print(WRITERS[options.what](parser()), end="")
    return 0


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a parser."""
    (commands,) = (
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    )
    return dict(commands.choices)


def actions_of(command: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options of a command that are not hidden."""
    for action in command._actions:
        if action.help != argparse.SUPPRESS:
            yield action


def help_of(action: argparse.Action, command: argparse.ArgumentParser) -> str:
    """What an option does, with its default filled in."""
    return (action.help or "") % {**vars(action), "prog": command.prog}


def roff(text: str) -> str:
    """A text in the language of manual pages.

    >>> roff("a\\\\b --folder")
    'a\\\\eb \\\\-\\\\-folder'
    """
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def man_page(parser: argparse.ArgumentParser) -> str:
    """The manual page, with all commands and options."""
    parts = []
    for name, command in commands_of(parser).items():
        parts += [f".SS dustbust {name}", roff(command.description or "")]
        for action in actions_of(command):
            title = ", ".join(action.option_strings) or str(action.metavar or action.dest)
            if action.option_strings and action.nargs != 0:
                title += " " + str(action.metavar or action.dest.upper())
            parts += [".TP", f".B {roff(title)}", roff(help_of(action, command))]
    description = (parser.description or "").rstrip(".")
    return ROFF.format(
        version=__version__,
        description=roff(description[:1].lower() + description[1:]),
        commands="\n".join(parts),
    )


def bash_completion(parser: argparse.ArgumentParser) -> str:
    """A completion for bash: commands, options, and the values of options that have a few."""
    values, options = [], []
    for name, command in commands_of(parser).items():
        strings: list[str] = []
        for action in actions_of(command):
            strings += [each for each in action.option_strings if each.startswith("--")]
            # Words only: bash would split "standard deviation".
            chosen = " ".join(each for each in map(str, action.choices or ()) if " " not in each)
            if action.option_strings and chosen:
                patterns = "|".join(f"{name}:{each}" for each in action.option_strings)
                values.append(f'        {patterns}) words="{chosen}" ;;')
            elif chosen:
                strings += chosen.split()
        options.append(f'            *:{name}) words="{" ".join(strings)}" ;;')
    commands = " ".join(commands_of(parser))
    return BASH.format(values="\n".join(values), options="\n".join(options), commands=commands)


WRITERS = {"man": man_page, "bash": bash_completion}
