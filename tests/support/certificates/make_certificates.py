"""Makes the certificates beside this file anew, with the openssl command: run it as a script.

They are good for nothing but these tests, which is why their keys are in the repository.
Each PEM file but the CA's holds a key and its certificate. The CA's key is thrown away.
The extensions are those that OpenSSL's X509_V_FLAG_X509_STRICT asks for, which Python 3.13 sets
by default (RFC 5280, section 4.2.1): basicConstraints, keyUsage and the two key identifiers.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

_HERE = Path(__file__).parent

_LIFETIME = ("20250101000000Z", "21250101000000Z")
_LONG_AGO = ("20200101000000Z", "20210101000000Z")

_CONFIG = """
[ca]
default_ca = tests
[tests]
new_certs_dir = .
database = index.txt
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
subjectAltName = {names}
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
"""


def _openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(
        ["openssl", *arguments], cwd=directory, timeout=60, check=True, capture_output=True
    )


def _make(
    directory: Path,
    name: str,
    profile: str,
    common_name: str,
    *,
    names: str = "DNS:unused",
    signer: str = "ca",
    lifetime: tuple[str, str] = _LIFETIME,
) -> None:
    (directory / "openssl.cnf").write_text(_CONFIG.format(names=names))
    (directory / "index.txt").write_text("")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
    files = ("-keyout", f"{name}.key", "-out", f"{name}.csr")
    _openssl(directory, "req", *curve, *files, "-subj", f"/CN={common_name}")
    own = ("-selfsign",) if signer == name else ("-cert", f"{signer}.crt")
    signing = (*own, "-keyfile", f"{signer}.key", "-in", f"{name}.csr", "-out", f"{name}.crt")
    dates = ("-startdate", lifetime[0], "-enddate", lifetime[1])
    options = ("-config", "openssl.cnf", "-extensions", profile, "-batch", "-notext")
    _openssl(directory, "ca", *options, *dates, *signing)


def main() -> None:
    """Make a new CA and everything it signs, and put them beside this file."""
    here = "DNS:localhost, IP:127.0.0.1"
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        _make(directory, "ca", "authority", "Test CA", signer="ca")
        _make(directory, "localhost", "server", "localhost", names=here)
        _make(directory, "api_host", "server", "api.example.test", names="DNS:api.example.test")
        _make(directory, "expired", "server", "localhost", names=here, lifetime=_LONG_AGO)
        _make(directory, "self_signed", "server", "localhost", names=here, signer="self_signed")
        _make(directory, "client", "client", "Test client")
        for made in directory.glob("*.crt"):
            key = "" if made.stem == "ca" else made.with_suffix(".key").read_text()
            (_HERE / f"{made.stem}.pem").write_text(key + made.read_text())


if __name__ == "__main__":
    main()
