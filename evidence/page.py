"""Makes one page of Markdown that opens anywhere: nothing is fetched, light and dark, on paper and on a phone."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

_SLUG = re.compile(r"[^a-z0-9]+")
_EMPTY_HEAD = re.compile(r"<thead>(?=\s*<tr>(\s*<th[^>]*></th>)+\s*</tr>)")
# Longer text in a cell is broken into lines.
_ONE_LINE = 34
_MANY_NUMBERS = 18
# Columns from which on a table with sentences is shown row by row on a phone.
_WIDE = 3
_VERDICTS = {"✓": "good", "✗": "bad", "⚠": "open"}

_STYLE = """
:root { color-scheme: light dark; --text: #1c2330; --quiet: #5b6575; --back: #ffffff; --soft: #f4f6f9;
  --line: #dce1e8; --link: #0b57a8; --good: #146c35; --bad: #b3241d; --open: #8a5a00; --bar: #3b76b8; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ee; --quiet: #9aa5b5; --back: #14181f; --soft: #1d232d;
  --line: #323b49; --link: #7db7f5; --good: #6fce8f; --bad: #ff8a80; --open: #e5b454; --bar: #6ea8e5; }
  img { background: #ffffff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .5rem 0 1rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; padding-top: .7rem; border-top: 1px solid var(--line);
  scroll-margin-top: .5rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p, ul { margin: .5rem 0; max-width: 46rem; }
ul { padding-left: 1.25rem; }
a { color: var(--link); }
em { color: var(--quiet); }
code { font: .88em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
td code { overflow-wrap: normal; white-space: nowrap; }
nav { display: flex; flex-wrap: wrap; gap: .3rem .9rem; padding: .7rem .9rem; background: var(--soft);
  border-radius: .4rem; font-size: .9rem; }
nav a { text-decoration: none; }
.scroll { overflow-x: auto; width: fit-content; max-width: 100%; margin: .6rem 0 1rem; border: 1px solid var(--line); border-radius: .4rem; }
table { border-collapse: separate; border-spacing: 0; min-width: min(30rem, calc(100vw - 2.5rem)); font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { position: sticky; left: 0; background: var(--back); }
th:first-child { background: var(--soft); }
thead.empty { display: none; }
tr:last-child td { border-bottom: 0; }
th { background: var(--soft); font-weight: 600; white-space: nowrap; }
td.text { min-width: 18rem; max-width: 34rem; overflow-wrap: anywhere; }
td.keep, td.num { white-space: nowrap; } td.many { white-space: normal; }
th.num, td.num { text-align: right; }
.bar { color: var(--bar); letter-spacing: -.05em; font-family: ui-monospace, Menlo, Consolas, monospace; }
.good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
.good, .bad, .open { font-weight: 600; white-space: nowrap; }
img { max-width: 100%; height: auto; border-radius: .4rem; }
blockquote { margin: .8rem 0; padding: .6rem .9rem; background: var(--soft); border-left: 4px solid var(--bar);
  border-radius: 0 .4rem .4rem 0; }
blockquote p { margin: .2rem 0; }
@media (max-width: 40rem) { main { padding: 1rem .8rem 3rem; } h1 { font-size: 1.35rem; } table { font-size: .84rem; }
  th, td { padding: .35rem .5rem; } td.text { min-width: 14rem; } td:first-child { white-space: normal; }
  table.wide { min-width: 0; width: calc(100vw - 1.75rem); } table.wide thead { display: none; }
  table.wide tbody, table.wide tr, table.wide td { display: block; width: 100%; min-width: 0; }
  table.wide tr { padding: .4rem 0; border-bottom: 1px solid var(--line); } table.wide tr:last-child { border-bottom: 0; }
  table.wide td { position: static; border: 0; padding: .12rem .7rem; text-align: left; white-space: normal; }
  table.wide td:first-child { font-weight: 600; } table.wide td:empty { display: none; }
  table.wide td:not(:first-child)[data-label]::before { content: attr(data-label) ": "; color: var(--quiet);
  font-weight: 400; } }
@media print { nav { display: none; } .scroll { overflow: visible; border: 0; } main { max-width: none; } }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{{ title }}</title>
<style>{{ style }}</style>
</head>
<body><main>
{{ head }}
<nav>{% for slug, name in sections %}<a href="#{{ slug }}">{{ name }}</a>{% endfor %}</nav>
{{ body }}
</main></body>
</html>
"""


def page_of(markdown: str, *, title: str, images: Mapping[str, bytes] | None = None) -> bytes:
    """Return Markdown as one HTML page that needs no network.

    HTML in the text is shown, not obeyed, and the page's own policy lets it load nothing.

    Args:
        markdown: The text; its first heading is the page's.
        title: What the browser's tab says.
        images: Name of an image in the text to its PNG; they become part of the page.

    Returns:
        The page, UTF-8.

    Example:
        >>> b"&lt;script&gt;" in page_of("# <script>", title="a")
        True
    """
    from jinja2 import Environment
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    sections = _numbered(tokens)
    _with_images(tokens, images or {})
    _marked_cells(tokens)
    # Only a table that has to scroll does, not the page around it.
    body = parser.renderer.render(tokens, parser.options, {})
    body = _EMPTY_HEAD.sub('<thead class="empty">', body)
    body = body.replace("<table", '<div class="scroll"><table').replace(
        "</table>", "</table></div>"
    )
    head, rule, rest = body.partition("<h2")
    page = Environment(autoescape=True).from_string(_PAGE)
    return page.render(
        title=title,
        style=Markup(_STYLE),
        head=Markup(head),
        body=Markup(rule + rest),
        sections=sections,
    ).encode()


def _numbered(tokens: list[Any]) -> list[tuple[str, str]]:
    """Give sections ids, and return those with their names."""
    sections: list[tuple[str, str]] = []
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            name = inline.content
            slug = _SLUG.sub("-", name.lower()).strip("-")
            token.attrSet("id", slug)
            sections.append((slug, name))
    return sections


def _with_images(tokens: list[Any], images: Mapping[str, bytes]) -> None:
    for token in tokens:
        for child in token.children or []:
            source = str(child.attrs.get("src")) if child.type == "image" else ""
            if source in images:
                encoded = base64.b64encode(images[source]).decode()
                child.attrSet("src", f"data:image/png;base64,{encoded}")


def _marked_cells(tokens: list[Any]) -> None:
    """Give cells classes by what is in them, and their column's name for where a row is shown as a list."""
    table: Any = None
    names: list[str] = []
    column = texts = 0
    for token, inline in pairwise(tokens):
        if token.type == "table_open":
            table, names, texts = token, [], 0
        elif token.type == "tr_open":
            column = 0
        elif token.type in ("td_open", "th_open"):
            right = "text-align:right" in str(token.attrs.pop("style", ""))
            kind = _class_of(inline.content, right=right, head=token.type == "th_open")
            if kind:
                token.attrSet("class", kind)
            if token.type == "th_open":
                names.append(inline.content)
            elif names[column]:
                token.attrSet("data-label", names[column])
            texts += kind == "text"
            column += 1
        elif token.type == "table_close" and len(names) >= _WIDE and texts:
            table.attrSet("class", "wide")


def _class_of(text: str, *, right: bool, head: bool) -> str:
    if right:
        return "num many" if len(text) > _MANY_NUMBERS else "num"
    if head:
        return ""
    if text[:1] in _VERDICTS:
        return _VERDICTS[text[0]]
    if text and text[0] in "█▏▎▍▌▋▊▉":
        return "bar keep"
    return "text" if len(text) > _ONE_LINE else "keep"
