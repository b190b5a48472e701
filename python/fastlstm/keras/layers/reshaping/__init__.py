"""Layers that give the numbers of their input in another shape."""
