"""Layers that make numbers of what data are made of: texts, tokens, classes."""
