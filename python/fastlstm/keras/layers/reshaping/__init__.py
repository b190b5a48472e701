"""Layers that put entries elsewhere."""
