"""Entry point of `python -m dustbust`, the same as the program `dustbust`."""

from dustbust.command_line import main, program

__all__ = ["main", "program"]

if __name__ == "__main__":
    program()
