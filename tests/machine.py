"""Make sure that this machine has what the tests need: a browser, PostgreSQL and Java.

Debian's packages where that is allowed, otherwise what is installed already.
Exit code 1 and a sentence for each thing that is missing and can't be installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser() -> str | None:
    """Return the browser that the tests drive: BATON_BROWSER, else an installed Chromium."""
    chosen = os.environ.get("BATON_BROWSER")
    return chosen or next(filter(None, map(shutil.which, BROWSERS)), None)


def postgres() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest there is."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_major)
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


def java() -> str | None:
    """Return the Java that Spark runs on: JAVA_HOME's, else the one on the path."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")


def _major(initdb: Path) -> int:
    return int(initdb.parts[-3])


def install(package: str) -> None:
    """Install one of Debian's packages, if this is Debian and we may."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return
    sys.stdout.write(f"Installing {package}\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", package]):
        subprocess.run(
            ["apt-get", "--quiet", *arguments], check=False, env=environment, capture_output=True
        )


def main() -> int:
    """Look, install what is missing, look again; return the exit code."""
    wanted = (
        ("chromium", browser, "No browser: install Chromium, or set BATON_BROWSER to one."),
        ("postgresql", postgres, "No PostgreSQL server: install PostgreSQL 13 or later."),
        ("default-jre-headless", java, "No Java: install Java 17 or later, which Spark needs."),
    )
    missing = []
    for package, find, sentence in wanted:
        if not find():
            install(package)
        if not find():
            missing.append(sentence)
    for sentence in missing:
        sys.stderr.write(f"{sentence}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
