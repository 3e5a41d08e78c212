"""Published ImageNet errors, with where each figure stands; the timeline is drawn from these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Milestone:
    """The best top-5 error of a year, as lectures tell it, and the figures behind it."""

    year: int
    error: float
    """In percent; where `below`, a bound."""
    what: str
    published: str
    model: str = ""
    """The network of the zoo that it stands for."""
    below: bool = False

    @property
    def figure(self) -> str:
        """As people write it: 26 %, under 2 %."""
        return f"{'under ' if self.below else ''}{self.error:g} %"


MILESTONES = (
    Milestone(2011, 26, "hand-made features, SVM", "before deep networks"),
    Milestone(
        2012,
        16,
        "AlexNet",
        "Krizhevsky et al. 2012: five networks 16.4 (test); seven, two of them pretrained, 15.3",
        "alexnet_2012",
    ),
    Milestone(
        2013,
        11.7,
        "AlexNet's variants",
        "the challenge's best entry; Zeiler and Fergus 2014: six networks 14.8 (test)",
        "zfnet",
    ),
    Milestone(
        2014,
        6.6,
        "GoogLeNet",
        "Szegedy et al. 2015: seven networks, 144 crops each, 6.67; VGG: two networks 6.8",
        "googlenet_2014",
    ),
    Milestone(
        2015,
        4.5,
        "ResNet",
        "He et al. 2016: one of 152 layers 4.49 (validation); an ensemble 3.57 (test)",
        "resnet152",
    ),
    Milestone(2021, 2, "attention", "networks of attention, with more data", below=True),
)
