import math

import numpy as np
import pytest
import torch

from striate.errors import ArgumentError
from striate.models import create
from striate.models.speechcnn import FLOOR, LogMel, SpeechCNN, mel_filters


def _mel(hertz: float) -> float:
    return 2595 * math.log10(1 + hertz / 700)


def _hertz(mel: float) -> float:
    return 700 * (10 ** (mel / 2595) - 1)


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_the_filters_are_the_formula(rate: int) -> None:
    filters = mel_filters(512, rate)
    assert filters.shape == (40, 257)
    peaks = [_hertz(number * _mel(rate / 2) / 41) for number in range(42)]
    for band, row in enumerate(filters.tolist()):
        left, peak, right = peaks[band : band + 3]
        for k in range(257):
            hertz = k * rate / 512
            side = (
                (hertz - left) / (peak - left) if hertz < peak else (right - hertz) / (right - peak)
            )
            assert row[k] == pytest.approx(max(0.0, side), abs=1e-6)
    assert (filters.sum(1) > 0).all()  # no band falls between two frequencies


def test_htk_mel_scale() -> None:
    """1,000 Hz are 1,000 mel, by the formula's constants."""
    assert _mel(1000) == pytest.approx(1000, abs=0.05)


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_the_spectrum_is_the_naive_dft(rate: int) -> None:
    torch.manual_seed(0)
    front = LogMel(rate).double()
    window, hop = rate // 40, rate // 100
    clip = torch.randn(window + 3 * hop + 5, dtype=torch.float64)
    n = np.arange(window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / window)
    expected = []
    for frame in range(4):
        piece = clip.numpy()[frame * hop : frame * hop + window] * hann
        power = [abs(sum(piece * np.exp(-2j * np.pi * k * n / 512))) ** 2 for k in range(257)]
        expected.append(np.log(mel_filters(512, rate).double().numpy() @ power + FLOOR))
    found = front(clip[None, None])
    assert found.shape == (1, 1, 40, 4)
    np.testing.assert_allclose(found[0, 0], np.stack(expected, 1), atol=1e-4)


def test_a_tone_lights_up_its_band() -> None:
    time = torch.arange(16_000) / 16_000
    for hertz in (200, 1000, 4000):
        bands = LogMel()(torch.sin(2 * math.pi * hertz * time)[None, None]).mean(-1)[0, 0]
        nearest = round(_mel(hertz) / _mel(8000) * 41) - 1
        assert abs(bands.argmax().item() - nearest) <= 1


def test_silence_is_finite() -> None:
    bands = LogMel()(torch.zeros(1, 1, 16_000))
    torch.testing.assert_close(bands, torch.full_like(bands, math.log(FLOOR)))


def test_a_longer_frame_takes_more_points() -> None:
    assert LogMel(44_100).dft.shape == (2 * 1025, 1, 1102)


def test_the_front_is_in_the_state_dict() -> None:
    assert {"front.dft", "front.mel"} <= set(SpeechCNN().state_dict())


def test_clips_of_any_length_and_several_microphones() -> None:
    net = create("speechcnn", classes=10, rate=8_000).eval()
    for length in (200, 3_457, 8_000):
        assert net(torch.randn(2, length)).shape == (2, 10)
    clips = torch.randn(2, 4_000)
    assert torch.equal(net(clips), net(clips[:, None]))
    stereo = create("speechcnn", in_channels=2).eval()
    maps = stereo.features(torch.randn(3, 2, 4_000))
    assert maps["logmel"].shape == (3, 80, 23)
    one = stereo.features(torch.cat([clips[:1, None], torch.zeros(1, 1, 4_000)], 1))["logmel"]
    assert one[0, :40].std() > 0
    silence = one[0, 40:]
    torch.testing.assert_close(
        silence, torch.full_like(silence, math.log(FLOOR)), atol=1e-3, rtol=0
    )


def test_bad_input_is_named() -> None:
    net = SpeechCNN().eval()
    with pytest.raises(ArgumentError, match="got 399, expected at least 400 samples"):
        net(torch.zeros(1, 399))
    with pytest.raises(
        ArgumentError, match=r"got \(1, 2, 900\), expected \(clips, 1, samples\) or"
    ):
        net(torch.zeros(1, 2, 900))
    with pytest.raises(ArgumentError, match=r"got \(4, 900\), expected \(clips, 2, samples\)$"):
        SpeechCNN(in_channels=2)(torch.zeros(4, 900))
    with pytest.raises(ArgumentError, match="rate: got 10"):
        LogMel(10)


def test_it_learns_to_tell_tones_apart() -> None:
    torch.manual_seed(0)
    net = SpeechCNN(2, rate=8_000)
    step = torch.optim.Adam(net.parameters(), 1e-3)
    time = torch.arange(2_000) / 8_000
    labels = torch.arange(16) % 2
    for _ in range(12):
        hertz = 300 + 600 * labels + 100 * torch.rand(16)
        clips = torch.sin(2 * math.pi * hertz[:, None] * time) + 0.1 * torch.randn(16, 2_000)
        loss = torch.nn.functional.cross_entropy(net(clips), labels)
        step.zero_grad()
        loss.backward()
        step.step()
    assert loss < 0.3
