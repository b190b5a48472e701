"""What Keras 1 and 2 called things, and programs of then still do.

Tables of modules, arguments, methods and logs, each with the one way to make it work. Every use is told by a
DeprecationWarning that names today's spelling. Nothing else in the package knows of old ones: what stands in the tables
is put in place by `install`, after all else is imported.
"""

from . import arguments, logs, methods, modules


def install() -> None:
    """Make old spellings work."""
    modules.install()
    arguments.install()
    methods.install()
    logs.install()
