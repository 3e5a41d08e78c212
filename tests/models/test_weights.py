"""Published weights: found, checked, converted, cached; refused in every other case."""

import dataclasses
import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from striate.errors import ArgumentError, StriateError
from striate.fetch import sha256_of
from striate.models import create, list_models, records, weights
from striate.models.records import RECORDS, Record, records_of
from striate.models.weights import adapt_bands, cache_folder, load_state, record_for


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches of our own, and no mirror to ask."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path


@pytest.fixture
def published(home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Record, nn.Module]:
    """SqueezeNet with weights that were published as a `.pth`, in torch hub's cache."""
    torch.manual_seed(3)
    net = create("squeezenet1_1").eval()
    path = home / "torch" / "hub" / "checkpoints" / "squeezenet1_1-test.pth"
    path.parent.mkdir(parents=True)
    torch.save(net.state_dict(), path)
    record = dataclasses.replace(
        records_of("squeezenet1_1")[0],
        file=path.name,
        urls=("http://127.0.0.1:9/none",),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size=path.stat().st_size,
    )
    monkeypatch.setattr(records, "RECORDS", (record,))
    return record, net


IMAGE = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def same(net: nn.Module, other: nn.Module) -> bool:
    with torch.inference_mode():
        return torch.equal(net.eval()(IMAGE), other.eval()(IMAGE))


def test_a_published_file_is_loaded_and_kept_as_safetensors(
    published: tuple[Record, nn.Module],
) -> None:
    record, net = published
    assert same(create("squeezenet1_1", pretrained=True), net)
    kept = load_file(cache_folder() / f"{record.name}.safetensors")
    assert kept.keys() == net.state_dict().keys()


def test_the_cache_serves_when_the_source_is_gone(
    published: tuple[Record, nn.Module], home: Path
) -> None:
    record, net = published
    create("squeezenet1_1", pretrained=record.name)
    (home / "torch" / "hub" / "checkpoints" / record.file).unlink()
    assert same(create("squeezenet1_1", pretrained=True), net)


def test_a_damaged_cache_is_made_again(published: tuple[Record, nn.Module]) -> None:
    record, net = published
    create("squeezenet1_1", pretrained=True)
    kept = cache_folder() / f"{record.name}.safetensors"
    damaged = bytearray(kept.read_bytes())
    damaged[-1] ^= 1
    kept.write_bytes(damaged)
    assert same(create("squeezenet1_1", pretrained=True), net)


def test_a_changed_file_is_refused_before_it_is_read(
    published: tuple[Record, nn.Module], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, _ = published
    path = home / "torch" / "hub" / "checkpoints" / record.file
    path.write_bytes(pickle.dumps(Trap(home / "sprung")))
    with pytest.raises(StriateError, match="cannot be downloaded"):
        create("squeezenet1_1", pretrained=True)
    assert f"{path}: not the published file" in capsys.readouterr().err
    assert not (home / "sprung").exists()


class Trap:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_a_pickle_with_code_is_not_run_even_if_its_checksum_is_right(
    published: tuple[Record, nn.Module], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, _ = published
    path = home / "torch" / "hub" / "checkpoints" / record.file
    torch.save({"weight": Trap(home / "sprung")}, path)
    poisoned = dataclasses.replace(record, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(records, "RECORDS", (poisoned,))
    with pytest.raises(StriateError, match="is not a file of tensors"):
        create("squeezenet1_1", pretrained=True)
    assert not (home / "sprung").exists()


def test_without_a_network_the_error_names_the_file_and_its_place(
    published: tuple[Record, nn.Module], home: Path
) -> None:
    record, _ = published
    (home / "torch" / "hub" / "checkpoints" / record.file).unlink()
    with pytest.raises(StriateError, match="cannot be downloaded") as caught:
        create("squeezenet1_1", pretrained=True)
    assert str(cache_folder() / record.file) in str(caught.value)


def test_a_file_brought_by_hand_does_as_well(
    published: tuple[Record, nn.Module], home: Path
) -> None:
    record, net = published
    cache_folder().mkdir(parents=True)
    (home / "torch" / "hub" / "checkpoints" / record.file).rename(cache_folder() / record.file)
    assert same(create("squeezenet1_1", pretrained=True), net)


def test_other_classes_get_a_new_head_and_keep_the_trunk(
    published: tuple[Record, nn.Module],
) -> None:
    _, net = published
    mine = create("squeezenet1_1", pretrained=True, classes=5)
    assert mine(IMAGE).shape == (1, 5)
    for name, tensor in mine.state_dict().items():
        if not name.startswith("classifier.1"):
            assert torch.equal(tensor, net.state_dict()[name]), name


def test_a_grey_picture_answers_as_its_three_copies_did(
    published: tuple[Record, nn.Module],
) -> None:
    _, net = published
    grey = create("squeezenet1_1", pretrained=True, in_channels=1).eval()
    picture = IMAGE[:, :1]
    with torch.inference_mode():
        want = net.eval()(picture.expand(-1, 3, -1, -1))
        torch.testing.assert_close(grey(picture), want, rtol=1e-4, atol=1e-4)


def test_more_bands_repeat_the_first_ones_and_keep_the_size() -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False))
    before = net[0].weight.detach().clone()
    adapt_bands(net, 4)
    want = before[:, [0, 1, 2, 0]] * 0.75
    torch.testing.assert_close(net[0].weight.detach(), want)
    assert net[0].in_channels == 4
    assert net(torch.ones(1, 4, 2, 2)).shape == (1, 2, 2, 2)


def test_tensors_of_another_network_are_refused(published: tuple[Record, nn.Module]) -> None:
    record, _ = published
    with torch.device("meta"):
        other = create("squeezenet1_0")
    with pytest.raises(StriateError, match=r"do not fit the network: .* of another shape"):
        load_state(record, other)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet18", {"small": True}),
        ("resnet50", {"v1": True}),
        ("efficientnet_lite0", {"same": False}),
        ("fasterrcnn_resnet50_fpn", {"in_channels": 1}),
    ],
)
def test_options_that_change_what_the_weights_mean_are_refused(
    name: str, options: dict[str, Any]
) -> None:
    (option,) = options
    with pytest.raises(ArgumentError, match=f"{option}: got"):
        create(name, pretrained=True, **options)


def test_a_copy_under_old_names_is_made_again(published: tuple[Record, nn.Module]) -> None:
    record, net = published
    create("squeezenet1_1", pretrained=True)
    kept = cache_folder() / f"{record.name}.safetensors"
    save_file({f"old.{name}": tensor for name, tensor in load_file(kept).items()}, kept)
    seal = {"source_sha256": record.sha256, "sha256": sha256_of(kept)}
    kept.with_suffix(".json").write_text(json.dumps(seal))
    assert same(create("squeezenet1_1", pretrained=True), net)


def test_a_cache_that_cannot_be_written_stops_nobody(
    published: tuple[Record, nn.Module], home: Path
) -> None:
    _, net = published
    (home / "cache").write_text("a file where a folder should be")
    assert same(create("squeezenet1_1", pretrained=True), net)


def test_auxiliary_heads_may_be_left_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "torch" / "hub" / "checkpoints" / "googlenet-test.pth"
    path.parent.mkdir(parents=True)
    torch.save(create("googlenet").state_dict(), path)
    record = dataclasses.replace(
        records_of("googlenet")[0],
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    monkeypatch.setattr(records, "RECORDS", (record,))
    without = create("googlenet", pretrained=True, aux=False)
    assert not any(name.startswith("aux") for name in without.state_dict())
    assert any(n.startswith("aux") for n in create("googlenet", pretrained=True).state_dict())


def test_names_of_weights_and_networks_without_any() -> None:
    with pytest.raises(ArgumentError, match=r"Did you mean resnet18\.torchvision"):
        record_for("resnet18", "resnet18.torchvison")
    choices = r"pretrained: got 1, expected True, False or the name of its weights: resnet18\.torch"
    with pytest.raises(ArgumentError, match=choices):
        record_for("resnet18", 1)
    with pytest.raises(StriateError, match="no published weights are known for lenet5"):
        create("lenet5", pretrained=True)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_record_is_whole(record: Record) -> None:
    assert record.model in list_models()
    assert len(bytes.fromhex(record.sha256)) == 32
    # The published names carry the first digits of the checksum themselves.
    assert record.sha256.startswith(record.file.rsplit("-", 1)[-1].removesuffix(".pth"))
    assert record.urls or record.package
    assert record.licence
    assert record.metric
    assert len(set(record.classes)) == len(record.classes)
    with torch.device("meta"):
        net = create(record.model, **record.options)
    assert net.stages["head"].channels == len(record.classes)


def test_the_cache_holds_nothing_but_tensors_and_their_seal(
    published: tuple[Record, nn.Module],
) -> None:
    record, _ = published
    create("squeezenet1_1", pretrained=True)
    assert {path.suffix for path in cache_folder().iterdir()} == {".safetensors", ".json"}
    seal = json.loads((cache_folder() / f"{record.name}.json").read_text())
    assert seal["source_sha256"] == record.sha256
    assert weights.source_file(record).name == record.file
