"""What an edit knows: one root cause of a document, and the program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.program import ParsedFile, ParsedProgram, Site

Finding = Mapping[str, Any]

_RESULTS: Final = {
    "open_connection": 1,
    "open_unix_connection": 1,
    **dict.fromkeys(("create_connection", "create_unix_connection", "create_datagram_endpoint"), 0),
    **dict.fromkeys(("connect_read_pipe", "connect_write_pipe", "subprocess_exec", "subprocess_shell"), 0),
}
"""Functions of asyncio that return several things, and which of these is closed."""


@dataclass(frozen=True)
class Creation:
    """An expression that creates something.

    Attributes:
        call: the call.
        closer: how what it creates is closed: `async with`, `await aclose()`, `pass` for a lock, "" if that is unknown.
        site: where it is.
    """

    module: ParsedFile
    call: cst.Call
    closer: str
    site: Site

    @property
    def awaited(self) -> bool:
        """Whether it is awaited."""
        return isinstance(self.module.parent(self.call), cst.Await)

    @property
    def value(self) -> cst.CSTNode:
        """The call, or the `await` around it."""
        parent = self.module.parent(self.call)
        return parent if isinstance(parent, cst.Await) else self.call

    @property
    def text(self) -> str:
        """The call's source."""
        return self.module.text(self.call)

    @cached_property
    def statement(self) -> cst.SimpleStatementLine | None:
        """The statement that consists of this creation and its assignment."""
        parent = self.module.parent(self.value)
        if isinstance(parent, cst.Assign | cst.AnnAssign | cst.Return):
            line = self.module.parent(parent)
            return line if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None
        return None

    @property
    def comment(self) -> str:
        """The comment at the end of that statement, with the spaces before it."""
        found = self.statement.trailing_whitespace.comment if self.statement is not None else None
        return f"  {found.value}" if found is not None else ""

    @property
    def comments_above(self) -> str:
        """The comments before that statement, as lines."""
        lines = self.statement.leading_lines if self.statement is not None else ()
        return "".join(f"{each.comment.value}\n" for each in lines if each.comment is not None)

    @property
    def is_entered(self) -> bool:
        """Whether it stands in `async with`."""
        return isinstance(self.module.parent(self.value), cst.WithItem)

    @property
    def entered_as(self) -> str:
        """The variable of the `async with` that it stands in."""
        parent = self.module.parent(self.value)
        name = parent.asname.name if isinstance(parent, cst.WithItem) and parent.asname is not None else None
        return name.value if isinstance(name, cst.Name) else ""

    @property
    def target(self) -> cst.BaseExpression | None:
        """What it is assigned to."""
        parent = self.module.parent(self.value)
        if isinstance(parent, cst.Assign) and len(parent.targets) == 1:
            return parent.targets[0].target
        return parent.target if isinstance(parent, cst.AnnAssign) else None

    @property
    def name(self) -> str:
        """The variable that it is assigned to, or that of a connection among several; "" for anything but a name."""
        target = self.target
        if isinstance(target, cst.Tuple):
            function = self.call.func.attr if isinstance(self.call.func, cst.Attribute) else self.call.func
            at = _RESULTS.get(function.value if isinstance(function, cst.Name) else "", len(target.elements))
            target = target.elements[at].value if at < len(target.elements) else None
        return target.value if isinstance(target, cst.Name) else ""

    @property
    def attribute(self) -> str:
        """The attribute of `self` that it is assigned to."""
        target = self.target
        is_own = (
            isinstance(target, cst.Attribute) and isinstance(target.value, cst.Name) and target.value.value == "self"
        )
        return target.attr.value if isinstance(target, cst.Attribute) and is_own else ""


@dataclass(frozen=True)
class Context:
    """One root cause.

    Attributes:
        document: the findings of the baseline.
        cause: the root cause.
        program: the person's files.
    """

    document: Mapping[str, Any]
    cause: Mapping[str, Any]
    program: ParsedProgram

    @property
    def kind(self) -> str:
        """The kind of the root cause."""
        return str(self.cause["kind"])

    @cached_property
    def findings(self) -> list[Finding]:
        """The findings of the root cause."""
        wanted = {*self.cause["findings"]}
        return [each for each in self.document["findings"] if each["id"] in wanted]

    @property
    def codes(self) -> Iterator[str]:
        """Yields the code of the advice."""
        for each in self.cause["advice"]:
            yield each["code"]

    @cached_property
    def advised(self) -> list[Creation]:
        """The calls that the advice is about."""
        return list(self.made_at((each["where"], "") for each in self.cause["advice"]))

    @cached_property
    def creations(self) -> list[Creation]:
        """Where the clients of the root cause are created, or else assigned, by the lines of the program."""
        found: dict[cst.Call, Creation] = {}
        for client in self._clients():
            closer = _closer(client)
            sites = [client.get("created_at"), (client.get("held_by") or {}).get("site")]
            made = list(self.made_at((site, closer) for site in sites))
            place = next((each for each in made if each.statement is not None), next(iter(made), None))
            is_use = bool(client.get("first_use")) and (place is None or place.statement is None)
            place = (self._only_one(client) if place is None or is_use else None) or place
            if place is not None:
                found.setdefault(place.call, place)
        return list(found.values())

    @cached_property
    def names(self) -> set[str]:
        """The last names of the variables and attributes that hold the clients of the root cause."""
        held = {str((each.get("held_by") or {}).get("name", "")).rpartition(".")[2] for each in self._clients()}
        made = {name for each in self.creations for name in (each.name, each.attribute, each.entered_as)}
        return (made | held) - {""}

    def _only_one(self, client: Mapping[str, Any]) -> Creation | None:
        """Returns the call that makes what the document has no line of, such as a lock, if there is only one."""
        name = m.Name(client["type"].rpartition(".")[2])
        function: Any = m.Attribute(m.Name("asyncio"), name)
        if not client["type"].startswith("asyncio."):  # the class, or a method of it that makes an object
            owner = name | m.Attribute(attr=name)
            function = owner | m.Attribute(value=owner)
        calls = [
            Creation(module, node, _closer(client), {})
            for module in self.program.modules()
            for node in module.nodes
            if isinstance(node, cst.Call) and m.matches(node.func, function)
        ]
        return calls[0] if len(calls) == 1 else None

    def _clients(self) -> Iterator[Mapping[str, Any]]:
        return (each["client"] for each in self.findings if each.get("client"))

    @cached_property
    def chains(self) -> list[list[Creation]]:
        """For each client the calls of the program that led to its creation, the creation first."""
        found: dict[tuple[cst.Call, ...], list[Creation]] = {}
        for client in self._clients():
            closer = _closer(client)
            sites = [(client.get("created_at"), closer), *((site, "") for site in client.get("stack", ()))]
            chain = list(self.made_at(sites))
            if chain:
                found.setdefault(tuple(each.call for each in chain), chain)
        return list(found.values())

    def made_at(self, sites: Any) -> Iterator[Creation]:
        """Yields the calls of the program among pairs of a site and a closer."""
        seen = set()
        for site, closer in sites:
            module = self.program.at(site)
            call = module.call(site) if module is not None and site is not None else None
            if module is not None and call is not None and call not in seen:
                seen.add(call)
                yield Creation(module, call, closer, site)

    @cached_property
    def loops(self) -> list[Creation]:
        """Where the loops of the root cause, and all others of the program, are made."""
        sites = [(each.get("loop") or {}).get("created_at") for each in [*self.findings, *self.document["findings"]]]
        return list(self.made_at((site, "") for site in sites))


def _closer(client: Mapping[str, Any]) -> str:
    own = "pass" if client["type"].startswith("asyncio.") else ""
    return (client.get("closer") or own).split(" or ")[0]
