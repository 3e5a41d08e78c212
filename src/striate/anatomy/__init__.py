"""The anatomy of networks: sizes, costs and receptive fields, without running them on data."""

from striate.anatomy.diagram import diagram as diagram
from striate.anatomy.geometry import Field as Field
from striate.anatomy.lint import Finding as Finding
from striate.anatomy.lint import lint as lint
from striate.anatomy.load import net_from as net_from
from striate.anatomy.profile import LayerTime as LayerTime
from striate.anatomy.profile import Profile as Profile
from striate.anatomy.profile import profile as profile
from striate.anatomy.summary import Summary as Summary
from striate.anatomy.summary import summary as summary
from striate.anatomy.trace import trace as trace
from striate.anatomy.tracing.calls import Call as Call
from striate.anatomy.tracing.calls import Failure as Failure
from striate.anatomy.tracing.calls import Trace as Trace

__all__ = [
    "Call",
    "Failure",
    "Field",
    "Finding",
    "LayerTime",
    "Profile",
    "Summary",
    "Trace",
    "diagram",
    "lint",
    "net_from",
    "profile",
    "summary",
    "trace",
]
