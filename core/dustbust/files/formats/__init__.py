"""The file formats of frames, one module each."""
