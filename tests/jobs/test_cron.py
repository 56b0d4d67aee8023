"""The crontab and the units in conf/: their very command lines, in the environments that cron and systemd give them."""

from __future__ import annotations

import configparser
import getpass
import os
import re
import runpy
import shlex
import shutil
import subprocess
from urllib.parse import urlsplit, urlunsplit

import pytest
from conftest import HEADER, PROJECT
from processes import finished, held, wait_for
from test_docs import JOBS, understand

CONF = PROJECT / "conf"
SCRIPT = "/opt/sluice/conf/cron/job.sh"


class Machine:
    """A machine on which the folders that the files of conf/ name are in `folder`, but for the project's own."""

    def __init__(self, folder):
        self.folder, self.home, self.log = folder, folder / "home", folder / "sluice.log"
        self.products, self.environment = folder / "data" / "products", folder / "environment"
        for path in (self.home, self.products):
            path.mkdir(parents=True)
        self.set_up()

    def set_up(self, **variables):
        text = self.placed((CONF / "environment.example").read_text())
        if "JAVA_HOME" in os.environ:
            variables["JAVA_HOME"] = os.environ["JAVA_HOME"]
        self.environment.write_text(text + "".join(f"{name}='{value}'\n" for name, value in variables.items()))
        self.environment.chmod(0o600)

    def placed(self, text):
        places = {"/opt/sluice": PROJECT, "/etc/sluice": self.folder, "/var/l(?:og|ib)/sluice": self.folder}
        places["/data"] = self.folder / "data"
        names = dict(enumerate(places.values(), 1))
        every = "|".join(f"({path})(?=/)" for path in places)
        return re.sub(every, lambda match: str(names[match.lastindex]), text)

    def start(self, command, **variables):
        """Starts a command as cron does, with the variables of the crontab."""
        variables = {"HOME": str(self.home), "LOGNAME": getpass.getuser(), "SHELL": "/bin/sh", **variables}
        environment = [f"{name}={value}" for name, value in variables.items()]
        return subprocess.Popen(
            ["env", "-i", *environment, "/bin/sh", "-c", command],
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def cron(self, command):
        return self.start(self.placed(command), **crontab(self.placed((CONF / "cron" / "sluice.cron").read_text()))[0])


def crontab(text):
    """The variables and the commands of a crontab, as cron reads it."""
    variables, commands = {}, []
    for line in text.splitlines():
        if match := re.fullmatch(r"(\w+)=(.*)", line):
            variables[match[1]] = match[2]
        elif line and not line.startswith("#"):
            *times, command = line.split(maxsplit=5)
            assert all(re.fullmatch(r"\*(/\d+)?|\d+", time) for time in times), line
            assert not re.search(r"(?<!\\)%", command), f"cron ends the command there: {line}"
            commands.append(command.replace(r"\%", "%"))
    return variables, commands


VARIABLES, COMMANDS = crontab((CONF / "cron" / "sluice.cron").read_text())
(RUN,) = [command for command in COMMANDS if "run products" in command]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_every_command_of_the_crontab_is_understood():
    assert not any("$" in value for value in VARIABLES.values())  # cron does not expand it
    assert "SECRET" not in str(VARIABLES) + str(COMMANDS)
    for command in " && ".join(COMMANDS).split(" && "):
        script, job, *arguments = shlex.split(re.sub(r"\$\(.*?\)", "2024-01-01", command))
        assert script == SCRIPT
        understand(runpy.run_path(str(JOBS[job]))["main"], arguments)


def test_cron_has_something_to_mail_only_if_a_job_fails(machine):
    assert finished(machine.cron(RUN)) == (0, "", None)
    (pruning,) = [command for command in COMMANDS if "prune" in command]
    code, mailed, _ = finished(machine.cron(pruning))
    cause = f"maintain: table requests is not in lake {machine.folder}/lake: make it with ingest or aggregate first"
    assert (code, mailed) == (3, f"{cause}\nexit code 3\n")
    logged = machine.log.read_text().splitlines()
    assert [line for line in logged if line.startswith("exit code")] == ["exit code 0", "exit code 3"]
    assert re.search(r"^\S+ \S+ maintain prune requests --before \d{4}-\d\d-\d\d$", "\n".join(logged), re.MULTILINE)
    assert [line for line in logged if '"error": "table requests is not' in line]


@pytest.mark.parametrize(("mode", "what_to_do"), [(0o640, "chmod 600"), (None, "environment.example")])
def test_settings_that_are_missing_or_that_others_can_read_are_refused(machine, mode, what_to_do):
    if mode is None:
        machine.environment.unlink()
    else:
        machine.environment.chmod(mode)
    code, mailed, _ = finished(machine.cron(RUN))
    assert (code, mailed.startswith(f"{machine.environment} "), what_to_do in mailed) == (2, True, True)
    assert mailed.count("\n") == 1


@pytest.mark.slow
def test_two_starts_at_once_queue_and_one_that_waits_too_long_says_so(machine, database, postgres_url):
    parts = urlsplit(postgres_url)
    pgpass = machine.home / ".pgpass"
    pgpass.write_text(f"*:*:*:{parts.username}:{parts.password}\n")
    pgpass.chmod(0o600)
    url = urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", "@")))
    machine.set_up(SLUICE_DATABASE_URL=url, SLUICE_SCHEMA="fresh", LC_ALL="POSIX")
    path = machine.products / "käse.csv"
    path.write_text(f"{HEADER}\n1,Käse,\n", encoding="utf-8")
    os.utime(path, (0, 0))  # for --min-age

    with held(machine.folder / "lake", "products"):
        assert finished(machine.cron(RUN.replace("--lock-timeout 600", "--lock-timeout 1"))) == (
            5,
            "run: table products is held by run another-run: try again, or wait longer with --lock-timeout\n"
            "exit code 5\n",
            None,
        )
        both = [machine.cron(RUN), machine.cron(RUN)]
        wait_for(lambda: machine.log.read_text().count("waiting up to 600 s") == 2)
    assert [finished(process) for process in both] == [(0, "", None)] * 2
    assert database("SELECT name, no_of_products FROM products_agg") == [("Käse", 1)]
    logged = machine.log.read_text()
    assert sorted(re.findall("run: (succeeded; 1 row read: 1 inserted|nothing new; 1 file skipped)", logged)) == [
        "nothing new; 1 file skipped",
        "succeeded; 1 row read: 1 inserted",
    ]
    assert parts.password not in logged


def unit(machine, name):
    """A unit of systemd for products, as it is in its file but for the folders."""
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(machine.placed((CONF / "systemd" / name).read_text()).replace("%i", "products"))
    return unit


def test_a_service_runs_a_job(machine):
    service = unit(machine, "sluice@.service")["Service"]
    settings = f"set -a; . {service['EnvironmentFile']}; exec {service['ExecStart']}"
    process = machine.start(f"cd {service['WorkingDirectory']} && {settings}", PATH="/usr/local/bin:/usr/bin:/bin")
    code, printed, _ = finished(process)
    assert (code, "run: nothing new; " in printed.splitlines()[-1]) == (0, True), printed


def test_systemd_accepts_the_units(machine):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    for name in ("sluice@.service", "sluice@.timer"):
        (machine.folder / name).write_text(machine.placed((CONF / "systemd" / name).read_text()))
    units = [str(machine.folder / f"sluice@products.{kind}") for kind in ("service", "timer")]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_logrotate_takes_no_line_from_a_run_that_goes_on(machine):
    if not shutil.which("logrotate"):
        pytest.skip("logrotate is not installed: apt-get install logrotate")
    rules = machine.folder / "rules"
    rules.write_text(machine.placed((CONF / "cron" / "logrotate").read_text()).replace("    su sluice sluice\n", ""))
    rules.chmod(0o600)
    machine.log.write_text("before\n")
    with open(machine.log, "a") as running:
        subprocess.run(["logrotate", "--force", "--state", machine.folder / "state", rules], check=True)
        running.write("after\n")
    assert not machine.log.exists()
    assert (machine.folder / "sluice.log.1").read_text() == "before\nafter\n"
