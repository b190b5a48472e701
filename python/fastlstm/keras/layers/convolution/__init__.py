"""Layers that take sums over windows of time steps."""
