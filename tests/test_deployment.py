"""The files of production, read by a parser and held to what the README promises."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
SECRETS = ("SECRET_KEY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As an operator has it: the compose file beside a filled-in .env."""
    directory = tmp_path_factory.mktemp("production")
    (directory / "docker-compose.yml").write_text((ROOT / "docker-compose.yml").read_text())
    lines = (ROOT / ".env.example").read_text().splitlines()
    filled = [line + "a" * 64 if line.rstrip("=") in SECRETS else line for line in lines]
    (directory / ".env").write_text("\n".join(filled))
    engine = directory / "podman"
    engine.write_text("#!/bin/sh\necho podman version 5.0.0\n")
    engine.chmod(0o755)
    return directory


def parse(directory: Path) -> subprocess.CompletedProcess[str]:
    """With podman-compose, which needs no engine to read a file."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "podman_compose", "--podman-path", directory / "podman", "config"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def services(directory: Path) -> dict[str, dict[str, Any]]:
    parsed = parse(directory)
    assert parsed.returncode == 0, parsed.stderr
    services: dict[str, dict[str, Any]] = yaml.safe_load(parsed.stdout)["services"]
    return services


class TestCompose:
    def test_has_every_part(self, services: dict[str, dict[str, Any]]) -> None:
        assert set(services) == {"web", "worker", "beat", "migrate", "postgres", "valkey"}

    @pytest.mark.parametrize("name", ["web", "worker", "beat"])
    def test_starts_only_after_the_migration(
        self, services: dict[str, dict[str, Any]], name: str
    ) -> None:
        conditions = {
            service: wish["condition"] for service, wish in services[name]["depends_on"].items()
        }

        assert conditions == {
            "migrate": "service_completed_successfully",
            "postgres": "service_healthy",
            "valkey": "service_healthy",
        }

    def test_publishes_only_the_web_server_and_only_to_the_proxy(
        self, services: dict[str, dict[str, Any]]
    ) -> None:
        published = {
            name: service["ports"] for name, service in services.items() if "ports" in service
        }

        assert published == {"web": ["127.0.0.1:8000:8000"]}

    def test_never_evicts_the_queue_and_keeps_it_on_disk(
        self, services: dict[str, dict[str, Any]]
    ) -> None:
        command = " ".join(services["valkey"]["command"])

        assert "--appendonly yes" in command
        assert "--maxmemory-policy noeviction" in command

    def test_gives_mail_under_way_time_to_finish(self, services: dict[str, dict[str, Any]]) -> None:
        assert services["worker"]["stop_grace_period"] == "120s"

    def test_refuses_to_start_without_secrets(self, directory: Path, tmp_path: Path) -> None:
        for name in ("docker-compose.yml", "podman"):
            (tmp_path / name).write_text((directory / name).read_text())
        (tmp_path / "podman").chmod(0o755)
        (tmp_path / ".env").write_text((ROOT / ".env.example").read_text())

        refused = parse(tmp_path)

        assert refused.returncode != 0
        assert "set it in .env" in refused.stderr


class TestDockerfile:
    def test_runs_as_nobody_special_from_pinned_packages(self) -> None:
        text = (ROOT / "Dockerfile").read_text()

        assert "--require-hashes" in text
        assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["leadcrm"]
        assert "HEALTHCHECK" in text

    def test_leaves_data_and_tests_out_of_the_image(self) -> None:
        lines = (ROOT / ".dockerignore").read_text().split()

        assert lines[0] == "*"
        assert not {"!var", "!.env", "!tests", "!.git"} & set(lines)


class TestRequirements:
    @pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
    def test_pin_each_package_by_hash_and_name_no_host(self, name: str) -> None:
        text = (ROOT / name).read_text()

        entries = re.split(r"\n(?=[a-z0-9])", text)
        assert all("--hash=sha256:" in entry for entry in entries)
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links|file:", text)
