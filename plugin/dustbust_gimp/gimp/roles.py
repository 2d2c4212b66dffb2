"""Roles of layers, in a parasite: the user can change the names and places of layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gi.repository import Gimp

# Parasite of a layer: one of the roles below.
ROLE = "dustbust-role"
MASK, FRAME, OVERLAY, RED, ERASER = "mask", "frame", "overlay", "red", "eraser"
PAGE, ALIGNED = "page", "aligned"

OF_STACK = (PAGE, ALIGNED)  # results of Stack, which are not scans


def attach(item: Gimp.Item | Gimp.Image, name: str, content: bytes) -> None:
    """Attach a parasite that is saved with the image, and goes when its layer is undone."""
    flags = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
    item.attach_parasite(Gimp.Parasite.new(name, flags, content))


def content(item: Gimp.Item | Gimp.Image, name: str) -> bytes:
    """Return the content of a parasite, or nothing."""
    parasite = item.get_parasite(name)
    return bytes(parasite.get_data()) if parasite else b""


def mark(layer: Gimp.Layer, role: str) -> None:
    """Record what a layer is for."""
    attach(layer, ROLE, role.encode())


def role_of(layer: Gimp.Layer) -> str:
    """Return what a layer is for, or nothing for layers of the user."""
    return content(layer, ROLE).decode(errors="replace")


def all_layers(layers: Sequence[Gimp.Layer]) -> Iterator[Gimp.Layer]:
    """Yield layers, and those in groups."""
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from all_layers(layer.get_children())


def layer_with_role(image: Gimp.Image, role: str) -> Gimp.Layer | None:
    """Return the layer with a role, or None."""
    layers = all_layers(image.get_layers())
    return next((layer for layer in layers if role_of(layer) == role), None)
