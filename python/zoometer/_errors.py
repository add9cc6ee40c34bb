"""Exceptions of the package: one class, and a subclass for each kind of error."""

from __future__ import annotations

__all__ = ["Error", "UsageError", "UnknownNameError", "ShapeError", "SizeOverflowError",
           "MalformedError", "UnsupportedError", "LimitError", "InputOutputError", "CheckError",
           "InternalError", "CaptureError", "MissingPackageError"]


class Error(Exception):
    """What is wrong, and what the user can do.

    Attributes:
        code: the stable name of the kind: "shape", "unknown_name", ...
        message: what is wrong, without the place.
        hint: what the user can do; empty where nothing is known.
        expected, got: what was expected and what was found; may be empty.
        model, module, operator: where it happened, as far as known; may be empty.
    """

    code = "internal"

    def __init__(self, text: str, *, message: str = "", hint: str = "", expected: str = "",
                 got: str = "", model: str = "", module: str = "", operator: str = "") -> None:
        super().__init__(text)
        self.message = message or text
        self.hint = hint
        self.expected = expected
        self.got = got
        self.model = model
        self.module = module
        self.operator = operator

    def __str__(self) -> str:
        text = super().__str__()
        hint = f" ({self.hint})" if self.hint else ""
        return text if text.endswith(hint) else text + hint  # the core's own text has it


class UsageError(Error, ValueError):
    """Arguments that do not fit."""

    code = "usage"


class UnknownNameError(Error, LookupError):
    """A model, device, convention or format that does not exist."""

    code = "unknown_name"


class ShapeError(Error, ValueError):
    """Shapes that an operator does not accept."""

    code = "shape"


class SizeOverflowError(Error, OverflowError):
    """A product of sizes that does not fit into 63 bits."""

    code = "overflow"


class MalformedError(Error, ValueError):
    """A file that violates its format."""

    code = "malformed"


class UnsupportedError(Error):
    """A file or a feature that is recognised, but not supported."""

    code = "unsupported"


class LimitError(Error):
    """A limit on memory, depth or size was reached."""

    code = "limit"


class InputOutputError(Error, OSError):
    """Reading or writing failed."""

    code = "io"


class CheckError(Error):
    """A check that the user asked for does not hold."""

    code = "check"


class InternalError(Error):
    """A bug in zoometer."""

    code = "internal"


class CaptureError(Error):
    """A model that did not run on tensors without data. `__cause__` is what it raised."""

    code = "unsupported"


class MissingPackageError(Error, ImportError):
    """A package that this needs is not installed."""

    code = "unsupported"


_BY_CODE = {each.code: each for each in (
    UsageError, UnknownNameError, ShapeError, SizeOverflowError, MalformedError, UnsupportedError,
    LimitError, InputOutputError, CheckError, InternalError)}


def from_core(code: str, text: str, message: str, hint: str, expected: str, got: str, model: str,
              module: str, operator: str) -> Error:
    """The exception for an error of the core."""
    return _BY_CODE.get(code, Error)(text, message=message, hint=hint, expected=expected, got=got,
                                     model=model, module=module, operator=operator)
