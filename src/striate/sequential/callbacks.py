"""Keras' callbacks that have a twin here: called around every epoch.

What they change is Keras' too: `model.stop_training`, and `model.optimizer.learning_rate`.
"""

from __future__ import annotations

import csv
import inspect
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from striate.errors import ArgumentError, unknown_name
from striate.files import write_atomic
from striate.layers.arguments import whole
from striate.sequential.base import MissingError, refuse

if TYPE_CHECKING:
    from striate.sequential.model import Sequential

Logs = dict[str, float]
_MOMENTS = ("on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end")


class Callback:
    """Base of all; a subclass defines the moments it wants. `model` is set before the first."""

    model: Sequential

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in vars(cls):
            if name.startswith("on_") and name not in _MOMENTS:
                raise MissingError(f"Callback.{name}", f"There are {', '.join(_MOMENTS)}")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last one."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch; `logs` are its figures, and may be added to."""


class History(Callback):
    """What `fit` returns: `history` has a list for every figure, `epoch` the epochs' numbers."""

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the figures."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class _Watcher(Callback):
    """Callbacks that follow one figure, and know what is better."""

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        if mode not in ("auto", "max", "min"):
            raise unknown_name("mode", mode, ("auto", "max", "min"))
        self.monitor = monitor
        upwards = mode == "max" or (mode == "auto" and "acc" in monitor)
        self._sign = 1 if upwards else -1
        self._delta = abs(min_delta)
        self._best = -math.inf

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget what was best."""
        self._best = -math.inf

    def improves(self, logs: Logs | None) -> bool:
        """Whether the figure is the best so far; if so it is the one to beat."""
        found = logs or {}
        if self.monitor not in found:
            remedy = f"There are {', '.join(found)}"
            raise ArgumentError("monitor", self.monitor, "a figure of this run", remedy=remedy)
        value = self._sign * found[self.monitor]
        if value - self._delta <= self._best:
            return False
        self._best = value
        return True


class EarlyStopping(_Watcher):
    """End after `patience` epochs in a row without a better figure."""

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        mode: str = "auto",
        restore_best_weights: bool = False,
        **extra: object,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        extra.pop("verbose", None)
        refuse("EarlyStopping", extra)
        self.patience, self.restore = whole("patience", patience, 0), restore_best_weights

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start to wait."""
        super().on_train_begin(logs)
        self._waited = 0
        self._weights: dict[str, Tensor] = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Wait one epoch more, or not."""
        if self.improves(logs):
            self._waited = 0
            if self.restore:
                weights = self.model.net.state_dict()
                self._weights = {name: value.clone() for name, value in weights.items()}
            return
        self._waited += 1
        if self._waited >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Put the best weights back, where that was wished."""
        if self._weights:
            self.model.net.load_state_dict(self._weights)


class ModelCheckpoint(_Watcher):
    """Save the weights after every epoch, or after those that are the best so far.

    `filepath` may hold figures, as in `{epoch:02d}-{val_loss:.2f}.safetensors`.
    """

    def __init__(
        self,
        filepath: str | Path,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        mode: str = "auto",
        **extra: object,
    ) -> None:
        super().__init__(monitor, mode, 0)
        extra.pop("verbose", None)
        if not extra.pop("save_weights_only", True):
            raise MissingError("ModelCheckpoint(save_weights_only=False)")
        refuse("ModelCheckpoint", extra)
        self.filepath, self.best_only = str(filepath), save_best_only

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save, if this epoch counts."""
        if not self.best_only or self.improves(logs):
            self.model.save_weights(self.filepath.format(epoch=epoch + 1, **(logs or {})))


class LearningRateScheduler(Callback):
    """The rate of every epoch, from its number and the rate before: `schedule(epoch, rate)`."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule = schedule
        self._takes_rate = len(inspect.signature(schedule).parameters) > 1

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate."""
        before = (self.model.optimizer.learning_rate,) if self._takes_rate else ()
        self.model.optimizer.learning_rate = float(self.schedule(epoch, *before))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the rate to the figures."""
        _add_rate(self.model, logs)


class ReduceLROnPlateau(_Watcher):
    """Multiply the rate by `factor` after `patience` epochs without a better figure."""

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
        min_delta: float = 1e-4,
        min_lr: float = 0.0,
        **extra: object,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        extra.pop("verbose", None)
        refuse("ReduceLROnPlateau", extra)
        if not 0 < factor < 1:
            raise ArgumentError("factor", factor, "a number above 0, below 1")
        self.factor, self.patience = factor, whole("patience", patience, 0)
        self.least = min_lr
        self._waited = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Lower the rate, if the wait is over; the figures show the rate of this epoch."""
        _add_rate(self.model, logs)
        self._waited = 0 if self.improves(logs) else self._waited + 1
        if self._waited and self._waited >= self.patience:
            rate = self.model.optimizer.learning_rate * self.factor
            self.model.optimizer.learning_rate = max(rate, self.least)
            self._waited = 0


class CSVLogger(Callback):
    """The figures of every epoch as a line of a CSV file, which is whole at any moment."""

    def __init__(self, filename: str | Path, separator: str = ",", append: bool = False) -> None:
        if append:
            raise MissingError("CSVLogger(append=True)", "Give every run a file of its own")
        self.path, self.separator = Path(filename), separator

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start anew."""
        self._rows: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write all lines so far."""
        self._rows.append({"epoch": epoch, **(logs or {})})
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self._rows[0]), delimiter=self.separator)
        writer.writeheader()
        writer.writerows(self._rows)
        write_atomic(self.path, text.getvalue().encode())


def _add_rate(model: Sequential, logs: Logs | None) -> None:
    if logs is not None:
        logs["learning_rate"] = model.optimizer.learning_rate


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise MissingError(f"callbacks.{name}")
