"""What can be wrong with an index; each message says what was got, what was wanted and what to do.

* VectorstoreError
  + IndexMissingError    there is no index in the folder
  + IndexMismatchError   there is one, but it was built by other parts, or its files were changed or cut
  + IndexBuildError      no index can be built from this source
"""


class VectorstoreError(Exception):
    """Base of all errors of this package."""


class IndexMissingError(VectorstoreError):
    """No index in the folder."""


class IndexMismatchError(VectorstoreError):
    """The index does not fit: another embedding model, another format, a damaged file."""


class IndexBuildError(VectorstoreError):
    """The source gives no index."""
