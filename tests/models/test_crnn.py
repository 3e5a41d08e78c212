import pytest
import torch

from striate.errors import ArgumentError
from striate.models import create
from striate.models.crnn import CRNN


def _small(**options: object) -> CRNN:
    torch.manual_seed(0)
    return CRNN(5, hidden=12, **options).eval()  # type: ignore[arg-type]


def test_the_answer_is_the_mean_over_frames() -> None:
    """Frame by frame: the trunk, one step of the memory, scores; then their mean."""
    net = _small()
    clips = torch.randn(2, 4, 3, 32, 32)
    state, scores = None, []
    for frame in range(4):
        seen = net.trunk.avgpool(net.trunk.features(clips[:, frame])["layer4"]).flatten(1)
        remembered, state = net.lstm(seen[:, None], state)
        scores.append(net.fc(remembered[:, 0]))
    torch.testing.assert_close(net(clips), torch.stack(scores).mean(0), rtol=1e-4, atol=1e-5)


def test_a_clip_is_not_a_bag_of_frames() -> None:
    net = _small()
    clip = torch.randn(1, 5, 3, 32, 32)
    assert not torch.allclose(net(clip.flip(1)), net(clip), atol=1e-6)


def test_the_maps_have_the_frames_on_an_axis_of_their_own() -> None:
    net = _small(in_channels=1, small=True)
    clips = torch.randn(2, 3, 1, 16, 24)
    maps = net.features(clips)
    assert maps["stem"].shape == (2, 64, 3, 16, 24)
    assert maps["layer4"].shape == (2, 512, 3, 2, 3)
    assert maps["memory"].shape == (2, 12, 3)
    alone = net.trunk.features(clips[1, 2:])["layer2"]
    torch.testing.assert_close(maps["layer2"][1, :, 2], alone[0], rtol=1e-4, atol=1e-5)


def test_other_trunks() -> None:
    with torch.device("meta"):
        net = create("crnn", trunk="resnet50")
    assert net.stages["layer4"].channels == net.lstm.input_size == 2048
    with pytest.raises(ArgumentError, match=r"trunk: got 'resnet5'.*Did you mean"):
        create("crnn", trunk="resnet5")


def test_no_parameter_idles() -> None:
    with torch.device("meta"):
        names = [name for name, _ in CRNN().named_parameters()]
    assert not any(name.startswith("trunk.fc") for name in names)


def test_bad_input_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"clips: got \(1, 3, 32, 32\)"):
        _small()(torch.zeros(1, 3, 32, 32))
    with pytest.raises(ArgumentError, match="hidden: got 0"):
        CRNN(hidden=0)
