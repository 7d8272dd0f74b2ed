"""Notebooks as HTML that is safe to look at.

The rendering runs in a child process, because a notebook is somebody else's input:
what takes too long or too much memory ends with the child. Run as
``python -m baton_desk.notebook PATH``, it writes the HTML to its standard output.
"""

from __future__ import annotations

import asyncio
import base64
import re
import resource
import sys
from pathlib import Path

from baton_contract import BadRequestError, TooLargeError

LARGEST = 10 * 2**20
"""Bytes of a notebook that is still shown."""
SECONDS = 30
"""Until the rendering is given up."""
MEMORY = 2 * 2**30
"""Bytes of address space that the child may use."""
_turns = asyncio.Semaphore(2)
_kept: dict[Path, bytes] = {}
_KEPT_BYTES = 64 * 2**20


async def render_notebook(path: Path) -> bytes:
    """Return a notebook file as one HTML page, its outputs cleaned of scripts.

    The page still has to be served with a policy that runs and loads nothing.
    ``path`` names its content: what was rendered once may be answered again.
    Raises `TooLargeError` and `BadRequestError` (``notebook_unreadable``).
    """
    if (await asyncio.to_thread(path.stat)).st_size > LARGEST:
        raise TooLargeError(
            "notebook_too_large",
            f"This notebook is over {LARGEST // 2**20} MiB, too large to show. Download it.",
        )
    if path not in _kept:
        async with _turns:
            _keep(path, await _render(path))
    return _kept[path]


def _keep(path: Path, html: bytes) -> None:
    while _kept and sum(map(len, _kept.values())) + len(html) > _KEPT_BYTES:
        del _kept[next(iter(_kept))]
    _kept[path] = html


async def _render(path: Path) -> bytes:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", "baton_desk.notebook", str(path),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "JUPYTER_NO_CONFIG": "1"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            html, _ = await child.communicate()
    except TimeoutError:
        html = b""
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0 or not html:
        raise BadRequestError(
            "notebook_unreadable",
            "This notebook can't be shown here. It is stored as it was sent: download it.",
        )
    return html


def main(path: str) -> None:
    """Write the notebook at ``path`` to standard output as HTML."""
    # Only the child needs these. Without this line jsonschema builds a grammar of
    # addresses for a second or more, and notebooks need none.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    import nbformat

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    notebook = nbformat.reads(  # type: ignore[no-untyped-call]
        Path(path).read_text(encoding="utf-8"), as_version=4
    )
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="lab", sanitize_html=True, filters={"clean_html": clean_html}
    )
    html, _ = exporter.from_notebook_node(notebook)
    # What is left are the template's own scripts. The policy would stop them too.
    sys.stdout.buffer.write(_OWN_SCRIPT.sub("", html).encode())


def clean_html(markup: str | bytes) -> str:
    """Return a notebook's HTML without anything that acts, and its SVG as a plain picture.

    nbconvert's own cleaning allows no heading and no table head, and puts what it
    removes on show as text.
    """
    from bleach import clean
    from bleach.css_sanitizer import CSSSanitizer

    if isinstance(markup, bytes):
        picture = base64.b64encode(markup).decode()
        return f'<img alt="" src="data:image/svg+xml;base64,{picture}">'
    cleaned: str = clean(
        _SCRIPT.sub("", markup),
        tags=_TAGS,
        attributes=_is_harmless,
        protocols={"http", "https", "mailto", "data"},
        strip=True,
        css_sanitizer=CSSSanitizer(),
    )
    return cleaned


_SCRIPT = re.compile(r"<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_OWN_SCRIPT = re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE)
_TAG_NAMES = """
a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure
h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre s samp small span strong sub summary sup
table tbody td tfoot th thead tr tt u ul
"""
_TAGS = frozenset(_TAG_NAMES.split())
_ATTRIBUTES = frozenset(
    {"align", "alt", "class", "colspan", "height", "id", "rowspan", "style", "title", "width"}
)


def _is_harmless(tag: str, name: str, value: str) -> bool:
    if name == "href":
        return tag == "a" and not value.lower().lstrip().startswith("data:")
    if name == "src":
        return tag == "img" and value.startswith("data:image/")
    return name in _ATTRIBUTES


if __name__ == "__main__":
    main(sys.argv[1])
