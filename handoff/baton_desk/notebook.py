"""Notebooks as HTML that is safe to look at.

The rendering runs in a child process, because a notebook is somebody else's input:
what takes too long or too much memory ends with the child. Run as
``python -m baton_desk.notebook PATH``, it writes the HTML to its standard output.
"""

from __future__ import annotations

import asyncio
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
        html, _ = await asyncio.wait_for(child.communicate(), SECONDS)
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
    # Only the child needs them, and they take a second to import.
    import nbformat
    from nbconvert import HTMLExporter

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    notebook = nbformat.reads(  # type: ignore[no-untyped-call]
        Path(path).read_text(encoding="utf-8"), as_version=4
    )
    exporter = HTMLExporter(template_name="lab", sanitize_html=True, embed_images=False)
    html, _ = exporter.from_notebook_node(notebook)
    sys.stdout.buffer.write(html.encode())


if __name__ == "__main__":
    main(sys.argv[1])
