"""What Keras 1 and 2 called things, and programs of then still do.

Three tables, of modules, arguments and methods, each with the one way to make it work. Every use is told by a
DeprecationWarning that names today's spelling. Nothing else in the package knows of old ones: what stands in the tables
is put in place by `install`, after all else is imported.
"""

from . import arguments, methods, modules


def install() -> None:
    """Make old spellings work."""
    modules.install()
    arguments.install()
    methods.install()
