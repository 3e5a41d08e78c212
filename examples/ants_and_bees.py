"""Ants or bees? A published network first says what it sees; then a line through its features.

python examples/ants_and_bees.py FOLDER    with FOLDER/train and FOLDER/val, each ants/ and bees/

EfficientNet-Lite0 stays as it is. Its pooled features of the training pictures go to a logistic
regression, solved to the end by L-BFGS.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.data import decode
from striate.models.contract import last
from striate.pipeline import Classifier, load_pretrained

CLASSES = ("ants", "bees")
PENALTY = 1e-2


@torch.no_grad()
def look(classifier: Classifier, folder: Path) -> tuple[Tensor, Tensor, list[str]]:
    """Pictures of a split -> features (N, C), class indices (N,), what ImageNet calls them."""
    net, preprocess = classifier.net, classifier.preprocess
    features, labels, names = [], [], []
    for label, name in enumerate(CLASSES):
        for path in sorted((folder / name).iterdir()):
            picture = preprocess.normalise(preprocess.pixels(decode(path))[None])
            features.append(last(net.features(picture)).mean((2, 3)))  # type: ignore[operator]
            labels.append(label)
            names.append(classifier.classes[int(net(picture).argmax())])
    return torch.cat(features), torch.tensor(labels), names


def line_between(features: Tensor, labels: Tensor) -> Tensor:
    """(N, C), (N,) -> (C + 1,): weights and bias of the logistic regression."""
    weights = torch.zeros(features.shape[1] + 1, requires_grad=True)
    solver = torch.optim.LBFGS([weights], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        fit = F.binary_cross_entropy_with_logits(scores(features, weights), labels.float())
        penalised = fit + PENALTY * weights[:-1].square().sum()
        penalised.backward()
        return penalised

    solver.step(loss)
    return weights.detach()


def scores(features: Tensor, weights: Tensor) -> Tensor:
    """(N, C), (C + 1,) -> (N,): above 0 on the side of the bees."""
    return features @ weights[:-1] + weights[-1]


def main(folder: Path) -> None:
    """Print both accuracies and hold them to what is known of this network."""
    torch.manual_seed(0)
    classifier = load_pretrained("efficientnet_lite0")
    features, labels, _ = look(classifier, folder / "train")
    unseen, wanted, names = look(classifier, folder / "val")
    for label, insect in enumerate(("ant", "bee")):
        said = [name == insect for name, one in zip(names, wanted, strict=True) if one == label]
        share = sum(said) / len(said)
        print(f"{insect}: named so at first sight {share:.1%} of {len(said)}")
        assert share >= 0.8
    right = (scores(unseen, line_between(features, labels)) > 0) == wanted.bool()
    print(f"with a line through its features: {right.double().mean():.1%} of {len(right)}")
    assert right.double().mean() >= 0.94


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
