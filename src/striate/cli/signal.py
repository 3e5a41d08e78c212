"""`striate filter` and `striate match`: kernels and patterns on picture files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.output import Json, print_json, results, talk
from striate.errors import ArgumentError

if TYPE_CHECKING:
    from PIL import Image

# Formats that keep a picture as it is, or nearly; by the ending of the output's name.
_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}


def filter_image(
    image: Annotated[Path | None, typer.Argument(help="A picture file.")] = None,
    kernel: Annotated[
        str | None, typer.Argument(help="A kernel by name: sobel-x, gaussian:sigma=5 (see --list).")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write [default: ./IMAGE-KERNEL.png]."),
    ] = None,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Write the strip: picture, kernel, result.")
    ] = False,
    padding: Annotated[
        str,
        typer.Option(help="Beyond the edge: reflect, replicate, wrap, zeros; or valid (crop)."),
    ] = "reflect",
    list_kernels: Annotated[
        bool, typer.Option("--list", help="List the kernels and their parameters.")
    ] = False,
    json: Json = False,
) -> None:
    """Lay a hand-made kernel on a picture and write the result as a picture.

    The kernel is laid on as printed (correlation, as networks do). Blurs and sharpeners are clipped
    to black and white. Edge and line kernels answer with a sign: their absolute value is written,
    clipped; log and gabor are first scaled to sum to 4 on their heavier side, as Sobel does.
    16-bit pictures stay 16-bit, transparency stays as it is, EXIF rotation is applied. The input is
    never written over; a file already at the output's name is replaced.

    \b
    striate filter --list
    striate filter photo.jpg sobel-x
    striate filter photo.jpg gaussian:sigma=5 -o soft.jpg
    striate filter photo.jpg gabor:theta=45,wavelength=6 --side-by-side
    """
    if list_kernels:
        _list_kernels(json)
        return
    if image is None or kernel is None:
        missing = "IMAGE and KERNEL" if image is None else "KERNEL"
        raise ArgumentError(
            missing, "nothing", "both", remedy="striate filter --list names kernels"
        )
    facts = _filter(image, kernel, output, side_by_side, padding)
    if json:
        print_json(facts)
    else:
        results().print(facts["output"], soft_wrap=True)


def match_image(
    image: Annotated[Path, typer.Argument(help="The picture to search.")],
    pattern: Annotated[Path, typer.Argument(help="The small picture to look for.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write what was found, boxed, beside a heat map."),
    ] = None,
    json: Json = False,
) -> None:
    """Find where a small picture occurs in a large one, at any brightness and contrast.

    The score is the correlation coefficient: 1 is the same picture, 0 is unrelated, -1 is its
    negative. Rows and columns count from 0 at the top left. Size and direction must be the same.
    Colour is compared where both pictures have it, grey otherwise.

    \b
    striate match photo.jpg eye.png
    striate match photo.jpg eye.png -o found.png
    """
    from striate.data.decode import decode
    from striate.signal.match import match
    from striate.signal.picture import plain

    target = None if output is None else _target(output, image, pattern)
    whole, part = plain(decode(image)), plain(decode(pattern))
    mode = "RGB" if {whole.mode, part.mode} <= {"RGB", "RGBA"} else "L"
    found = match(_comparable(whole, mode), _comparable(part, mode))
    answer = {
        "row": found.row,
        "column": found.column,
        "width": part.width,
        "height": part.height,
        "score": round(found.score, 6),
        "ties": found.ties,
        "places": [{"row": row, "column": column} for row, column in found.places()],
        "output": None if target is None else str(target),
    }
    if target is not None:
        _save(_match_strip(whole, part.size, found), target, None)
    if json:
        print_json(answer)
    else:
        _print_match(answer)


def _filter(
    image: Path, kernel: str, output: Path | None, side_by_side: bool, padding: str
) -> dict[str, Any]:
    from striate.data.decode import decode
    from striate.signal import kernels
    from striate.signal.picture import Showing, filtered, plain

    table = kernels.kernel(kernel)
    _check_padding(padding)
    target = _target(output or _default_output(image, kernel, side_by_side), image)
    source = decode(image)
    original = plain(source)
    result = filtered(original, table, padding)
    drawn = _filter_strip(original, image.name, table, kernel, result) if side_by_side else result
    _save(drawn, target, source if drawn is result and source.mode == result.mode else None)
    showing = Showing.of(table)
    return {
        "output": str(target),
        "kernel": kernel,
        "kernel_shape": list(table.shape),
        "kernel_sum": round(float(table.sum()), 12),
        "padding": padding,
        "absolute": showing.absolute,
        "scale": showing.scale,
        "width": drawn.width,
        "height": drawn.height,
        "mode": drawn.mode,
    }


def _default_output(image: Path, kernel: str, side_by_side: bool) -> Path:
    """`photo-gaussian-sigma=5.png` in the current folder: another file for other parameters."""
    words = kernel.lower().replace("_", "-").replace(" ", "").replace(":", ",").split(",")
    return Path("-".join([image.stem, *words, *(["strip"] if side_by_side else [])]) + ".png")


def _list_kernels(json: bool) -> None:
    from striate.signal.kernels import KERNELS, describe

    if json:
        rows = [(name, *describe(name)) for name in KERNELS]
        print_json([{"name": n, "parameters": p, "does": text} for n, p, text in rows])
        return
    console = results()
    for name in KERNELS:
        parameters, text = describe(name)
        words = ",".join(
            f"{key}={'auto' if value is None else f'{value:g}'}"
            for key, value in parameters.items()
        )
        console.print(f"{name}{':' if words else ''}{words}", soft_wrap=True)
        console.print(f"    {text}", soft_wrap=True)


def _check_padding(padding: str) -> None:
    from striate.signal.pad import padding_name

    if padding_name(padding) == "full":
        raise ArgumentError("--padding", padding, "one that does not enlarge the picture")


def _target(output: Path, *inputs: Path) -> Path:
    """The output's path once it is sure that no input is written over."""
    if output.suffix.lower() not in _FORMATS:
        raise ArgumentError("--output", str(output), f"a name that ends in {', '.join(_FORMATS)}")
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise ArgumentError(
                "--output", str(output), "another file than the input", remedy="Choose another name"
            )
    return output


def _save(picture: Image.Image, target: Path, like: Image.Image | None) -> None:
    """Write in the format of the name; the colour profile of `like` goes along."""
    from striate.files import write_atomic

    kind = _FORMATS[target.suffix.lower()]
    options: dict[str, Any] = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
    if like is not None and "icc_profile" in like.info:
        options["icc_profile"] = like.info["icc_profile"]
    data = io.BytesIO()
    try:
        if kind == "WEBP" and picture.mode == "I;16":  # Pillow would clip it to 8 bits unasked
            raise OSError("cannot write mode I;16 as WEBP")
        picture.save(data, kind, **options)
    except (OSError, ValueError) as error:  # Pillow's words for what a format cannot hold
        raise ArgumentError(
            "--output", str(target), f"a format for this picture ({error})", remedy="Use .png"
        ) from error
    write_atomic(target, data.getvalue())


def _filter_strip(
    original: Image.Image, title: str, table: Any, kernel: str, result: Image.Image
) -> Image.Image:
    from striate.signal.picture import Showing
    from striate.signal.strip import side_by_side, swatch

    shape = f"{table.shape[0]} x {table.shape[1]}"
    shown = "absolute value of the result" if Showing.of(table).absolute else "result"
    return side_by_side([(original, title), (swatch(table), f"{kernel}, {shape}"), (result, shown)])


def _comparable(picture: Image.Image, mode: str) -> Image.Image:
    """Without alpha, and grey where the other is; 16-bit grey is compared as it is."""
    return picture if picture.mode == "I;16" else picture.convert(mode)


def _match_strip(whole: Image.Image, size: tuple[int, int], found: Any) -> Image.Image:
    from striate.signal.strip import boxed, heat, side_by_side

    corner = (found.column, found.row)
    scores = heat(found.scores, whole.size, size)
    return side_by_side(
        [
            (boxed(whole, corner, size), f"row {found.row}, column {found.column}"),
            (scores, f"score at each centre, best {found.score:.3f}"),
        ]
    )


def _print_match(answer: dict[str, Any]) -> None:
    console, remark = results(), talk()
    console.print(
        f"row {answer['row']}, column {answer['column']}, "
        f"{answer['width']} x {answer['height']} pixels, score {answer['score']:.3f}",
        soft_wrap=True,
    )
    if answer["score"] <= 0.5:
        remark.print("A weak match: the pattern is probably not in this picture.", soft_wrap=True)
    elif answer["ties"]:
        others = ", ".join(f"({p['row']}, {p['column']})" for p in answer["places"][1:])
        dots = ", ..." if answer["ties"] >= len(answer["places"]) else ""
        remark.print(
            f"{answer['ties']} more with the same score, at (row, column) {others}{dots}",
            soft_wrap=True,
        )
    if answer["output"]:
        remark.print(f"wrote {answer['output']}", soft_wrap=True)
