"""Pulumi's passphrase scheme: what one program encrypts the other reads.

The key is PBKDF2-HMAC-SHA256 of the passphrase over 1,000,000 rounds (0.3 s and more), so it is derived when the first
secret is read or written and never before. A value is AES-256-GCM with a nonce of its own: `v1:<nonce>:<ciphertext>`.
The salt stands in the stack's config, with the word "pulumi" encrypted, by which a wrong passphrase is noticed.

Source: pulumi/pkg/secrets/passphrase/manager.go, sdk/go/common/resource/config/crypt.go.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from batchiac.deploy.values import Sealed
from batchiac.errors import ConfigError

ROUNDS: Final = 1_000_000
KEY_BYTES: Final = 32
SALT_BYTES: Final = 8
NONCE_BYTES: Final = 12
CHECK_WORD: Final = "pulumi"

_keys: dict[tuple[str, bytes], bytes] = {}
"""Keys that this process has derived already, so that several stacks of one passphrase and salt pay once."""
_keys_lock = threading.Lock()


def read_passphrase(environ: Mapping[str, str]) -> str:
    """The passphrase, from where Pulumi reads it.

    Raises:
        ConfigError: neither variable is set, or the file cannot be read.
    """
    if (phrase := environ.get("PULUMI_CONFIG_PASSPHRASE")) is not None:
        return phrase
    if path := environ.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"PULUMI_CONFIG_PASSPHRASE_FILE names {path}, which cannot be read: {error.strerror}"
            ) from error
    raise ConfigError(
        "the stack holds secrets but no passphrase is set: set PULUMI_CONFIG_PASSPHRASE (it may be empty) or"
        " PULUMI_CONFIG_PASSPHRASE_FILE"
    )


class Passphrase:
    """Encrypts and decrypts for one salt. Nothing is derived until the first call.

    Attributes:
        salt_text: `v1:<salt>:v1:<nonce>:<check>`, as the stack's config keeps it.
    """

    def __init__(self, salt_text: str, environ: Mapping[str, str]) -> None:
        self.salt_text = salt_text
        self._environ = environ
        self._cipher: Any = None
        self._lock = threading.Lock()

    @property
    def provider(self) -> dict[str, Any]:
        """What the state's `secrets_providers` says."""
        return {"type": "passphrase", "state": {"salt": self.salt_text}}

    def encrypt(self, text: str) -> str:
        """Ciphertext of `text`, with a new nonce."""
        return _seal(self._opened(), text)

    def decrypt(self, ciphertext: str) -> str:
        """The text inside.

        Raises:
            ConfigError: it was not encrypted with this passphrase and salt, or has been changed.
        """
        return _unseal(self._opened(), ciphertext, "a secret of this stack")

    def unseal(self, sealed: Sealed) -> Any:
        """The value inside a secret of the state."""
        return json.loads(self.decrypt(sealed.ciphertext))

    def _opened(self) -> Any:
        with self._lock:
            if self._cipher is None:
                parts = self.salt_text.split(":", 2)
                try:
                    if len(parts) != 3 or parts[0] != "v1":
                        raise ValueError
                    salt = base64.b64decode(parts[1], validate=True)
                except ValueError:
                    raise ConfigError(
                        f"encryptionsalt is {self.salt_text!r}: it has the form v1:<salt>:v1:<nonce>:<check>; restore"
                        " it from version control, since without it no secret can be read"
                    ) from None
                cipher = _cipher(read_passphrase(self._environ), salt)
                word = _unseal(cipher, parts[2], "the check word in encryptionsalt")
                if word != CHECK_WORD:
                    raise ConfigError("the passphrase in PULUMI_CONFIG_PASSPHRASE is not the one of this stack")
                self._cipher = cipher
            return self._cipher


def new_passphrase(environ: Mapping[str, str]) -> Passphrase:
    """A passphrase object with a new salt, for a stack that has none yet."""
    salt = os.urandom(SALT_BYTES)
    check = _seal(_cipher(read_passphrase(environ), salt), CHECK_WORD)
    return Passphrase(f"v1:{base64.b64encode(salt).decode()}:{check}", environ)


def _cipher(phrase: str, salt: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    with _keys_lock:
        key = _keys.get((phrase, salt))
        if key is None:
            key = hashlib.pbkdf2_hmac("sha256", phrase.encode(), salt, ROUNDS, KEY_BYTES)
            _keys[(phrase, salt)] = key
    return AESGCM(key)


def _seal(cipher: Any, text: str) -> str:
    nonce = os.urandom(NONCE_BYTES)
    sealed = cipher.encrypt(nonce, text.encode(), None)
    return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"


def _unseal(cipher: Any, ciphertext: str, what: str) -> str:
    from cryptography.exceptions import InvalidTag

    version, _, rest = ciphertext.partition(":")
    nonce, _, sealed = rest.partition(":")
    try:
        if version != "v1":
            raise ValueError(version)
        opened: bytes = cipher.decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None)
    except (ValueError, InvalidTag) as error:
        raise ConfigError(
            f"{what} cannot be decrypted: the passphrase in PULUMI_CONFIG_PASSPHRASE is not the one of this stack, or"
            " the text was changed"
        ) from error
    return opened.decode()
