"""The templates: one file each, one row here."""

from __future__ import annotations

from typing import Final

from diagnostics.jets.prompt import Template
from diagnostics.jets.templates import jet_summary, json_lines, particle_table, simple_list

TEMPLATES: Final[dict[str, Template]] = {
    module.TEMPLATE.name: module.TEMPLATE for module in (simple_list, particle_table, json_lines, jet_summary)
}
