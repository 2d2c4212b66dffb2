"""What knows GIMP: its layers, pixels, procedures and progress bar. Nothing here knows an action."""
