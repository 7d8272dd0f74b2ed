"""The catalogue: what is read, and what `baton catalog lint` makes of it."""

from __future__ import annotations

import ast
import re
import shutil
from copy import copy
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from kubespawner import KubeSpawner
from traitlets import HasTraits, TraitError

from baton_hub.catalog import Catalog, CatalogError, load_catalog, read_catalog
from baton_hub.catalog.codes import CODES
from baton_hub.catalog.model import Option
from baton_hub.catalog.placement import Placement
from baton_hub.commands.lint import command

ROOT = Path(__file__).parents[2]
PROFILES = ROOT / "profiles"
CORPUS = Path(__file__).parent / "bad_profiles"
TODAY = date(2026, 11, 24)


def small_catalogue(folder: Path, text: str = "") -> Path:
    """Write a catalogue of one profile, which shows no evidence and needs none."""
    shutil.copy(PROFILES / "python.yaml", folder)
    (folder / "evidence.yaml").write_text("required: []\n")
    if text:
        (folder / "python.yaml").write_text((folder / "python.yaml").read_text() + text)
    return folder


def test_the_example_catalogue_has_no_fault_and_no_warning() -> None:
    reading = read_catalog(PROFILES, today=TODAY)
    assert not reading.faults
    assert reading.catalog is not None
    for profile in reading.catalog.profiles.values():
        assert re.fullmatch(r"[a-z0-9./-]+@sha256:[0-9a-f]{64}", profile.image.pinned)


def test_a_catalogue_never_changes(catalog: Catalog) -> None:
    with pytest.raises(TypeError):
        catalog.profiles["x"] = catalog.profiles["python"]  # type: ignore[index]
    with pytest.raises(ValueError, match="frozen"):
        catalog.profiles["python"].title = "x"  # type: ignore[misc]


def test_the_revision_changes_with_any_file(tmp_path: Path) -> None:
    small_catalogue(tmp_path)
    first = load_catalog(tmp_path).revision
    (tmp_path / "quotas.yaml").write_text("each_user: {servers: 1}\n")
    assert load_catalog(tmp_path).revision != first


def test_what_depends_on_the_day_refuses_no_catalogue(tmp_path: Path) -> None:
    """The same files serve on the day after an approval ended; lint says what to do."""
    approval = "  approval: {by: Security, on: 2026-01-01, until: 2026-11-23}\n"
    text = (PROFILES / "python.yaml").read_text()
    (tmp_path / "evidence.yaml").write_text("required: []\n")
    (tmp_path / "python.yaml").write_text(
        re.sub(r"evidence:\n(  .*\n)+", f"evidence:\n{approval}", text)
    )
    assert read_catalog(tmp_path, today=date(2026, 11, 23)).refusing == ()
    after = read_catalog(tmp_path, today=TODAY)
    assert after.catalog is not None
    assert [(fault.code, fault.is_error) for fault in after.faults] == [("approval_expired", True)]


def test_a_size_that_only_a_named_user_may_start_is_no_fault(tmp_path: Path) -> None:
    small_catalogue(tmp_path)
    (tmp_path / "quotas.yaml").write_text("each_user: {cpu: 0.5}\nusers: {ada: {cpu: 8}}\n")
    assert not read_catalog(tmp_path).faults


def test_a_broken_file_makes_no_fault_in_another(tmp_path: Path) -> None:
    """What names a profile or a connection that is misspelt elsewhere is right itself."""
    uses = "connections: [lake]\nlifecycle: {deprecated: 2026-10-01, replaced_by: other}\n"
    small_catalogue(tmp_path, uses)
    (tmp_path / "connections.yaml").write_text("connection: {}\n")
    other = (PROFILES / "python.yaml").read_text().replace("name: python", "name: other")
    (tmp_path / "other.yaml").write_text(other.replace("title: ", "titel: ", 1))
    faults = read_catalog(tmp_path).faults
    assert [fault.code for fault in faults] == ["unknown_key", "unknown_key"], faults


def test_lint_prints_every_fault_and_exits_with_1(tmp_path: Path) -> None:
    small_catalogue(tmp_path)
    shutil.copy(CORPUS / "no_digest.yaml", tmp_path)
    shutil.copytree(CORPUS / "group_misspelt", tmp_path, dirs_exist_ok=True)
    (tmp_path / "example.yaml").unlink()
    result = CliRunner().invoke(command, [str(tmp_path)])
    assert result.exit_code == 1
    assert re.search(r"^\S+/no_digest.yaml:6:3: error no_digest: .+$", result.stderr, re.MULTILINE)
    assert "1 error, " in result.stderr


def test_lint_exits_with_0_for_warnings_alone() -> None:
    result = CliRunner().invoke(command, [str(CORPUS / "group_misspelt"), "--on", "2026-11-24"])
    assert "warning unknown_group: " in result.stderr
    assert result.exit_code == 1  # It shows no evidence.
    result = CliRunner().invoke(command, [str(PROFILES), "--on", "2026-11-24"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.fullmatch(r"\d+ profiles, no fault\. Revision [0-9a-f]{12}\.\n", result.stdout)


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_lint_of_a_folder_without_profiles_says_what_to_do(folder: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = CliRunner().invoke(command, [str(tmp_path / folder)])
    assert result.exit_code == 1
    assert "1 error, 0 warnings." in result.stderr
    with pytest.raises(CatalogError):
        load_catalog(tmp_path / folder)


def test_lint_can_be_asked_about_another_day() -> None:
    result = CliRunner().invoke(command, [str(PROFILES), "--on", "2199-01-01"])
    assert "error approval_expired: " in result.stderr
    assert result.exit_code == 1


def test_every_key_under_kubernetes_is_a_trait_of_kubespawner_and_fits_it() -> None:
    placement = Placement.model_validate(
        {
            "node_selector": {"pool": "gpu"},
            "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
            "node_affinity_preferred": [
                {
                    "weight": 5,
                    "preference": {
                        "matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]
                    },
                }
            ],
            "node_affinity_required": [
                {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}
            ],
            "scheduler_name": "packing",
            "extra_annotations": {"example.org/team": "ml"},
            "image_pull_policy": "IfNotPresent",
            "image_pull_secrets": ["registry"],
        }
    )
    traits = placement.traits()
    assert traits.keys() == Placement.model_fields.keys()
    real = KubeSpawner.class_traits(config=True)
    # The traits without their spawner, which wants a cluster.
    bare = type("Bare", (HasTraits,), {name: copy(real[name]) for name in traits})()
    for name, value in traits.items():
        setattr(bare, name, value)
    with pytest.raises(TraitError):
        bare.tolerations = "none"
    assert traits["tolerations"] == [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_what_is_not_set_is_no_trait() -> None:
    assert Placement().traits() == {}


@pytest.mark.parametrize(
    ("pattern", "answer", "fits"),
    [
        ("[a-z]+", "main", True),
        ("[a-z]+", "main\n", False),
        ("[a-z]+", "x main", False),
        ("a|bc", "a", True),
        ("a|bc", "ac", False),
        ("^[a-z]+$", "main", True),
        (".*", "two\nlines", False),
        (".*", "zero\0", False),
        (".*", "half \ud800", False),
        (".*", "a" * 201, False),
        ("(?i)main", "MAIN", True),
    ],
)
def test_a_typed_answer_matches_whole(pattern: str, answer: str, fits: bool) -> None:
    assert Option(title="T", variable="V", pattern=pattern).takes(answer) is fits


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*", "(.*a){12}", r"([a-z]+\.?)+"])
def test_no_pattern_makes_the_hub_wait(pattern: str) -> None:
    """These take Python's own engine years; 1,000 of them end before the test's time does."""
    option = Option(title="T", variable="V", pattern=pattern)
    assert not any(option.takes("a" * 198 + "!") for _ in range(1000))


def literal_codes() -> set[str]:
    """Return every code that the catalogue's modules may give to a fault."""
    found: set[str] = set()
    for path in (ROOT / "hub_config/baton_hub/catalog").rglob("*.py"):
        if path.name == "codes.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def test_no_code_is_listed_that_nothing_gives() -> None:
    made_up = {"approval_expired", "scan_expired", "scan_other_image", "sbom_other_image"}
    assert CODES.keys() - literal_codes() <= made_up


def test_the_guide_explains_every_code() -> None:
    text = (ROOT / "docs/operators/catalogue.md").read_text()
    assert dict(re.findall(r"^\| `([a-z0-9_]+)` \| (.+) \|$", text, re.MULTILINE)) == CODES


def test_the_guides_catalogue_is_in_order(tmp_path: Path) -> None:
    """Whoever follows the guide to its end has the files that it shows, and no fault."""
    text = (ROOT / "docs/operators/catalogue.md").read_text()
    for block in re.findall(r"^```yaml\n(# .*?)^```$", text, re.MULTILINE | re.DOTALL):
        head, body = block.split("\n", 1)
        if match := re.fullmatch(r"# (?:appended to )?profiles/(\S+)", head):
            with (tmp_path / match[1]).open("a") as file:
                file.write(body)
    replacement = (tmp_path / "scikit-learn.yaml").read_text().split("options:")[0]
    renamed = replacement.replace(": scikit-learn\n", ": scikit-learn-2\n")
    (tmp_path / "next.yaml").write_text(renamed.replace("Scikit-learn", "Scikit-learn 2"))
    assert len(list(tmp_path.iterdir())) == 5
    assert not read_catalog(tmp_path, today=TODAY).faults
