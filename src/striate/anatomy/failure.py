"""Says why a run stopped, in the terms of the layer that stopped it."""

from __future__ import annotations

from typing import Any

from striate.anatomy.calls import Failure
from striate.anatomy.recorder import Doing, Frame, shapes


def explain(error: Exception, stack: list[Frame], doing: Doing | None, inputs: int) -> Failure:
    """The failure of the innermost layer at work, or of the operation it was doing."""
    frame = stack[-1] if stack else None
    reason = " ".join(str(error).split())
    return Failure(
        name=frame.name if frame else "",
        type=type(frame.module).__name__ if frame else "network",
        inputs=shapes(frame.inputs) if frame else (),
        reason=reason or type(error).__name__,
    )
