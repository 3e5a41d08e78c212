"""Wrong labels planted among real digits are found, and named with the right class."""

import pytest
import torch
from torch import Tensor

from striate.data import load_source
from striate.errors import ArgumentError
from striate.evaluating import find_mislabels

SHARE = 0.05


def out_of_fold(pictures: Tensor, labels: Tensor, folds: int = 5) -> Tensor:
    """Probabilities (N, 10) of models without each picture: least squares on random waves."""
    draw = torch.Generator().manual_seed(0)
    waves = 0.12 * torch.randn(pictures.shape[1], 1000, generator=draw)
    features = (pictures @ waves + 6.3 * torch.rand(1000, generator=draw)).cos()
    targets = torch.eye(10)[labels] - 0.1
    fold = torch.randperm(len(labels), generator=draw) % folds
    chances = torch.zeros(len(labels), 10)
    for number in range(folds):
        own = features[fold != number]
        square = own.T @ own + 10 * torch.eye(1000)
        weights = torch.linalg.solve(square, own.T @ targets[fold != number])
        chances[fold == number] = (6 * features[fold == number] @ weights).softmax(1)
    return chances


def test_planted_noise_is_found_among_digits() -> None:
    """Measured with this model, which is right on 90 %: precision 0.8, recall 0.75."""
    data = load_source("sample")
    assert isinstance(data.pictures, Tensor)
    draw = torch.Generator().manual_seed(1)
    chosen = torch.randperm(len(data), generator=draw)[:3000]
    true = data.labels[chosen]
    wrong = torch.rand(3000, generator=draw) < SHARE
    shift = torch.randint(1, 10, (3000,), generator=draw)
    given = torch.where(wrong, (true + shift) % 10, true)
    found = find_mislabels(
        out_of_fold(data.pictures[chosen].float().flatten(1) / 255, given), given
    )

    indices = torch.tensor([one.index for one in found.suspects])
    hits = wrong[indices]
    precision, recall = hits.float().mean().item(), (hits.sum() / wrong.sum()).item()
    print(f"precision {precision:.3f}, recall {recall:.3f}, share {found.share:.3f}")
    assert precision > 0.7
    assert recall > 0.65
    assert hits[: int(wrong.sum()) // 2].float().mean() > 0.93, "the first half is nearly sure"
    likely = torch.tensor([one.likely for one in found.suspects])
    assert (likely == true[indices])[hits].float().mean() > 0.97
    assert abs(found.share - SHARE) < 0.03


def test_the_rule_by_hand() -> None:
    chances = torch.tensor(
        [
            [0.9, 0.1, 0.0],  # 0, and sure
            [0.7, 0.3, 0.0],  # 0, and less sure
            [0.2, 0.8, 0.0],  # labelled 0: as sure of 1 as one is of it: suspect
            [0.49, 0.51, 0.0],  # labelled 0: 1 is likelier, but not as sure
            [0.1, 0.9, 0.0],
            [0.3, 0.6, 0.1],
            [0.95, 0.05, 0.0],  # labelled 1, and surely a 0: the first suspect
            [0.0, 0.1, 0.9],  # labelled 0, but no label says how sure one is of 2
        ]
    )
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 0])
    found = find_mislabels(chances, labels)
    # Thresholds: 0.458 for class 0, 0.517 for class 1.
    assert [(s.index, s.given, s.likely) for s in found.suspects] == [(6, 1, 0), (2, 0, 1)]
    assert found.suspects[1].chance == pytest.approx(0.8)
    assert found.suspects[1].own_chance == pytest.approx(0.2)
    # Confidently: of five zeros three are 0 and one is 1; of three ones one is 0 and two are 1.
    wanted = torch.tensor([[3.75, 1.25, 0], [1, 2, 0], [0, 0, 0]], dtype=torch.float64)
    torch.testing.assert_close(found.joint, wanted)
    assert found.share == pytest.approx(2.25 / 8)


def test_no_label_is_no_suspect_and_moves_no_index() -> None:
    chances = torch.tensor([[0.1, 0.9], [0.9, 0.1], [0.1, 0.9], [0.95, 0.05]])
    found = find_mislabels(chances, torch.tensor([-1, 0, 1, 1]))
    assert [(one.index, one.likely) for one in found.suspects] == [(3, 0)]
    assert found.joint.sum() == 3


def test_without_labels_there_is_nothing_to_doubt() -> None:
    found = find_mislabels(torch.rand(3, 2).softmax(1), torch.full((3,), -1))
    assert found.suspects == []
    assert found.share == 0


def test_logits_and_other_shapes_are_refused() -> None:
    with pytest.raises(
        ArgumentError, match=r"probabilities: .* expected probabilities, not logits"
    ):
        find_mislabels(torch.tensor([[3.0, -1.0]]), torch.tensor([0]))
    with pytest.raises(ArgumentError, match=r"probabilities and labels: .* \(N, K\) and \(N,\)"):
        find_mislabels(torch.rand(3, 2), torch.zeros(2, dtype=torch.int64))
