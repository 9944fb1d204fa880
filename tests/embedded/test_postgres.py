import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from leadcrm.embedded import postgres, processes, state
from leadcrm.embedded.processes import Server
from leadcrm.embedded.starting import start_and_wait

pytestmark = pytest.mark.slow


Start = Callable[[], Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running = []

    def start() -> Server:
        server = postgres.server(tmp_path)
        running.append(start_and_wait(server, tmp_path))
        return server

    yield start
    processes.stop_leftovers(tmp_path)
    for process in running:
        process.wait()
    postgres.erase(tmp_path)


def query(server: Server, sql: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(server.url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


class TestPostgres:
    def test_keeps_data_over_kill_9_a_reused_process_number_and_a_lost_password(
        self, start: Start, tmp_path: Path
    ) -> None:
        server = start()
        query(server, "CREATE TABLE note AS SELECT 'kept' AS word")
        note = Path(server.program.command[2]) / "postmaster.pid"
        postmaster = psutil.Process(int(note.read_text().split()[0]))
        backends = postmaster.children()

        postmaster.send_signal(signal.SIGKILL)
        psutil.wait_procs([postmaster, *backends], timeout=20)
        note.write_text(note.read_text().replace(str(postmaster.pid), str(os.getpid()), 1))
        (tmp_path / "postgres.json").unlink()
        again = start()

        assert query(again, "SELECT word FROM note") == [("kept",)]

    def test_lets_nobody_in_without_the_password(self, start: Start, tmp_path: Path) -> None:
        server = start()
        password = state.read(tmp_path / "postgres.json")["password"]

        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            query_with(server, password, "guessed")

    def test_sorts_and_folds_case_as_production_does(self, start: Start) -> None:
        server = start()

        rows = query(server, "SELECT lower('ÄÖÜ'), current_setting('server_encoding')")

        assert rows == [("äöü", "UTF8")]


def query_with(server: Server, password: str, guess: str) -> None:
    psycopg2.connect(server.url.replace(password, guess))
