"""Runs that several ranks have together: each works with parts of every batch, and all with the same sums of them."""
