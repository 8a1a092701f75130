"""Errors cross the border between processes."""

import pickle

from impasto.errors import ImageReadError, MemoryLimitError


def test_an_error_is_the_same_after_pickling() -> None:
    for error in (ImageReadError("it is odd.", "Mend it."), MemoryLimitError("too little.", "Give more.", 7)):
        other = pickle.loads(pickle.dumps(error))
        assert type(other) is type(error) and str(other) == str(error)
        assert (other.error, other.hint, vars(other)) == (error.error, error.hint, vars(error))
