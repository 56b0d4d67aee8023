"""Listings in which a column is blank, holds blanks, has another header, or is of another locale; made by hand."""

from __future__ import annotations

import pytest
from sluice.errors import InputError
from sluice.readers.processes.listing import parse_listing, unknown_columns
from sluice.readers.processes.row import Process


def parsed(header, *lines, encoding="utf-8"):
    """The processes, or why others are rejects."""
    text = "\n".join([header, *lines, ""])
    return [outcome for _, outcome, _ in parse_listing(text.encode(encoding, "surrogateescape"), "utf-8")]


def shown(outcome, *fields):
    return tuple(getattr(outcome, name) for name in fields) if isinstance(outcome, Process) else outcome


def test_busybox_states_of_niced_processes():
    found = parsed(
        "  PID USER       VSZ STAT COMMAND",
        "    5 root         0 S <  [kworker/0:0H]",
        "    6 root      1200 S N  /bin/backup -q",
        "    7 root      1200 SW<  [rcu]",
        "    8 root      1200 S    N one",
    )
    assert [shown(each, "state", "name") for each in found] == [
        ("S <", "kworker/0:0H"),
        ("S N", "backup"),
        ("SW<", "rcu"),
        ("S", "N"),
    ]


def test_a_blank_wait_channel():
    found = parsed(
        " F S      UID     PID    PPID   C PRI NI ADDR    SZ    WCHAN    STIME    TTY  TIME CMD",
        "200003 A     root       1       0   0  60 20 9802400   788            Dec 24      -  0:05 /etc/init",
        "240001 A     root 1310978       1   0  60 20 12c4480   620 f1000b02 10:15:02      -  0:44 /usr/sbin/syncd 60",
    )
    assert [shown(each, "pid", "started", "name") for each in found] == [
        (1, "Dec 24", "init"),
        (1310978, "10:15:02", "syncd"),
    ]
    found = parsed(
        "       F S      UID     PID    PPID   C PRI NI ADDR    SZ    WCHAN    STIME    TTY  TIME CMD",
        "  200003 A     root       1       0   0  60 20 9802400   788           10:15:02      -  0:05 /etc/init ",
    )
    assert [shown(each, "pid", "started", "name") for each in found] == [(1, "10:15:02", "init")]
    found = parsed(
        " F S    UID   PID  PPID   C PRI NI     ADDR     SZ    WCHAN TTY         TIME CMD",
        " 0 S      0     1     0   0  40 20        ?    605        ? ?           0:00 init",
        " 1 S      0     5     0   0   0 SY        ?      0          ?           0:01 zpool-rp",
    )
    assert [shown(each, "pid", "cpu_seconds", "name") for each in found] == [(1, 0.0, "init"), (5, 1.0, "zpool-rp")]


@pytest.mark.parametrize(
    "started",
    [
        "월 12/29 11:42:40 2025",
        "Mon 29 Dec 11:42:40 2025",
        "Mon Dec 29 11:42:40 2025",
        "Mi  2 Okt 05:10:46 2024",
        "Mer  2 oct 05:10:46 2024",
        "水 10月  2 05:10:46 2024",
    ],
)
def test_starts_in_any_locale(started):
    found = parsed("    PID                  STARTED %CPU COMMAND", f"      7 {started:>24}  1.5 /bin/sh -c x 2024")
    assert [shown(each, "pid", "started", "cpu_percent", "command") for each in found] == [
        (7, started, 1.5, "/bin/sh -c x 2024")
    ]


def test_a_name_that_other_columns_follow():
    found = parsed(
        "    PID CMD                  ELAPSED %CPU USER",
        "1089461 sshd: someone          13307  0.0 root",
        "1089462 bash                   13308  1.5 ann",
    )
    assert [shown(each, "name", "cpu_percent", "user") for each in found] == [
        ("sshd: someone", 0.0, "root"),
        ("bash", 1.5, "ann"),
    ]
    found = parsed(
        "    PID COMMAND         COMMAND",
        "   1001 tmux: server    tmux new -s a",
        "   1002 bash            -bash",
        "   1003 a b c a name that is too long x y",
    )
    assert [shown(each, "name", "command") for each in found] == [
        ("tmux: server", "tmux new -s a"),
        ("bash", "-bash"),
        "where the name of the process ends cannot be told",
    ]
    found = parsed(
        "    PID COMMAND         PSR CGROUP",
        "   1001 tmux: server      3 0::/user.slice a",
        "   1002 bash              1 0::/",
    )
    assert [shown(each, "name") for each in found] == [("tmux: server",), ("bash",)]


@pytest.mark.parametrize("tree", [r" \_ ", r" |   \_ ", r"     \_ ", "|-- ", "`-- ", "| `-- ", "|   |-- "])
def test_branches_are_no_names(tree):
    (found,) = parsed("  PID TTY      STAT   TIME COMMAND", f"    7 ?        Ss     0:00 {tree}/usr/sbin/nginx -g x")
    assert shown(found, "name", "command") == ("nginx", "/usr/sbin/nginx -g x")


@pytest.mark.parametrize("line", ["a | b", r"a \_ b", "--x"])
def test_marks_within_a_command_stay(line):
    (found,) = parsed("  PID TTY      STAT   TIME COMMAND", f"    7 ?        Ss     0:00 {line}")
    assert found.command == line


def test_other_headers_of_names():
    assert parsed("  PID TTY    TIME COMD", "    7 ?      0:01 /bin/x y")[0].name == "x"
    assert (
        parsed("USER  PID  PPID   VSZ  RSS S NAME", "shell 7 1 10 10 S com.example:main")[0].name == "com.example:main"
    )
    with pytest.raises(InputError, match=r"no column of its header 'PID TTY TIME' names the processes"):
        parsed("PID TTY TIME", "7 ? 0:01")


def test_times_of_the_system_on_macos_are_no_starts():
    (found,) = parsed("USER PID TT %CPU STAT PRI STIME UTIME COMMAND", "ann 7 ?? 0.5 S 31T 0:00.10 0:00.35 /sbin/x")
    assert shown(found, "started", "name") == (None, "x")


WMIC = "Node,CommandLine,CreationDate,ExecutablePath,Name,ProcessId"
CREATED = "20240901100000.123456+120"


@pytest.mark.parametrize(
    ("command", "created", "path", "wanted"),
    [
        ("x.exe a", CREATED, r"C:\x.exe", True),
        ("x.exe a,b,c", CREATED, r"C:\x.exe", True),
        ("x.exe a,b", CREATED, r"C:\a,b\x.exe", True),
        ("x.exe", CREATED, r"C:\a,b,c\x.exe", True),
        (f"x.exe {CREATED},y", CREATED, r"C:\a,b\x.exe", True),
        (f"x.exe,{CREATED}", CREATED, r"C:\a,b\x.exe", "commas within columns: where CreationDate is cannot be told"),
        ("x.exe a,b", "", r"C:\a,b\x.exe", "commas within columns: where CreationDate is cannot be told"),
    ],
)
def test_commas_in_two_columns_of_wmic(command, created, path, wanted):
    (found,) = parsed(WMIC, f"h,{command},{created},{path},x.exe,7")
    fields = ("command", "started", "name", "pid")
    assert shown(found, *fields) == ((command, found.started, "x.exe", 7) if wanted is True else wanted)
    if wanted is True:
        assert "2024-09-01" in found.started or found.started == created


def test_without_a_creation_date_commas_cannot_be_told():
    header = WMIC.replace("CreationDate,", "")
    assert parsed(header, r"h,x a,b,C:\x,x.exe,7") == ["commas within columns: which of them has them cannot be told"]
    assert parsed(header, r"h,x a,C:\x,x.exe,7")[0].command == "x a"


@pytest.mark.parametrize("mark", [";", ":", "|", "\t"])
def test_csv_of_powershell_with_other_delimiters(mark):
    line = mark.join(['"x"', '"7"', '"1048576"'])
    (found,) = parsed(mark.join(['"ProcessName"', '"Id"', '"WS"']), line)
    assert shown(found, "name", "pid", "resident_bytes") == ("x", 7, 1048576)


def test_bytes_of_another_encoding_are_named_before_what_they_look_like():
    header = '"Image Name","PID","Session Name","Session#","Mem Usage"'
    (found,) = parsed(header, '"x.exe","7","Console","1","8 \udc8a\udc81"')
    assert found == "bytes that are not utf-8: name the file's --encoding, such as cp850, cp866 or cp932"


SERVICES = """
Image Name                     PID Services
========================= ======== ============================================
System Idle Process              0 N/A
svchost.exe                    900 BrokerInfrastructure, DcomLaunch, PlugPlay,
                                   Power, SystemEventsBroker
lsass.exe                      x88 KeyIso
"""


def test_tasklist_with_services_or_modules():
    found = parsed(*SERVICES.splitlines())
    assert [shown(each, "pid", "name", "resident_bytes") for each in found[:2]] == [
        (0, "System Idle Process", None),
        (900, "svchost.exe", None),
    ]
    assert found[2:] == ["the process id 'x88' is not a whole number"]
    (found,) = parsed('"Image Name","PID","Modules"', '"a b.exe","12","ntdll.dll,KERNEL32.DLL"')
    assert shown(found, "pid", "name") == (12, "a b.exe")
    with pytest.raises(InputError, match="no header"):
        parsed('"town","12","people"', '"Köln","12","many"')


@pytest.mark.parametrize(
    "line",
    [
        "chrome.exe                    1234 Console                    1    345,678 K",
        "System Idle Process              0 Services                   0          8 K",
        '"a b.exe","12","Console","1","1.234 Ko"',
    ],
)
def test_tasklist_without_its_header_is_refused_by_name(line):
    with pytest.raises(InputError, match="it looks like the output of tasklist /nh"):
        parsed("", line, line)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("now\nPID NI COMMAND CGROUP\n1 0 init /\nPID NI PRI COMMAND\n", ("NI", "CGROUP")),
        ("PID LWP COMMAND\n", ()),
        (SERVICES, ("services or modules",)),
        ('"Id","Name","WS","Handles"\n', ("handles",)),
        ("Node,CommandLine,Name,PageFaults,ProcessId\n", ("pagefaults",)),
        ("Name  PageFaults  ProcessId\n", ("pagefaults",)),
        ("nothing\n", ()),
    ],
)
def test_columns_that_are_not_stored(text, names):
    assert unknown_columns(text.encode(), "utf-8") == names


def test_a_line_of_absurd_length_is_a_reject():
    line = b"2 root 0.5 1 " + b"x" * (1 << 20)
    listing = b"PID USER %CPU RSS COMMAND\n" + line + b"\n3 root 0.5 1 sh\n"
    (first, why, raw), (_, process, _) = parse_listing(listing, "utf-8")
    assert (first, why, raw) == (26, "the line is longer than 1048576 characters", line[: 64 << 10].decode())
    assert process.pid == 3
