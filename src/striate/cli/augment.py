"""`striate augment`: what a policy makes of a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from striate.cli.output import Json, print_json, results
from striate.errors import ArgumentError


def augment(
    image: Annotated[Path | None, typer.Argument(help="A picture file.")] = None,
    policy: Annotated[
        str, typer.Option("--policy", "-p", help="A policy by name (see --list).")
    ] = "standard",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="PNG file to write [default: ./IMAGE-POLICY.png]."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Other numbers, other samples.")] = 0,
    list_policies: Annotated[
        bool, typer.Option("--list", help="List the policies and what they do.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what a policy of random changes makes of a picture, as a contact sheet.

    The picture comes first, 23 samples follow: the ones that training with this seed would see in
    its first epoch as samples 0 to 22. Choose a policy whose every sample still shows its class.

    \b
    striate augment --list
    striate augment photo.jpg --policy photos
    striate augment digit.png -p digits -o sheet.png --seed 3
    """
    if list_policies:
        _list(json)
        return
    if image is None:
        raise ArgumentError("IMAGE", "nothing", "a picture file", remedy="Or --list for policies")
    target = output or Path(f"{image.stem}-{policy}.png")
    if output is None and target.exists():
        remedy = f"-o {target} writes over it"
        raise ArgumentError("--output", "nothing", f"a name: {target} is there", remedy=remedy)
    _write(image, policy, target, seed)
    if json:
        print_json({"output": str(target), "policy": policy, "seed": seed})
    else:
        results().print(str(target), soft_wrap=True)


def _write(image: Path, name: str, target: Path, seed: int) -> None:
    import io

    from striate.data.augment.policy import policy
    from striate.data.augment.sheet import contact_sheet
    from striate.data.decode import decode
    from striate.files import write_atomic

    steps = policy(name)
    if target.suffix.lower() != ".png":
        raise ArgumentError("--output", str(target), "a name that ends in .png")
    if target.exists() and image.exists() and target.samefile(image):
        raise ArgumentError("--output", str(target), "another file than the input")
    sheet = contact_sheet(decode(image), steps, f"{image.name}   {name}, seed {seed}", seed)
    data = io.BytesIO()
    sheet.save(data, "PNG")
    write_atomic(target, data.getvalue())


def _list(json: bool) -> None:
    from striate.data.augment.policy import POLICIES, describe

    if json:
        print_json([{"name": n, "steps": describe(steps)} for n, steps in POLICIES.items()])
        return
    console = results()
    for name, steps in POLICIES.items():
        console.print(name)
        for line in describe(steps) or ["nothing"]:
            console.print(f"    {line}", soft_wrap=True)
