"""Secrets are masked, and what is none stays as it is."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest

from baton_client.tracing.tags import without_credentials
from baton_lab.capture.mask import MASK, Mask, load_mask, secret_values

PLAIN = Mask([])
# Put together here, so that no scanner takes this file for a leak.
LOOKS = {
    "AWS": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub": "ghp_" + "a1B2" * 9,
    "GitHub, fine-grained": "github_pat_" + "a1B2" * 12,
    "GitLab": "glpat-" + "a1B2c3" * 4,
    "Slack": "xoxb-" + "1234567890-abcdef",
    "Stripe": "sk_live_" + "a1B2" * 6,
    "OpenAI": "sk-proj-" + "a1B2_c3-" * 6,
    "Hugging Face": "hf_" + "a1B2" * 9,
    "Databricks": "dapi" + "0a1b" * 8,
    "npm": "npm_" + "a1B2" * 9,
    "Google": "AIza" + "a1B2_" * 7,
    "webhook": "whsec_" + "a1B2" * 8,
    "JWT": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "SflKxwRJSMeKKF2QT4",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----",
}


@pytest.mark.parametrize("secret", LOOKS.values(), ids=LOOKS.keys())
@pytest.mark.parametrize("around", ["{}", "x = '{}'", 'print("{}")\n', "a {} b", "({})"])
def test_what_looks_like_a_secret_is_masked_whole(secret: str, around: str) -> None:
    masked = PLAIN.text(around.format(secret))
    assert MASK in masked
    assert not any(part in masked for part in secret.replace("\n", ".").split(".") if len(part) > 5)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://ada:hunter2@git.example.org/x", f"https://{MASK}@git.example.org/x"),
        ("https://hunter2@git.example.org/x", f"https://{MASK}@git.example.org/x"),
        ("postgresql://a:b%40c@db/x", f"postgresql://{MASK}@db/x"),
        ("password = 'hunter22'", f"password = '{MASK}'"),
        ('db_password="hunter22",', f'db_password="{MASK}",'),
        ('{"api_key": "hunter22"}', f'{{"api_key": "{MASK}"}}'),
        (r"{\"token\": \"hunter22\"}", rf"{{\"token\": \"{MASK}\"}}"),
        ("{'HUB_TOKEN': 'hunter22'}", f"{{'HUB_TOKEN': '{MASK}'}}"),
        ("export DB_PASSWORD=hunter22", f"export DB_PASSWORD={MASK}"),
        ("Authorization: Bearer abcdef0123456789", f"Authorization: Bearer {MASK}"),
        ("'Authorization': 'token abcdef0123456789'", f"'Authorization': 'token {MASK}'"),
        ("/x?a=1&token=abcdef01&b=2", f"/x?a=1&token={MASK}&b=2"),
    ],
)
def test_what_is_said_to_be_a_secret_is_masked(text: str, masked: str) -> None:
    assert PLAIN.text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "tokenizer = AutoTokenizer.from_pretrained('bert-base-uncased')",
        "tokenizer.pad_token = '<|endoftext|>'",
        "TOKEN = os.environ['HUB_TOKEN']",
        'TOKEN=os.getenv("HUB_TOKEN")',
        "password = getpass.getpass()",
        "key = 'accuracy'",
        "#sk-container-id-1 div.sk-toggleable__label-arrow:before {",
        "git@git.example.org:team/repo.git",
        "https://example.org/a@b?c=d",
        "secrets.token_hex(32)",
        "the token embeddings of the model",
        "sha256:" + "0a1b" * 16,
        "a" * 40,
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert PLAIN.text(text) == text


def test_values_of_secret_variables_are_masked_wherever_they_stand() -> None:
    environ = {
        "JUPYTERHUB_API_TOKEN": "aaaa1111bbbb2222",
        "DB_PASSWORD": "correct horse battery",
        "MY_KEY": "aaaa1111bbbb2222cccc",
        "SHORT_KEY": "1",
        "PATH": "/usr/bin:/bin",
    }
    mask = Mask(secret_values(environ))
    text = "x aaaa1111bbbb2222cccc y aaaa1111bbbb2222 correct horse battery 1 /usr/bin:/bin"
    assert mask.text(text) == f"x {MASK} y {MASK} {MASK} 1 /usr/bin:/bin"


def test_the_tokens_in_files_are_masked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rotation the environment has the old one."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "baton").mkdir()
    (tmp_path / "baton" / "token").write_text("rotated-token\n")
    (tmp_path / "mounted").write_text("mounted-token")
    mask = load_mask({"BATON_TOKEN_FILE": str(tmp_path / "mounted")})
    assert mask.text("rotated-token mounted-token") == f"{MASK} {MASK}"


def test_a_secret_that_goes_over_lines_of_a_cell_is_masked() -> None:
    key = LOOKS["private key"]
    lines = [line + "\n" for line in f"k = '''{key}'''\nprint(1)".split("\n")]
    assert PLAIN.value({"source": lines}) == {"source": [f"k = '''{MASK}'''\n", "print(1)\n"]}


def test_json_stays_json_of_the_same_shape() -> None:
    value = {"a": [1, None, True, {"b": "x"}], "c": ["one\n", "two"], "image/png": "iVBOR" * 9}
    assert PLAIN.value(value) == value


def test_megabytes_take_seconds_at_most() -> None:
    """Patterns must not go wrong on what notebooks hold: base64, numbers, one long line."""
    texts = [
        base64.b64encode(bytes(range(256)) * 8000).decode(),
        "0_1_2_a_b_" * 200_000,
        "token_" * 300_000,
        "password=" * 200_000,
        json.dumps(list(range(300_000))),
        "https://" * 250_000,
        "A_TOKEN" * 250_000,
        "-----BEGIN PRIVATE KEY-----" * 20_000,
    ]
    begun = time.process_time()
    for text in texts:
        PLAIN.text(text)
    assert time.process_time() - begun < 20


def test_a_remote_loses_user_and_password() -> None:
    assert without_credentials("https://a:b@h/x") == "https://h/x"
    assert without_credentials("git@h:x") == "git@h:x"
