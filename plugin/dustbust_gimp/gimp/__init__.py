"""Access to GIMP: pixels, layers, mask images, arguments and the progress bar."""
