"""What to do: copy tests and what changes earned."""
