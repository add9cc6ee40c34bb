"""A profile's modules as Markdown, LaTeX, HTML and a pandas DataFrame."""

from __future__ import annotations

from ._errors import MissingPackageError

TYPE_CHECKING = False  # for type checkers; the module `typing` takes longer than the core
if TYPE_CHECKING:
    from typing import Any

    from . import _core
    from ._profile import Profile

_FIGURES = (("parameters", "parameters"), ("MACs", "macs"), ("FLOPs", "flops"),
            ("activations", "activations"))


def count(number: int) -> str:
    """Four digits with a prefix of 1000: "1.814 G"."""
    value = float(number)
    for prefix in ("", " k", " M", " G", " T", " P", " E"):
        if abs(value) < 999.95 or prefix == " E":
            break
        value /= 1000
    if not prefix:
        return str(number)
    digits = 3 if abs(value) < 9.9995 else 2 if abs(value) < 99.995 else 1
    return f"{value:.{digits}f}{prefix}"


def _modules(profile: Profile, depth: int) -> list[_core.Module]:
    return [module for module in profile.modules if module.depth <= depth]


def _figure(figures: Any, name: str) -> str:
    value = getattr(figures, name)
    if value == 0:
        return "-"
    return ("<= " if _is_bounded(figures, name) else "") + count(value)


def _is_bounded(figures: Any, name: str) -> bool:
    if name in ("parameters", "buffers"):
        return False
    return figures.macs_bounded if name == "macs" else figures.bounded


def _sizes(module: _core.Module) -> str:
    return ", ".join("x".join(map(str, shape)) or "()" for shape in module.output_shapes)


def _rows(profile: Profile, depth: int) -> list[list[str]]:
    return [[module.path or module.type, module.type, _sizes(module)]
            + [_figure(module, name) for _, name in _FIGURES]
            for module in _modules(profile, depth)]


_HEADER = ["module", "type", "output"] + [title for title, _ in _FIGURES]


def markdown(profile: Profile, depth: int) -> str:
    """Lines of a table with pipes, ended by a line break."""
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
    rule = "|" + "|".join([":--"] * 3 + ["--:"] * len(_FIGURES)) + "|\n"
    return line(_HEADER) + rule + "".join(map(line, _rows(profile, depth)))


_LATEX = str.maketrans({"\\": r"\textbackslash{}", "_": r"\_", "&": r"\&", "%": r"\%", "$": r"\$",
                        "#": r"\#", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
                        "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}"})


def latex(profile: Profile, depth: int) -> str:
    """A `tabular` without packages."""
    def line(cells: list[str]) -> str:
        return "  " + " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\" + "\n"
    columns = "lll" + "r" * len(_FIGURES)
    return (f"\\begin{{tabular}}{{{columns}}}\n  \\hline\n" + line(_HEADER) + "  \\hline\n"
            + "".join(map(line, _rows(profile, depth))) + "  \\hline\n\\end{tabular}\n")


def import_pandas() -> Any:
    """The module. Raises MissingPackageError."""
    try:
        import pandas
    except ImportError:
        raise MissingPackageError("pandas is not installed", hint="pip install pandas") from None
    return pandas


def data_frame(profile: Profile) -> Any:
    """A row for each module, indexed by its path."""
    pandas = import_pandas()
    names = ("type", "depth", "calls", "parameters", "buffers", "parameter_bytes", "macs", "flops",
             "activations", "bytes_read", "bytes_written", "cost", "bounded")
    modules = profile.modules
    columns: dict[str, Any] = {name: [getattr(module, name) for module in modules] for name in names}
    columns["output_shapes"] = [module.output_shapes for module in modules]
    index = pandas.Index([module.path for module in modules], name="path")
    return pandas.DataFrame(columns, index=index)


# -- notebooks ----------------------------------------------------------------------------------

_STYLE = ("<style>.zoometer table{border-collapse:collapse;text-align:right}"
          ".zoometer td,.zoometer th{padding:2px 10px}"
          ".zoometer summary,.zoometer .leaf{font-family:monospace;white-space:pre}"
          ".zoometer details{margin-left:1.2em}.zoometer .leaf{margin-left:2.2em}"
          ".zoometer .share{opacity:.6}</style>")


def escape(text: str) -> str:
    """A text within HTML. The module `html` would load `re`, which takes longer than the core."""
    for character, name in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot"), ("'", "#x27")):
        text = text.replace(character, f"&{name};")
    return text


def html(profile: Profile) -> str:
    """The totals, and the module tree, whose branches fold."""
    totals = "".join(f"<th>{title}</th>" for title, _ in _FIGURES)
    figures = "".join(f"<td>{escape(_figure(profile.total, name))}</td>" for _, name in _FIGURES)
    notes = "".join(f"<li>{escape(note)}</li>" for note in profile.notes)
    return (f'{_STYLE}<div class="zoometer"><b>{escape(profile.name)}</b>'
            f"<table><tr>{totals}</tr><tr>{figures}</tr></table>{_tree(profile)}"
            + (f"<ul>{notes}</ul>" if notes else "") + "</div>")


def _tree(profile: Profile) -> str:
    """The tree without recursion: networks may be deep."""
    modules = profile.modules
    if not modules:
        return ""
    whole = max(profile.flops, 1)
    parts: list[str] = []
    stack: list[tuple[int, bool]] = [(0, False)]
    while stack:
        index, is_end = stack.pop()
        if is_end:
            parts.append("</details>")
            continue
        module = modules[index]
        label = _label(module, whole)
        if not module.children:
            parts.append(f'<div class="leaf">{label}</div>')
            continue
        parts.append(f'<details{" open" if module.depth == 0 else ""}><summary>{label}</summary>')
        stack.append((index, True))
        stack.extend((child, False) for child in reversed(module.children))
    return "".join(parts)


def _label(module: _core.Module, whole: int) -> str:
    name = module.path.rpartition(".")[2]
    figures = "  ".join(f"{_figure(module, field)} {title}" for title, field in _FIGURES[:3]
                        if getattr(module, field))
    share = f"{100 * module.flops / whole:.1f}%" if module.flops else ""
    return (f"{escape(name + ' ' if name else '')}<b>{escape(module.type)}</b>  {escape(figures)} "
            f'<span class="share">{share}</span>')


def preformatted(text: str) -> str:
    """A text as a notebook shows it."""
    return f"<pre>{escape(text)}</pre>"
