"""Layers that bring numbers to a mean of 0 and a variance of 1."""
