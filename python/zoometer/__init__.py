"""zoometer shows what a neural network costs without running it.

    import zoometer
    p = zoometer.profile(model, x)      # an nn.Module, a name like "resnet50", a file
    print(p)                            # the report, module by module
    p.macs, p.parameters, p.modules[0].macs

Sizes are in elements or bytes, times in seconds; a multiply-accumulate (MAC) is two floating-point
operations (FLOPs). Whatever fails raises a subclass of `zoometer.Error`, whose `hint` says what to do.
Every function may be called from any thread.
"""

from ._core import __version__
from ._catalogue import Sweep, compare, devices, discover, list_models, sweep
from ._errors import (CaptureError, CheckError, Error, InputOutputError, InternalError, LimitError,
                      MalformedError, MissingPackageError, ShapeError, SizeOverflowError,
                      UnknownNameError, UnsupportedError, UsageError)
from ._profile import Diff, Profile
from ._sources import profile, trace

__all__ = [
    "CaptureError", "CheckError", "Diff", "Error", "InputOutputError", "InternalError",
    "LimitError", "MalformedError", "MissingPackageError", "Profile", "ShapeError",
    "SizeOverflowError", "Sweep", "UnknownNameError", "UnsupportedError", "UsageError",
    "__version__", "compare", "devices", "discover", "list_models", "profile", "sweep", "trace",
]
