"""Sections on how it was made: methods, every number, provenance, problems."""

from collections.abc import Iterator, Mapping

from sojourn.core.results import Result, Step
from sojourn.deliverables._blocks import Block, Fold, Head, Heading, Prose, Raw, Row, Section, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Show, lines_of, table_of
from sojourn.deliverables._markup import Html, element, escaped, joined
from sojourn.deliverables._sections_numbers import without_none

_DEEPEST = 12
_FEW = 8


def methods_section(book: Book) -> Section | None:
    """Return the methods in words, and the versions of what computed them."""
    lines = lines_of(book.results, "methods")
    if not lines and not book.results.versions:
        return None
    blocks: list[Block] = []
    if len(lines) > _FEW:
        shows = (Show("TITLE", "Of"), Show("TEXT", "Method"))
        blocks += without_none([table_of(book, "methods", shows)])
    else:
        for i, row in enumerate(lines, start=1):
            blocks.append(Heading(row.text("TITLE"), f"method-{i}"))
            blocks += [Prose(part) for part in row.text("TEXT").split("\n\n") if part.strip()]
    if book.results.versions:
        rows = tuple(
            Row((escaped(name), escaped(version)))
            for name, version in sorted(book.results.versions.items())
        )
        heads = (Head("Software"), Head("Version"))
        blocks.append(Table("Software whose arithmetic reaches a result", heads, rows))
    return Section("methods", "Methods", tuple(blocks))


def provenance_section(book: Book) -> Section:
    """Return every number with its id, then every step that made one."""
    files = [step for step in book.results.steps if step.kind == "file"]
    stages = [step for step in book.results.steps if step.kind == "stage"]
    blocks: list[Block] = [
        Prose(
            "Each number of this report links to its row here. To print the whole chain of a "
            "number down to files, rows and parameters, run its command; OUT is the folder that "
            "holds this report."
        ),
        _numbers(book),
    ]
    if book.primary is not None and book.primary.provenance in book.steps:
        blocks.append(Fold("The chain of the primary number", (Raw(_chain(book)),)))
    if stages:
        blocks.append(
            Fold(f"Steps ({len(stages)})", (_stage_table(book, stages),), is_bulk=len(stages) > 60)
        )
    if files:
        blocks.append(
            Fold(f"Files read ({len(files)})", (_file_table(book, files),), is_bulk=len(files) > 60)
        )
    return Section("provenance", "Provenance", tuple(blocks))


def _numbers(book: Book) -> Table:
    heads = (
        Head("Number"),
        Head("Group"),
        Head("Value", is_number=True),
        Head("Interval", is_number=True),
        Head("p", is_number=True),
        Head("Method"),
        Head("Step"),
        Head("Id and command"),
    )
    rows = tuple(_number(book, result) for result in book.results.results)
    return Table(f"Every number ({len(rows)})", heads, rows)


def _number(book: Book, result: Result) -> Row:
    command = element("code", {"class": "copy"}, f"sojourn explain OUT {result.id}")
    return Row(
        (
            escaped(book.label(result)),
            escaped(book.group(result.groupId)),
            book.value(result),
            book.interval(result, has_name=False) if result.rawValue is not None else "\u2013",
            book.p_value(result),
            escaped(result.methodId),
            book.step_link(result.provenance),
            command,
        ),
        id=book.anchors[result.id],
        data_id=result.id,
    )


def _chain(book: Book) -> Html:
    steps = {step.key: step for step in book.results.steps}
    seen: set[str] = set()
    key = book.primary.provenance if book.primary else ""
    return element("ul", {"class": "chain"}, _node(book, steps, key, seen, 0))


def _node(book: Book, steps: Mapping[str, Step], key: str, seen: set[str], depth: int) -> Html:
    step = steps.get(key)
    if step is None:
        return element("li", {}, "input ", element("code", {}, key[:12]), " (not in the graph)")
    words = [escaped(f"{step.kind}: {step.label} "), book.step_link(key)]
    if key in seen and step.inputs:
        return element("li", {}, *words, " (inputs are listed above)")
    seen.add(key)
    if depth >= _DEEPEST and step.inputs:
        return element("li", {}, *words, " (see the table of steps)")
    inner = [_node(book, steps, child, seen, depth + 1) for child in step.inputs]
    below = [element("ul", {}, *inner)] if inner else []
    return element("li", {}, *words, *below)


def _stage_table(book: Book, stages: list[Step]) -> Table:
    rows = tuple(
        Row(
            (
                escaped(step.label),
                element("code", {"title": step.key}, step.key[:12]),
                joined([book.step_link(key) for key in step.inputs], " ") or escaped("none"),
                _parameters(step),
            ),
            id=book.steps[step.key],
        )
        for step in stages
    )
    heads = (Head("Stage"), Head("Key"), Head("Inputs"), Head("Parameters"))
    codes = sorted({step.code for step in stages if step.code})
    notes = tuple(f"Digest of the package's source: {code}" for code in codes)
    return Table("Steps, in the order in which they were noted", heads, rows, notes)


def _parameters(step: Step) -> Html:
    if not step.parameters:
        return escaped("none")
    pairs = [
        joined([element("dt", {}, name), element("dd", {}, str(value))])
        for name, value in _flat(step.parameters)
    ]
    return element("dl", {"class": "parameters"}, *pairs)


def _flat(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in sorted(values.items()):
        if isinstance(value, Mapping) and value:
            yield from _flat({str(k): v for k, v in value.items()}, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _file_table(book: Book, files: list[Step]) -> Table:
    rows = tuple(
        Row((escaped(step.label), element("code", {}, step.key)), id=book.steps[step.key])
        for step in files
    )
    notes = tuple(
        f"{step.label}: {step.parameters['digest']}"
        for step in files
        if "digest" in step.parameters
    )
    return Table("Files within the trial folder", (Head("File"), Head("SHA-256")), rows, notes)


def problems_section(book: Book) -> Section:
    """Return what kept data out of the analysis, or what a reader must know."""
    problems = book.results.problems
    if not problems:
        return Section("problems", "Problems", (Prose("The run reported no problem."),))
    order = {"error": 0, "warning": 1, "note": 2}
    tones = {"error": "alarm", "warning": "caution", "note": ""}
    rows = tuple(
        Row(
            (
                element("span", {"class": f"chip {tones[p.severity]}"}, p.severity),
                escaped(p.where),
                escaped(p.message),
            )
        )
        for p in sorted(problems, key=lambda p: order[p.severity])
    )
    heads = (Head("Severity"), Head("Where"), Head("What"))
    return Section("problems", "Problems", (Table("What the run reported", heads, rows),))
