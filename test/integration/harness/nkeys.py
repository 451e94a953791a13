"""Keys and tokens as NATS has them: NKeys (ed25519), and the JWTs of its operator mode. Made when
they are needed, with the openssl tool."""
import base64
import binascii
import json
import os
import subprocess
import time

# First bytes of the texts, so that they begin with that letter.
KINDS = {"O": 14 << 3, "A": 0, "U": 20 << 3}
SEED = 18 << 3
# What stands in PKCS #8 before the 32 bytes of an ed25519 key.
PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
UNLIMITED = {name: -1 for name in ("subs", "data", "payload", "imports", "exports", "conn", "leaf",
                                   "mem_storage", "disk_storage", "streams", "consumer")}


def _text(raw):
    check = binascii.crc_hqx(raw, 0).to_bytes(2, "little")
    return base64.b32encode(raw + check).decode().rstrip("=")


def _openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


class NKey:
    """Of an operator (O), an account (A) or a user (U)."""

    def __init__(self, directory, kind="U", name=None):
        self._path = os.path.join(directory, f"{name or kind}.nkey")
        secret = os.urandom(32)
        with open(self._path + ".der", "wb") as file:
            file.write(PKCS8 + secret)
        public = _openssl("pkey", "-inform", "DER", "-in", self._path + ".der", "-pubout",
                          "-outform", "DER")[-32:]
        prefix = KINDS[kind]
        self.public = _text(bytes([prefix]) + public)
        self.seed = _text(bytes([SEED | prefix >> 5, (prefix & 31) << 3]) + secret)

    def seed_file(self):
        with open(self._path, "w") as file:
            file.write(self.seed + "\n")
        return self._path

    def sign(self, data):
        with open(self._path + ".data", "wb") as file:
            file.write(data)
        return _openssl("pkeyutl", "-sign", "-rawin", "-inkey", self._path + ".der", "-keyform",
                        "DER", "-in", self._path + ".data")

    def jwt(self, subject, name, **claims):
        """What this key says of another."""
        def part(value):
            raw = value if isinstance(value, bytes) else json.dumps(value).encode()
            return base64.urlsafe_b64encode(raw).decode().rstrip("=")
        said = {"jti": os.urandom(8).hex(), "iat": int(time.time()), "iss": self.public,
                "name": name, "sub": subject.public, "nats": {"version": 2, **claims}}
        text = part({"typ": "JWT", "alg": "ed25519-nkey"}) + "." + part(said)
        return text + "." + part(self.sign(text.encode()))


class Operator:
    """An operator with an account that has JetStream, and one for the system."""

    def __init__(self, directory):
        self._directory = directory
        self._key = NKey(directory, "O")
        self._account, system = NKey(directory, "A", "account"), NKey(directory, "A", "system")
        self.config = (
            f'operator: "{self._key.jwt(self._key, "operator", type="operator")}"\n'
            f'system_account: "{system.public}"\nresolver: MEMORY\nresolver_preload: {{\n'
            f'  {system.public}: "{self._key.jwt(system, "system", type="account")}"\n'
            f'  {self._account.public}: "{self._account_jwt()}"\n}}')

    def _account_jwt(self):
        return self._key.jwt(self._account, "account", type="account",
                             limits={**UNLIMITED, "wildcards": True})

    def credentials(self, name="user"):
        """(path of a credentials file, the seed in it)."""
        user = NKey(self._directory, "U", name)
        jwt = self._account.jwt(user, name, type="user", subs=-1, data=-1, payload=-1)
        path = os.path.join(self._directory, f"{name}.creds")
        with open(path, "w") as file:
            file.write(f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
                       f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n"
                       "------END USER NKEY SEED------\n")
        return path, user.seed
