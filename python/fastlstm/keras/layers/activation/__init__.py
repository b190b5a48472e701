"""Activation functions that are layers of their own."""
