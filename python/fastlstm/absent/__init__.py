"""What Keras and TensorFlow have and this package has not, and what to do instead.

`names` says what they have, `instead` what to do; errors about names that are not there, and the page "From Keras", are
made of these two, and the page of what is `different`. What is there is never written down: it is looked for.
"""

from .different import DIFFERENT
from .errors import missing
from .installing import install
from .instead import TABLE, instead
from .names import has, keras_names

__all__ = ["DIFFERENT", "TABLE", "has", "install", "instead", "keras_names", "missing"]
