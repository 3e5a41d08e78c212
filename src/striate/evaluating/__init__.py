"""How good the answers are: calibration, rejection, views, confusions, doubtful labels."""

from striate.evaluating.calibrate import Bin as Bin
from striate.evaluating.calibrate import Calibration as Calibration
from striate.evaluating.calibrate import fit_temperature as fit_temperature
from striate.evaluating.calibrate import reliability as reliability
from striate.evaluating.confusion import ClassRow as ClassRow
from striate.evaluating.confusion import Mistake as Mistake
from striate.evaluating.confusion import Pair as Pair
from striate.evaluating.confusion import class_report as class_report
from striate.evaluating.confusion import most_confused as most_confused
from striate.evaluating.confusion import worst_errors as worst_errors
from striate.evaluating.familiar import Familiar as Familiar
from striate.evaluating.familiar import Known as Known
from striate.evaluating.familiar import fit_familiar as fit_familiar
from striate.evaluating.familiar import signature as signature
from striate.evaluating.familiar import with_signature as with_signature
from striate.evaluating.mislabels import Mislabels as Mislabels
from striate.evaluating.mislabels import Suspect as Suspect
from striate.evaluating.mislabels import find_mislabels as find_mislabels
from striate.evaluating.reject import UNKNOWN as UNKNOWN
from striate.evaluating.reject import Coverage as Coverage
from striate.evaluating.reject import coverage_curve as coverage_curve
from striate.evaluating.reject import fit_threshold as fit_threshold
from striate.evaluating.tta import VIEWS as VIEWS
from striate.evaluating.tta import larger as larger
from striate.evaluating.tta import views as views

__all__ = [
    "UNKNOWN",
    "VIEWS",
    "Bin",
    "Calibration",
    "ClassRow",
    "Coverage",
    "Familiar",
    "Known",
    "Mislabels",
    "Mistake",
    "Pair",
    "Suspect",
    "class_report",
    "coverage_curve",
    "find_mislabels",
    "fit_familiar",
    "fit_temperature",
    "fit_threshold",
    "larger",
    "most_confused",
    "reliability",
    "signature",
    "views",
    "with_signature",
    "worst_errors",
]
