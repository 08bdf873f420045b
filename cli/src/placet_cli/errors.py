"""What goes wrong at the command line, with its exit code."""

DONE, ERROR, USAGE, WITH_ERRORS, FAILED, DENIED, WAITING, CANCELLED, TIME_UP = 0, 1, 2, 3, 4, 5, 6, 7, 8
"""Exit codes, as in the interface."""

INTERRUPTED = 130
"""After Ctrl-C, as shells have it."""


class CommandError(Exception):
    """One sentence for a person; `document` is what programs read on standard output, `field` is at fault."""

    def __init__(self, message: str, code: int = ERROR, document: object = None, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.document = document
        self.field = field
