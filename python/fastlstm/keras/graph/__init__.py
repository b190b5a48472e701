"""A model as one function with a gradient."""
