"""One page that opens anywhere: nothing is fetched, nothing in the text is obeyed."""

import re

import pytest
from prefect_mlops.evidence.page import page_of

TEXT = """# Card

> lead

## One & two

| gate | verdict | reason |
| --- | --- | --- |
| `a` | ✓ passed | a reason that takes so many words that it is broken into lines |

| | |
| --- | --- |
| owner | *not stated* |

![picture](shap.png)
"""


@pytest.fixture(scope="module")
def page():
    return page_of(TEXT, title="Card <1>", images={"shap.png": b"\x89PNG"}).decode()


def test_the_page_fetches_nothing(page):
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)""", page)
    assert "http" not in page.replace("http-equiv", "")
    assert "default-src 'none'" in page
    assert 'src="data:image/png;base64,iVBORw=="' in page


def test_html_in_the_text_is_shown_and_not_obeyed():
    found = page_of("# <script>alert(1)</script>\n\n<img src=x>\n", title="<b>").decode()
    assert "<script>" not in found
    assert "<img" not in found
    assert "<title>&lt;b&gt;</title>" in found


def test_sections_are_linked(page):
    assert '<a href="#one-two">One &amp; two</a>' in page
    assert '<h2 id="one-two">' in page


def test_a_table_with_sentences_is_made_for_a_phone(page):
    assert '<table class="wide">' in page
    assert '<td class="good" data-label="verdict">' in page
    assert '<thead class="empty">' in page


def test_there_is_a_light_and_a_dark_page(page):
    assert "prefers-color-scheme: dark" in page


def test_the_same_text_gives_the_same_page(page):
    assert page_of(TEXT, title="Card <1>", images={"shap.png": b"\x89PNG"}).decode() == page
