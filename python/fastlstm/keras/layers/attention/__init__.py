"""Layers in which queries look values up by their keys."""
