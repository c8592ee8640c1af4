"""Text in a card stays what it is, whatever is in it."""

from html import unescape

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from prefect_mlops.core.results import Gate
from prefect_mlops.evidence.markdown import bar, code, gate_table, plain, table

PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=40
)


def shown(html: str) -> str:
    inside = html.partition("<td>")[2].partition("</td>")[0]
    return unescape(inside.removeprefix("<code>").removesuffix("</code>"))


@given(TEXT)
@example("a|b <i>x</i> _c_ **d** [e](f) `g` \\| &amp; ~h~ ![i](j)")
@example("__0__")
@example("# heading")
@example("1. item")
@example("- item")
@example("> quote")
@example("http://a.b")
def test_text_is_shown_as_it_is_in_a_table_and_in_a_paragraph(text):
    expected = " ".join(text.split())
    lines = "\n".join(table(["name"], [[plain(text)], [code(text)]]))
    assert shown(PARSER.render(lines)) == expected
    paragraph = PARSER.render(plain(text)).strip()
    assert unescape(paragraph.removeprefix("<p>").removesuffix("</p>")) == expected


@given(st.floats(-1, 2))
def test_a_bar_is_at_most_twelve_characters_long(share):
    assert len(bar(share)) <= 12


def test_gates_that_stood_in_the_way_come_first():
    gates = [
        Gate(name="good", verdict="passed", reason="fine"),
        Gate(name="advice", verdict="failed", reason="look", blocking=False),
        Gate(name="bad", verdict="not_run", reason="no rows", value=1234.5, threshold=0.00012345),
    ]
    lines = [line for line in gate_table(gates) if line.startswith("| ")][2:]
    assert [line.split(" | ")[0] for line in lines] == ["| bad", "| advice", "| good"]
    assert "| ⚠ not run | 1,234 | 0.0001234 | no rows |" in lines[0]
