"""Layers that make few time steps of many."""
