"""Callbacks: what they hear, and what they may change."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from test_sequential_model import compiled, stripes, weights

from striate.errors import ArgumentError
from striate.sequential import MissingError, Sequential, callbacks, optimizers

pytestmark = pytest.mark.usefixtures("one_thread")


class Script(callbacks.Callback):
    """Writes what it hears into a list, and figures of its own into the logs."""

    def __init__(self, losses: list[float]) -> None:
        self.losses = losses
        self.heard: list[str] = []
        self.seen: list[torch.Tensor] = []

    def on_train_begin(self, logs: callbacks.Logs | None = None) -> None:
        self.heard.append("begin")

    def on_train_end(self, logs: callbacks.Logs | None = None) -> None:
        self.heard.append("end")

    def on_epoch_begin(self, epoch: int, logs: callbacks.Logs | None = None) -> None:
        self.heard.append(f"+{epoch}")

    def on_epoch_end(self, epoch: int, logs: callbacks.Logs | None = None) -> None:
        assert logs is not None
        logs["val_loss"] = self.losses[epoch]
        self.heard.append(f"-{epoch}")
        self.seen.append(weights(self.model))


def trained(
    script: Script, *others: callbacks.Callback, rate: float = 0.01
) -> tuple[Sequential, dict[str, list[float]]]:
    model = compiled(optimizer=optimizers.Adam(rate))
    x, y = stripes()
    history = model.fit(x, y, epochs=len(script.losses), callbacks=[script, *others], verbose=0)
    return model, history.history


def test_every_moment_is_told_once() -> None:
    script = Script([1, 1])
    trained(script)
    assert script.heard == ["begin", "+0", "-0", "+1", "-1", "end"]


def test_early_stopping_waits_stops_and_restores() -> None:
    script = Script([3, 2, 2.5, 2.2, 1, 0])
    stop = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    model, history = trained(script, stop)
    assert len(history["loss"]) == 4
    assert script.heard[-2:] == ["-3", "end"]
    assert torch.equal(weights(model), script.seen[1])
    model, _ = trained(script, callbacks.EarlyStopping(patience=2))
    assert not torch.equal(weights(model), script.seen[1])


def test_small_gains_count_only_above_min_delta_and_up_is_better_for_accuracies() -> None:
    script = Script([3, 2.9, 2.8, 2.7])
    assert len(trained(script, callbacks.EarlyStopping(min_delta=0.5, patience=2))[1]["loss"]) == 3
    script = Script([1] * 9)
    stop = callbacks.EarlyStopping("loss", mode="max", patience=1)
    assert len(trained(script, stop)[1]["loss"]) == 2
    stop = callbacks.EarlyStopping("accuracy", patience=2)
    found = trained(Script([1] * 9), stop, rate=0.05)[1]["accuracy"]
    assert found[-1] <= max(found[:-2])


def test_a_callback_may_stop_the_run_and_set_the_rate() -> None:
    class Own(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: callbacks.Logs | None = None) -> None:
            self.model.optimizer.learning_rate = 1e-12
            self.model.stop_training = epoch == 2

    script = Script([1] * 9)
    trained(script, Own())
    assert len(script.seen) == 3
    assert torch.allclose(script.seen[1], script.seen[2], atol=1e-9)
    assert not torch.allclose(script.seen[0], torch.zeros_like(script.seen[0]))


def test_the_rate_follows_a_schedule() -> None:
    for schedule in (lambda epoch: 0.1 * 0.5**epoch, lambda epoch, rate: 0.1 * 0.5**epoch):
        script = Script([1, 1, 1])
        history = trained(script, callbacks.LearningRateScheduler(schedule))[1]
        assert history["learning_rate"] == [0.1, 0.05, 0.025]
    # It is the rate that the weights move by.
    script = Script([1, 1])
    trained(script, callbacks.LearningRateScheduler(lambda epoch: 0.1 if epoch == 0 else 1e-12))
    assert torch.allclose(script.seen[0], script.seen[1], atol=1e-9)


def test_the_rate_falls_on_a_plateau() -> None:
    script = Script([3, 2, 2, 2, 1, 1, 1])
    plateau = callbacks.ReduceLROnPlateau(factor=0.5, patience=2, min_lr=0.004)
    history = trained(script, plateau)[1]
    assert history["learning_rate"] == [0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.005]
    assert trained(Script([1] * 8), plateau)[1]["learning_rate"][-1] == 0.004


def test_weights_are_saved_every_epoch_or_when_best(tmp_path: Path) -> None:
    script = Script([3, 1, 2])
    every = callbacks.ModelCheckpoint(tmp_path / "{epoch:02d}-{val_loss:.1f}.safetensors")
    best = callbacks.ModelCheckpoint(tmp_path / "best.safetensors", save_best_only=True)
    model, _ = trained(script, every, best)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"0{n}-{v}.0.safetensors" for n, v in ((1, 3), (2, 1), (3, 2))] + [
        "best.safetensors"
    ]
    model.load_weights(tmp_path / "best.safetensors")
    assert torch.equal(weights(model), script.seen[1])


def test_figures_go_into_a_table(tmp_path: Path) -> None:
    history = trained(Script([3, 1]), callbacks.CSVLogger(tmp_path / "log.csv"))[1]
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert np.allclose([float(row["loss"]) for row in rows], history["loss"])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: callbacks.EarlyStopping(baseline=1), MissingError, r"EarlyStopping\(baseline"),
        (lambda: callbacks.EarlyStopping(mode="up"), ArgumentError, "mode: got 'up'"),
        (lambda: callbacks.EarlyStopping(patience=-1), ArgumentError, "patience: got -1"),
        (lambda: callbacks.ReduceLROnPlateau(factor=2), ArgumentError, "factor: got 2"),
        (lambda: callbacks.ReduceLROnPlateau(cooldown=2), MissingError, "cooldown"),
        (lambda: callbacks.CSVLogger("a", append=True), MissingError, "append=True"),
        (lambda: callbacks.ModelCheckpoint("a", save_freq=3), MissingError, "save_freq"),
        (
            lambda: callbacks.ModelCheckpoint("a", save_weights_only=False),
            MissingError,
            "save_weights_only=False",
        ),
        (
            lambda: trained(Script([1]), callbacks.EarlyStopping("val_acc")),
            ArgumentError,
            "monitor: got 'val_acc'.*There are accuracy, loss, val_loss",
        ),
    ],
)
def test_what_cannot_be_is_named(make: object, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        make()  # type: ignore[operator]


def test_moments_that_never_come_are_refused() -> None:
    with pytest.raises(MissingError, match=r"Callback\.on_train_batch_end"):
        type("Own", (callbacks.Callback,), {"on_train_batch_end": print})
