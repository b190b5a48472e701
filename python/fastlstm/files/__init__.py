"""Formats of files: each module reads one into arrays by name and plain values, or writes these. None knows layers."""
