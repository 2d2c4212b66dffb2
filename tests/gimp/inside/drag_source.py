"""A small window from which a file can be dragged; it ends with its standard input."""

import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk

window = Gtk.Window(title="A file to drag", type_hint=Gdk.WindowTypeHint.UTILITY)
window.set_default_size(160, 100)
window.move(20, 40)
handle = Gtk.EventBox()
handle.add(Gtk.Label(label=sys.argv[1].rsplit("/", 1)[1]))
handle.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [], Gdk.DragAction.COPY)
handle.drag_source_add_uri_targets()
handle.connect(
    "drag-data-get", lambda _widget, _context, data, _info, _time: data.set_uris(sys.argv[1:])
)
window.add(handle)
window.show_all()
GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: Gtk.main_quit())
Gtk.main()
