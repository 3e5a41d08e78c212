"""The command that comes to a run again: it says all that was decided, and leaves no choice."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from striate.models.weights import record_for
from striate.recipes import setup
from striate.training import Recipe
from striate.training.recipe import SOLVED_BY
from striate.transfer import FINE_TUNING

_BY_NUMBER = ("batch_size", "epochs", "peak_rate")
"""Settings that a run from scratch takes from the number of pictures, where it is not told them."""
NO_LIMIT = 1_000_000.0
"""The epochs of a run that time alone bounds."""
_SHAPES = ("classes", "in_channels", "size")  # options that the data decide


def command(plan: Mapping[str, Any]) -> str:
    """From a run's plan: a line for the shell; for Python where no line can say the options."""
    mode, model = plan["mode"], plan["model"]["name"]
    source, grouped = plan["data"]["source"], plan["together"]["group_by"]
    settings = _settings(plan)
    if options := _options(plan):
        asked = {"mode": mode, "model": model, "options": options} | settings
        asked |= {"recipe": plan["recipe_name"]} if plan["recipe_name"] else {}
        asked |= {"group_by": grouped} if grouped else {}
        said = ", ".join(f"{name}={value!r}" for name, value in asked.items())
        return f"striate.train({source!r}, {said})"
    words = ["striate", "train", source, "--mode", mode, "--model", model]
    words += ["--recipe", plan["recipe_name"]] if plan["recipe_name"] else []
    words += ["--group-by", grouped] if grouped else []
    seed = settings.pop("seed")
    for name, unit in (("epochs", ""), ("budget", "s")):
        words += [f"--{name}", f"{settings.pop(name):.15g}{unit}"] if name in settings else []
    words += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return shlex.join([*words, "--seed", str(seed)])


def caveat(plan: Mapping[str, Any]) -> str:
    """Why the command comes to other weights than the run's, where it does."""
    if "grown" in plan:
        return (
            "This run was given more after it had ended or stopped: at one go, as the command has "
            "it, the rates are others, and so are the weights."
        )
    if plan["recipe"]["budget"] and plan["mode"] != "features":
        return (
            "A budget of time bounded this run: in another hour, or on another machine, the same "
            "command may make more updates or fewer, and so other weights."
        )
    return ""


def _settings(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What must be told for the recipe to be the run's: all that might else become another."""
    recipe, mode, named = plan["recipe"], plan["mode"], plan["recipe_name"]
    if mode == "features":
        return {name: recipe[name] for name in SOLVED_BY}
    base = setup(named).recipe if named else Recipe() if mode == "scratch" else FINE_TUNING
    usual = base.to_dict()
    told = {"seed"} if named else {"balanced", "seed"}
    told |= {*_BY_NUMBER} if mode == "scratch" and not named else set()
    found = {name: recipe[name] for name in recipe if name in told or recipe[name] != usual[name]}
    if found.get("budget") and recipe["epochs"] == NO_LIMIT:
        del found["epochs"]  # which a budget brings along
    return found


def _options(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The network's options that neither a named run, nor weights, nor the data bring along."""
    model = plan["model"]
    known: Mapping[str, Any] = {}
    if plan["recipe_name"] and setup(plan["recipe_name"]).model == model["name"]:
        known = setup(plan["recipe_name"]).options
    elif plan["weights"]:
        known = record_for(model["name"]).options
    return {
        name: value
        for name, value in model["options"].items()
        if name not in _SHAPES and known.get(name) != value
    }
