"""Certificates for tests, made by the openssl tool when they are needed."""
import os
import subprocess

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def _openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Certificate:
    def __init__(self, cert, key):
        self.cert = cert
        self.key = key

    def fingerprint(self):
        text = subprocess.run(["openssl", "x509", "-in", self.cert, "-noout", "-fingerprint",
                               "-sha256"], check=True, capture_output=True).stdout.decode()
        return text.strip().split("=")[1]

    def replace_with(self, other):
        """The files hold another certificate from now on, as after a renewal."""
        for mine, new in ((self.cert, other.cert), (self.key, other.key)):
            with open(new, "rb") as source, open(mine + ".new", "wb") as target:
                target.write(source.read())
            os.replace(mine + ".new", mine)


class Authority:
    def __init__(self, directory, name="ca"):
        self._directory = directory
        self._name = name
        self.cert = self._path("pem")
        _openssl("req", "-x509", *KEY, "-keyout", self._path("key"), "-out", self.cert,
                 "-subj", f"/CN={name}", "-days", "2")

    def _path(self, suffix, name=None):
        return os.path.join(self._directory, f"{self._name}{'-' + name if name else ''}.{suffix}")

    def issue(self, name, days=2, address=None):
        """A certificate for that DNS name; expired if `days` is negative."""
        made = Certificate(self._path("pem", name), self._path("key", name))
        names = f"DNS:{name}" + (f",IP:{address}" if address else "")
        request = self._path("csr", name)
        _openssl("req", "-new", *KEY, "-keyout", made.key, "-out", request, "-subj", f"/CN={name}",
                 "-addext", f"subjectAltName={names}")
        _openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self._path("key"),
                 "-days", str(days), "-copy_extensions", "copy", "-out", made.cert)
        os.chmod(made.key, 0o644)
        return made
