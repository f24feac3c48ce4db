"""MkDocs hook: replaces `<!-- generate: NAME -->` in a page by what the code's own tables say.

A page of the reference has an introduction and such a line. The table is read when the site is built, so it cannot
differ from the code. An unknown name fails the build.
"""

from __future__ import annotations

import inspect
import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tomllib

ROOT: Final = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # MkDocs loads a hook without its folder on the path
    sys.path.insert(0, str(ROOT))

from diagnostics import async_tools, sanitizer  # noqa: E402
from diagnostics.experiment.fixes import FIXES  # noqa: E402
from diagnostics.experiment.scenarios import SCENARIOS  # noqa: E402
from diagnostics.model import words  # noqa: E402
from diagnostics.model.cell import BASELINE  # noqa: E402
from diagnostics.model.libraries import LIBRARIES  # noqa: E402
from diagnostics.report.formats.bisection import markdown_table, read  # noqa: E402
from diagnostics.report.formats.registry import FORMATS  # noqa: E402
from diagnostics.report.issues.projects import PROJECTS  # noqa: E402
from diagnostics.rewrite.rules import RULES  # noqa: E402
from diagnostics.sanitizer.output.display import Findings, ReportedCause  # noqa: E402
from docs.tables import commands, fence, table  # noqa: E402

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

EXAMPLES: Final = ROOT / "diagnostics" / "explain" / "examples"
SCHEMAS: Final = ROOT / "diagnostics" / "report" / "schemas"
MARKER: Final = re.compile(r"^<!-- generate: ([a-z-]+) -->$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig, **_: object) -> Files:
    """Add what pages show from elsewhere in the repository; MkDocs calls this once."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - tests read the tables where MkDocs is not installed

    plot = ROOT / "reports" / "sample" / "plots" / "verdicts.svg"
    files.append(File.generated(config, "assets/verdicts.svg", abs_src_path=str(plot)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in what a page asks for; MkDocs calls this for each page."""
    return MARKER.sub(lambda found: TABLES[found[1]](), markdown)


def _words(of: Mapping[str, str]) -> str:
    return table(("Word", "Meaning"), ((f"`{word}`", text) for word, text in of.items()))


# The experiment


def scenarios() -> str:
    """Every scenario, with the link to its source."""
    return table(
        ("Scenario", "What the program does"), ((f"`{row.name}`", f"{row.summary}") for row in SCENARIOS.values())
    )


def provoked() -> str:
    """The exceptions that every scenario can provoke, and those that only some can."""
    common = frozenset.intersection(*(row.provokes for row in SCENARIOS.values()))
    others = ((f"`{row.name}`", row.provokes - common) for row in SCENARIOS.values())
    rows = [("every scenario", common), *((name, more) for name, more in others if more)]
    listed = ((name, ", ".join(f"`{each}`" for each in sorted(names))) for name, names in rows)
    return table(("Scenario", "Exceptions"), listed)


def fixes() -> str:
    """Every fix, the best of the sample run first, with its trade-off and its program."""
    parts = []
    best = re.findall(r"^\| `(.+?)` \|", sample(), re.MULTILINE)
    for name in (*best, *(name for name in FIXES if name not in (*best, BASELINE))):
        fix = FIXES[name]
        said = inspect.getdoc(sys.modules[fix.__module__]) or ""
        about = said.split("\n\n")[0].replace("\n", " ").partition(": ")[2]
        parts.append(f"## `{name}`\n\n{about[:1].upper()}{about[1:]}\n\n**Trade-off:** {fix.trade_off}.")
        if fix.needs > (3, 10):
            parts.append(f"Needs Python {'.'.join(map(str, fix.needs))} or newer.")
        example = EXAMPLES / f"{name.replace('-', '_')}.py"
        if example.exists():
            parts.append(fence("python", example.read_text(encoding="utf-8")))
    return "\n\n".join(parts)


def before() -> str:
    """The unfixed program and the coroutine that all examples share."""
    shared, unfixed = ((EXAMPLES / name).read_text(encoding="utf-8") for name in ("llm.py", "none.py"))
    return "\n\n".join((fence('python title="llm.py"', shared), fence('python title="app.py"', unfixed)))


def libraries() -> str:
    """What the project knows of each library."""
    rows = []
    for row in LIBRARIES.values():
        client = f"`{row.module}.{row.client}`" if row.client else ""
        closed = f"`{row.close}()`" if row.close else "`async with`" if row.client else ""
        first = "" if row.searched is None else (row.searched.first or "the oldest")
        url = f"`{row.endpoint.url_variable}`" if row.endpoint and row.endpoint.url_variable else ""
        rows.append((f"`{row.distribution}`", row.role, client, closed, row.generation, first, url))
    known = [row for row in rows if any(row[2:])]
    others = ", ".join(row[0] for row in rows if row not in known)
    heads = ("Library", "Role", "Async client", "Close it with", "HTTP stack", "`bisect` from", "Base URL")
    return f"{table(heads, known)}\n\nThese are known by name: {others}."


def rules() -> str:
    """Every rule of `check`, with its example."""
    rows = table(
        ("Code", "Name", "Finds"), ((f"`{row.code}`", f"[`{row.name}`](#{row.name})", row.summary) for row in RULES)
    )
    parts = [rows]
    for row in RULES:
        parts += [f"## `{row.name}`", f"`{row.code}`: {row.summary}.", row.why]
        parts += ["Reported:", fence("python", row.wrong), "Not reported:", fence("python", row.right)]
    return "\n\n".join(parts)


# Reports


def formats() -> str:
    """Every report format."""
    rows = (
        (
            f"`{name}`",
            f"`{row.file_name}`" if row.file_name else "the screen",
            row.what,
            "" if row.on_request else "yes",
        )
        for name, row in FORMATS.items()
    )
    return table(("`--format`", "Writes", "What it is for", "Written by default"), rows)


def projects() -> str:
    """Every project that `report --for` knows."""
    return ", ".join(f"`{name}`" for name in PROJECTS)


def schemas() -> str:
    """Every JSON document: its fields with their types, from the schemas."""
    parts = []
    for file in sorted(SCHEMAS.glob("*.json")):
        schema = json.loads(file.read_text(encoding="utf-8"))
        parts += [f"## `{schema['title']}`", schema.get("description", ""), f"Schema: `{file.relative_to(ROOT)}`."]
        parts.append(_fields(schema))
        for name, definition in schema.get("$defs", {}).items():
            fields = _fields(definition)
            if fields:
                parts += [f"**{name}**", definition.get("description", ""), fields]
    return "\n\n".join(filter(None, parts))


def _fields(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (f"`{name}`", _type(field), "yes" if name in required else "", field.get("description", ""))
        for name, field in schema.get("properties", {}).items()
    ]
    return table(("Field", "Type", "Required", "Meaning"), rows) if rows else ""


def _type(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return " or ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    for either in ("anyOf", "oneOf"):
        if either in field:
            return " or ".join(map(_type, field[either]))
    kinds = field.get("type", "anything")
    names = [kinds] if isinstance(kinds, str) else kinds
    inner = field.get("items") or field.get("additionalProperties")
    if isinstance(inner, Mapping) and inner:
        return " or ".join(f"{name} of {_type(inner)}" if name in ("array", "object") else name for name in names)
    return " or ".join(names)


# async_tools and the sanitizer


def api() -> str:
    """The public functions and classes of `async_tools`, from their docstrings."""
    return "\n\n".join(_documented(name, getattr(async_tools, name)) for name in async_tools.__all__)


def sanitizer_api() -> str:
    """The public functions of the sanitizer, and the classes that they return, from their docstrings."""
    things = {name: getattr(sanitizer, name) for name in sanitizer.__all__}
    things |= {each.__name__: each for each in (Findings, ReportedCause)}
    return "\n\n".join(_documented(name, thing) for name, thing in things.items())


def _documented(name: str, thing: Any) -> str:
    parts = [f"## `{name}`", fence("python", _signature(name, thing)), _docstring(thing)]
    if inspect.isclass(thing):
        for method, function in vars(thing).items():
            if not method.startswith("_") and callable(function) and inspect.getdoc(function):
                parts += [
                    f"**`{_signature(method, function).replace('(self, ', '(').replace('(self)', '()')}`**",
                    _docstring(function),
                ]
    return "\n\n".join(parts)


def _signature(name: str, thing: Any) -> str:
    text = f"{name}{inspect.signature(thing)}"
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)  # annotations are strings
    return re.sub(r"<function (\w+) at \w+>", r"asyncio.\1", text)


def _docstring(thing: object) -> str:
    """Turn a Google-style docstring into Markdown: sections become lists."""
    text = inspect.getdoc(thing) or ""
    lines: list[str] = []
    section = False
    for line in text.splitlines():
        if re.fullmatch(r"(Args|Returns|Raises|Attributes|Yields):", line):
            lines += ["", f"**{line}**", ""]
            section = True
        elif section and re.match(r"    \S", line):
            key, colon, rest = line.strip().partition(": ")
            lines.append(f"- `{key}`: {rest}" if colon and " " not in key else f"- {line.strip()}")
        else:
            section = section and bool(line.strip()) and line.startswith(" ")
            lines.append(line)
    return "\n".join(lines)


# Results


def sample() -> str:
    """The table of fixes in the report of the sample run."""
    text = (ROOT / "reports" / "sample" / "report.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"^(?:\| fix \|.*\n)(?:\|.*\n)+", text, re.MULTILINE)[:1]
    return str(found)


def reports() -> str:
    """The programs rebuilt from public reports, with the answers that the tests expect."""
    answers = tomllib.loads((ROOT / "tests" / "sanitizer" / "reports" / "answers.toml").read_text(encoding="utf-8"))
    rows = []
    for answer in (each for each in answers["program"] if "report" in each):
        project, _, number = answer["report"].partition("#")
        text = (ROOT / "tests" / "sanitizer" / "reports" / f"{answer['file']}.txt").read_text(encoding="utf-8")
        imported = re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE)
        pins = answers["environments"][answer.get("environment", "reports")]
        used = [pin.replace("==", " ") for pin in pins if any(_is_of(pin, name.replace("_", "")) for name in imported)]
        rows.append(
            (
                f"[{answer['report']}](https://github.com/{project}/issues/{number})",
                f"`{answer['file']}`",
                ", ".join(used),
                " or ".join(f"`{kind}`" for kind in answer["kind"]),
                {"user": "the program"}.get(answer.get("fault", "user"), answer.get("fault")),
                answer["loop"],
                answer["advice"][0],
                "yes" if answer.get("first") else "no",
            )
        )
    head = ("report", "program", "versions", "finding", "at fault", "loop made by", "advice", "right at first")
    right = sum(row[-1] == "yes" for row in rows)
    return f"{right} of {len(rows)} were right at the first run.\n\n{table(head, rows)}"


def _is_of(pin: str, module: str) -> bool:
    """Whether a pinned distribution has the module of a name without underscores."""
    name = re.split(r"[\[=]", pin)[0].replace("-", "")
    return bool(re.match(rf"{module}(?!\d)", name)) or (len(module) > len("asyncio") and module in name)


def alerts() -> str:
    """The alerts of `check` on packages of the index that a person judged, and how many are right."""
    judged = json.loads((ROOT / "docs" / "results" / "check.json").read_text(encoding="utf-8"))["alerts"]
    parts = []
    for draw in sorted({each["draw"] for each in judged}):
        drawn = [each for each in judged if each["draw"] == draw]
        rows = []
        for code in (*sorted({each["code"] for each in drawn}), ""):
            of = [each for each in drawn if each["code"] == code or not code]
            right = sum(each["verdict"] == "right" for each in of)
            low, high = wilson(right, len(of))
            rows.append(
                (f"`{code}`" if code else "all", right, len(of), f"{right / len(of):.2f} ({low:.2f} to {high:.2f})")
            )
        parts += [f"**Draw {draw}**", table(("Rule", "Right", "Alerts", "Precision, 95 % interval"), rows)]
    keys = ("code", "verdict", "reason")
    listed = (
        (each["draw"], f"{each['package']} {each['version']}", f"`{each['line']}`", *(each[key] for key in keys))
        for each in judged
    )
    return "\n\n".join([*parts, table(("Draw", "Package", "Line", "Rule", "Verdict", "Why"), listed)])


def wilson(right: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's interval of a share."""
    share, spread = right / of, z * z / of
    middle, half = share + spread / 2, z * math.sqrt((share * (1 - share) + spread / 4) / of)
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread)


def histories() -> str:
    """The searches that are kept in `reports/history`."""
    files = sorted((ROOT / "reports" / "history").glob("*.json"))
    return markdown_table(read(file.read_text(encoding="utf-8")) for file in files)


def jets() -> str:
    """The two runs of the pipeline that are kept in `reports/jets`."""
    folder = ROOT / "reports" / "jets"
    return "\n\n".join(
        fence("text", (folder / name).read_text(encoding="utf-8")) for name in ("none.txt", "classifier.txt")
    )


def contributing() -> str:
    """CONTRIBUTING.md."""
    return (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def changelog() -> str:
    """CHANGELOG.md."""
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


TABLES: Final[dict[str, Callable[[], str]]] = {
    "alerts": alerts,
    "api": api,
    "before": before,
    "changelog": changelog,
    "commands": commands,
    "contributing": contributing,
    "findings": lambda: _words(words.FINDING_KINDS),
    "fixes": fixes,
    "formats": formats,
    "histories": histories,
    "jets": jets,
    "libraries": libraries,
    "projects": projects,
    "reports": reports,
    "rules": rules,
    "sample": sample,
    "sanitizer-api": sanitizer_api,
    "scenarios": scenarios,
    "provoked": provoked,
    "schemas": schemas,
    "severities": lambda: _words(words.SEVERITIES),
    "statuses": lambda: _words(words.STATUSES),
    "symptoms": lambda: _words(words.SYMPTOMS),
    "verdicts": lambda: _words(words.VERDICTS),
}
