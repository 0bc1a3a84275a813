"""docker-compose.yml: what the production shape promises, service by service."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest

from marketplace.cli import main
from marketplace.settings import Settings, variable
from marketplace.worker import QUEUES
from tests.deploy.conftest import ROOT

Service = dict[str, Any]


def known_variables() -> set[str]:
    names = {variable(item.name) for item in fields(Settings) if item.name != "quotas"}
    secret = {f"{variable(item.name)}_FILE" for item in fields(Settings) if item.metadata["secret"]}
    return names | secret


def own(services: dict[str, Service]) -> dict[str, Service]:
    """Return the services that run our image."""
    return {name: service for name, service in services.items() if "build" in service}


def test_the_shape_is_whole(services: dict[str, Service]) -> None:
    """Issue 5, point 6: web behind a proxy, workers, beat, one-shot migrations and what they stand on."""
    assert services.keys() >= {"proxy", "web", "beat", "migrate", "postgres", "valkey", "opensearch", "mail"}
    assert services["web"]["deploy"]["replicas"] == 2
    assert "ports" not in services["web"]


def test_every_service_is_watched_or_says_why_not(services: dict[str, Service]) -> None:
    """A health check with a bound on each try, or a stated reason."""
    for name, service in services.items():
        check = service["healthcheck"]
        if check.get("disable"):
            assert len(service["x-no-healthcheck"]) > 20, name
        else:
            assert check["test"][0] in {"CMD", "CMD-SHELL"}, name
            assert {"interval", "timeout", "retries"} <= check.keys(), name


def test_every_service_is_hardened(services: dict[str, Service]) -> None:
    """O-04: not root, read-only, no capability, no new privilege, bounded memory and processes."""
    for name, service in services.items():
        user, _, group = service["user"].partition(":")
        assert int(user) > 0, name
        assert int(group) > 0, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
        assert service["deploy"]["resources"]["limits"].keys() == {"memory", "pids"}, name


def test_our_user_is_that_of_the_image(services: dict[str, Service]) -> None:
    """Volumes belong to the user the image made."""
    assert {service["user"] for service in own(services).values()} == {"10001:10001"}
    assert "USER 10001:10001" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_images_are_pinned_by_version(services: dict[str, Service]) -> None:
    """Nothing is `latest`: the tag is a whole version."""
    for name, service in services.items():
        if "build" not in service:
            assert re.search(r":v?\d+\.\d+(\.\d+)?(-[a-z]+)?$", service["image"]), name
    (python,) = re.findall(r"ARG PYTHON=(\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert re.fullmatch(r"3\.\d+\.\d+-slim-[a-z]+", python)


def test_no_secret_stands_in_the_file(compose: dict[str, Any]) -> None:
    """O-04: a password is neither in an environment nor in a command; every secret is a file of ours."""
    for name, service in compose["services"].items():
        for variable_name, value in service.get("environment", {}).items():
            says_secret = re.search(r"PASSWORD|SECRET|TOKEN|_KEY|_URL", variable_name)
            if says_secret and variable_name != "MARKETPLACE_BASE_URL":
                assert variable_name.endswith("_FILE"), (name, variable_name)
                assert str(value).startswith("/run/secrets/"), (name, variable_name)
        assert not re.search(r"://[^/\s]*:[^/\s]*@", json.dumps(service)), name
    for name, secret in compose["secrets"].items():
        assert secret == {"file": f"./deploy/secrets/{name}"}
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"deploy/secrets/", ".env"} <= set(ignored)


def test_every_secret_that_is_read_was_given(compose: dict[str, Any]) -> None:
    """A path below /run/secrets is one of the service's secrets, and each secret has a reader."""
    used = set()
    for name, service in compose["services"].items():
        given = set(service.get("secrets", ()))
        used |= given
        text = json.dumps([service.get("environment", {}), service.get("command"), service["healthcheck"]])
        assert set(re.findall(r"/run/secrets/(\w+)", text)) <= given, name
        for mount in service.get("volumes", ()):
            if mount.startswith("./"):
                source = ROOT / mount.split(":")[0]
                files = source.rglob("*") if source.is_dir() else [source]
                for path in files:
                    if path.is_file():
                        read = set(re.findall(r"/run/secrets/(\w+)", path.read_text(encoding="utf-8")))
                        assert read <= given, (name, path)
    assert used == compose["secrets"].keys()


def test_every_setting_exists(services: dict[str, Service]) -> None:
    """A name that is no setting would be silently without effect."""
    for name, service in own(services).items():
        unknown = service["environment"].keys() - known_variables() - {"SSL_CERT_FILE"}
        assert not unknown, name
        assert service["environment"]["MARKETPLACE_ENV"] == "production", name
        for item in fields(Settings):
            value = service["environment"].get(variable(item.name)) if item.name != "quotas" else None
            if value is not None and isinstance(item.default, int):
                assert int(value) > 0, (name, item.name)


def _parsed(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the full name and the options of a command line of ours; raise where there is none such."""
    group: click.Command = main
    context = click.Context(main)
    words = list(arguments)
    names = []
    while isinstance(group, click.Group):
        names.append(words.pop(0))
        found = group.get_command(context, names[-1])
        assert found is not None, names
        group = found
    return " ".join(names), group.make_context(names[-1], words).params


def test_every_command_exists(services: dict[str, Service]) -> None:
    """Commands and health checks are command lines that `marketplace` takes, with their options."""
    for name, service in own(services).items():
        _parsed(service["command"])
        check = service["healthcheck"]
        if not check.get("disable"):
            assert check["test"][:2] == ["CMD", "marketplace"], name
            kind, options = _parsed(check["test"][2:])
            command, started_with = _parsed(service["command"])
            assert kind == f"healthcheck {command.replace('serve', 'web')}", name
            assert all(started_with[key] == value for key, value in options.items()), name


def test_workers_take_every_queue(services: dict[str, Service]) -> None:
    """A queue nobody takes would wait for ever; each has workers of its own, to be scaled alone."""
    taken: list[str] = []
    for service in own(services).values():
        name, options = _parsed(service["command"])
        if name == "worker":
            taken += options["queues"] or QUEUES
            assert options["schedule"] is None
            assert service["environment"]["MARKETPLACE_WORKER_POOL"] == "prefork"
    assert sorted(taken) == sorted(QUEUES)


def test_beat_is_one(services: dict[str, Service]) -> None:
    """Exactly one process sends what is due, and it remembers when it did over a restart."""
    beats = [service for service in own(services).values() if service["command"][0] == "beat"]
    assert [service["deploy"]["replicas"] for service in beats] == [1]
    (volume,) = beats[0]["volumes"]
    assert volume.startswith("beat:")


def test_all_wait_for_the_migration(services: dict[str, Service]) -> None:
    """The schema is there before anything that uses it; the migration waits for the database only."""
    for name, service in own(services).items():
        if name != "migrate":
            waits = service["depends_on"]["migrate"]["condition"]
            assert waits == "service_completed_successfully", name
    assert services["migrate"]["command"] == ["db", "upgrade"]
    assert services["migrate"]["restart"] == "no"
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_only_the_proxy_is_reached_from_outside(compose: dict[str, Any]) -> None:
    """Data services have no way out and no port; the mail catcher shows itself to this machine only."""
    published = {name for name, service in compose["services"].items() if "ports" in service}
    assert published == {"proxy", "mail"}
    assert all(port.startswith("127.0.0.1:") for port in compose["services"]["mail"]["ports"])
    assert compose["networks"]["data"] == {"internal": True}
    for name in ("postgres", "valkey", "opensearch"):
        assert compose["services"][name]["networks"] == ["data"]


def test_the_web_believes_its_proxy_only(services: dict[str, Service]) -> None:
    """R-03: the address in X-Forwarded-For counts when the proxy of this file says it."""
    address = services["proxy"]["networks"]["edge"]["ipv4_address"]
    assert services["web"]["environment"]["MARKETPLACE_TRUSTED_PROXIES"] == address


def test_a_place_that_is_written_to_is_a_volume_or_memory(services: dict[str, Service]) -> None:
    """Read-only means that CV files, the schedule and every server's data have their own volume."""
    files = "cv-files:/var/lib/marketplace/files"
    for name in ("web", "worker-extraction", "worker-scheduled"):
        assert files in services[name]["volumes"], name
    for name, place in (
        ("postgres", "postgres:/var/lib/postgresql"), ("valkey", "valkey:/data"),
        ("opensearch", "opensearch:/usr/share/opensearch/data"),
    ):  # fmt: skip
        assert place in services[name]["volumes"], name


def compose_client() -> list[str] | None:
    """Return Docker's own client: that of the machine, or the one the tests' environment brings."""
    for command in (["docker", "compose"], [str(Path(sys.executable).with_name("docker-compose"))]):
        if shutil.which(command[0]):
            told = subprocess.run([*command, "version"], capture_output=True, timeout=60, check=False)
            if told.returncode == 0:
                return command
    return None


def test_docker_compose_accepts_the_file(prepared: Path) -> None:
    """`docker compose config`, by Docker's own client, after `deploy/prepare` and without a variable set."""
    client = compose_client()
    if client is None:
        pytest.skip("there is no Docker Compose for this machine")
    told = subprocess.run(
        [*client, "--profile", "*", "config", "--format", "json"],
        cwd=prepared, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(prepared)},
    )  # fmt: skip
    assert (told.returncode, told.stderr) == (0, "")
    web = json.loads(told.stdout)["services"]["web"]
    assert web["environment"]["MARKETPLACE_BASE_URL"] == "https://talents.example"
    assert [secret["target"] for secret in web["secrets"]].count("/run/secrets/secret_key") == 1


def test_docker_compose_says_what_to_do_first(prepared: Path, tmp_path: Path) -> None:
    """Without `deploy/prepare` the message names it."""
    client = compose_client()
    if client is None:
        pytest.skip("there is no Docker Compose for this machine")
    shutil.copy(prepared / "docker-compose.yml", tmp_path)
    told = subprocess.run(
        [*client, "config"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert told.returncode != 0
    assert "run deploy/prepare first" in told.stderr
