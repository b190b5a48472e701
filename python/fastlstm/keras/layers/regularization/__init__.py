"""Layers that do something in training only, or add to the loss."""
