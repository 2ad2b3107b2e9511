"""Pulumi's passphrase scheme, against texts that Pulumi's CLI 3.260 wrote."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from batchiac.deploy.secrets import Passphrase, new_passphrase, read_passphrase
from batchiac.deploy.values import Sealed
from batchiac.errors import ConfigError

CLI_SALT = "v1:MQyiTS8+HRk=:v1:8hKLn1SXgwLZxTbA:aoIzFPSq+Z3cnqdh7x6EGmM7e/NaPw=="
CLI_CONFIG = "v1:cZFzxIk9TqiAj9w5:5Yd7fU/ggADV8aV/2Z7jT4Xn0USoXs4="
CLI_STATE = "v1:RTGIhS9GVBCMQeEU:ligcEpTPXVp8VF+qpD80PtS98bp0dCso7g=="
"""`pulumi config set --secret pw hunter2` under an empty passphrase, and the same value in the state."""

EMPTY = {"PULUMI_CONFIG_PASSPHRASE": ""}


def test_reads_what_the_cli_wrote() -> None:
    """A secret of the config is text, one of the state is JSON."""
    passphrase = Passphrase(CLI_SALT, EMPTY)
    assert passphrase.decrypt(CLI_CONFIG) == "hunter2"
    assert passphrase.unseal(Sealed(CLI_STATE)) == "hunter2"
    assert passphrase.provider == {"type": "passphrase", "state": {"salt": CLI_SALT}}


def test_round_trip_with_a_new_salt() -> None:
    """What a new salt encrypts, another object of the same salt and passphrase reads; each time it looks different."""
    made = new_passphrase({"PULUMI_CONFIG_PASSPHRASE": "correct horse"})
    first, second = made.encrypt('"ä"'), made.encrypt('"ä"')
    assert first != second
    assert Passphrase(made.salt_text, {"PULUMI_CONFIG_PASSPHRASE": "correct horse"}).decrypt(first) == '"ä"'


def test_no_key_is_derived_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making the object, and asking what it is, cost nothing."""

    def refuse(*_arguments: object) -> bytes:
        raise AssertionError("a key was derived")

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", refuse)
    assert Passphrase("v1:AAAAAAAAAAA=:v1:x:y", EMPTY).provider["type"] == "passphrase"


@pytest.mark.parametrize(
    ("salt", "environ", "words"),
    [
        (CLI_SALT, {"PULUMI_CONFIG_PASSPHRASE": "wrong"}, "PULUMI_CONFIG_PASSPHRASE"),
        (CLI_SALT, {}, "set PULUMI_CONFIG_PASSPHRASE"),
        (CLI_SALT, {"PULUMI_CONFIG_PASSPHRASE_FILE": "/does/not/exist"}, "/does/not/exist"),
        ("nonsense", EMPTY, "encryptionsalt"),
    ],
)
def test_a_wrong_passphrase_is_said(salt: str, environ: dict[str, str], words: str) -> None:
    """Wrong, missing, unreadable, or a broken salt: each is one sentence that says what to set."""
    with pytest.raises(ConfigError, match=words):
        Passphrase(salt, environ).decrypt(CLI_CONFIG)


def test_changed_ciphertext_is_noticed() -> None:
    """A flipped byte is an error, never another value."""
    with pytest.raises(ConfigError, match="cannot be decrypted"):
        Passphrase(CLI_SALT, EMPTY).decrypt(CLI_CONFIG.replace("5Yd7", "6Yd7"))


def test_passphrase_from_a_file(tmp_path: Path) -> None:
    """The file's content counts without its last line break; the variable wins over the file."""
    file = tmp_path / "phrase"
    file.write_text("horse\n", encoding="utf-8")
    assert read_passphrase({"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}) == "horse"
    assert read_passphrase({"PULUMI_CONFIG_PASSPHRASE_FILE": str(file), **EMPTY}) == ""
