"""A real PostgreSQL for tests: on loopback, in a folder of its own, run by a user that is not root."""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parent.parent
PASSWORD = "S3cr3t-canary"


def bin_folder() -> Path | None:
    """Return the newest server's programs: Debian keeps them out of the path."""
    found = [Path(place) for place in glob.glob("/usr/lib/postgresql/*/bin")]
    if program := shutil.which("initdb"):
        found.append(Path(program).resolve().parent)
    return max(found, key=lambda path: path.parent.name) if found else None


class Server:
    """A server that tests may stop and start again; ``owner`` is its superuser."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder, self.port = programs, folder, free_port()

    def make(self) -> None:
        """Make the data folder and start."""
        (self.folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (self.folder, self.folder / "password"):
                shutil.chown(path, _other_user())
        options = "-A scram-sha-256 -U owner -E UTF8 --locale=C.UTF-8 --no-sync --pwfile"
        self._run("initdb", "-D", self._data, *options.split(), str(self.folder / "password"))
        self.start()

    def start(self) -> None:
        """Start and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        options += " -c fsync=off -c max_connections=20"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", self._data, "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """Stop as a power cut would."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def url(self, role: str = "reader", database: str = "postgres") -> str:
        """Return the address for ``role``."""
        return f"postgresql://{role}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def connection(self) -> Any:
        """Return a connection as the owner; each statement is kept at once."""
        from adbc_driver_postgresql import dbapi

        return dbapi.connect(self.url("owner"), autocommit=True)

    def run(self, *statements: str) -> None:
        """Run statements as the owner."""
        with self.connection() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        user = {"user": _other_user(), "extra_groups": []} if os.geteuid() == 0 else {}
        command = [str(self.programs / program), *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, check=True, cwd=self.folder, timeout=60, **quiet, **user)


def _other_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def free_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session", name="server")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Return a running server with the role ``reader``, which may log in and own nothing."""
    programs = bin_folder()
    if programs is None:
        conftest = request.config.pluginmanager.get_plugin(str(TESTS / "conftest.py"))
        conftest.absent("postgres", "no PostgreSQL server on this machine")
    folder = Path(tempfile.mkdtemp(prefix="custmeasure-postgres-"))
    server = Server(programs, folder)
    try:
        server.make()
        server.run(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
