"""Listings of every family into processes: each field, in bytes and seconds; rejects of lines that are not processes."""

from __future__ import annotations

import pytest
from sluice.errors import InputError
from sluice.readers.processes import listing as process_listing
from sluice.readers.processes.row import Process


def parsed(text, encoding="utf-8", data=None):
    return list(process_listing.parse_listing(text.encode() if data is None else data, encoding))


def processes(text, encoding="utf-8", data=None):
    found = parsed(text, encoding, data)
    assert all(isinstance(outcome, Process) for _, outcome, _ in found), found
    return [outcome for _, outcome, _ in found]


def unix(pid, **fields):
    return Process("unix", pid, **fields)


def windows(pid, **fields):
    return Process("windows", pid, **fields)


KIB = 1024


@pytest.mark.parametrize(
    ("listing", "wanted"),
    [
        pytest.param(
            "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n"
            "syslog+      801  0.5 12.3 224344  5504 pts/0    Ssl  Jan05   1:02 /usr/sbin/rsyslogd -n -iNONE\n",
            unix(
                801,
                user="syslog+",
                cpu_percent=0.5,
                memory_percent=12.3,
                virtual_bytes=224344 * KIB,
                resident_bytes=5504 * KIB,
                terminal="pts/0",
                state="Ssl",
                started="Jan05",
                cpu_seconds=62.0,
                command="/usr/sbin/rsyslogd -n -iNONE",
                name="rsyslogd",
            ),
            id="procps aux",
        ),
        pytest.param(
            "UID          PID    PPID  C STIME TTY          TIME CMD\n"
            "root           2       0 99  2023 ?      1-02:03:04 [kworker/0:0-events]\n",
            unix(
                2,
                user="root",
                parent_pid=0,
                started="2023",
                cpu_seconds=93784.0,
                command="[kworker/0:0-events]",
                name="kworker/0:0-events",
            ),
            id="procps -ef: C is no percentage elsewhere",
        ),
        pytest.param(
            "UID          PID    PPID  C    SZ   RSS PSR STIME TTY          TIME CMD\n"
            "www-data    7731     801  0 24115 13812   3 10:02 ?        00:00:07 nginx: worker process\n",
            unix(
                7731,
                user="www-data",
                parent_pid=801,
                resident_bytes=13812 * KIB,
                started="10:02",
                cpu_seconds=7.0,
                command="nginx: worker process",
                name="nginx",
            ),
            id="procps -eF: SZ is pages",
        ),
        pytest.param(
            "F S UID          PID    PPID  C PRI  NI ADDR SZ WCHAN  STIME TTY          TIME CMD\n"
            "4 S root           1       0  0  80   0 - 42174 -      Sep 05 ?        00:00:42 /sbin/init splash\n",
            unix(
                1,
                state="S",
                user="root",
                parent_pid=0,
                started="Sep 05",
                cpu_seconds=42.0,
                command="/sbin/init splash",
                name="init",
            ),
            id="procps -elf, a date of two words",
        ),
        pytest.param(
            "F   UID     PID    PPID PRI  NI    VSZ   RSS WCHAN  STAT TTY        TIME COMMAND\n"
            "0  1000   31222   31000  20   0  11276  5120 do_wai Ss   pts/3      0:00 -bash\n",
            unix(
                31222,
                user="1000",
                parent_pid=31000,
                virtual_bytes=11276 * KIB,
                resident_bytes=5120 * KIB,
                state="Ss",
                terminal="pts/3",
                cpu_seconds=0.0,
                command="-bash",
                name="bash",
            ),
            id="procps alx",
        ),
        pytest.param(
            "    PID TTY      STAT   TIME COMMAND\n   4711 tty1     Ss+    0:00 /sbin/agetty -o -p -- \\u --noclear tty1 linux\n",
            unix(
                4711,
                terminal="tty1",
                state="Ss+",
                cpu_seconds=0.0,
                command="/sbin/agetty -o -p -- \\u --noclear tty1 linux",
                name="agetty",
            ),
            id="procps ax",
        ),
        pytest.param(
            "LABEL                             PID                  STARTED COMMAND         COMMAND\n"
            "system_u:system_r:init_t:s0         1 Fri Jan  5 10:02:03 2024 systemd         /usr/lib/systemd/systemd --system\n",
            unix(1, started="Fri Jan  5 10:02:03 2024", name="systemd", command="/usr/lib/systemd/systemd --system"),
            id="procps -axo label,pid,lstart,comm,args",
        ),
        pytest.param(
            "COMMAND            PID   RSS NLWP     ELAPSED\nWeb Content       9912 91234   28    05:11:32\n",
            unix(9912, name="Web Content", resident_bytes=91234 * KIB, threads=28),
            id="procps: a command with blanks before other columns",
        ),
        pytest.param(
            "PID   USER     VSZ  STAT COMMAND\n    1 root     1.2g S    {entry.sh} /bin/sh /entry.sh\n",
            unix(
                1,
                user="root",
                virtual_bytes=1288490188,
                state="S",
                command="{entry.sh} /bin/sh /entry.sh",
                name="{entry.sh}",
            ),
            id="busybox ps",
        ),
        pytest.param(
            "PID   USER     TIME  COMMAND\n   12 nobody   12h34 httpd -f\n",
            unix(12, user="nobody", cpu_seconds=12 * 3600 + 34 * 60.0, command="httpd -f", name="httpd"),
            id="busybox ps with TIME",
        ),
        pytest.param(
            "PID   VSZ  RSS  COMMAND\n   12 9m   256 sleep 1\n",
            unix(12, virtual_bytes=9 * KIB * KIB, resident_bytes=256 * KIB, command="sleep 1", name="sleep"),
            id="busybox ps -o",
        ),
        pytest.param(
            "USER               PID  %CPU %MEM      VSZ    RSS   TT  STAT STARTED      TIME COMMAND\n"
            "_windowserver      143  12,4  1,0 36134872 170624   ??  Ss   Thu01PM  53:37.60 "
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome --type=gpu\n",
            unix(
                143,
                user="_windowserver",
                cpu_percent=12.4,
                memory_percent=1.0,
                virtual_bytes=36134872 * KIB,
                resident_bytes=170624 * KIB,
                state="Ss",
                started="Thu01PM",
                cpu_seconds=3217.6,
                name="Google Chrome",
                command="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome --type=gpu",
            ),
            id="macOS aux",
        ),
        pytest.param(
            "USER   PID  %CPU %MEM   VSZ   RSS TT  STAT STARTED        TIME COMMAND\n"
            "root    11 784,9  0.0     0   128  -  RNL  5Jan23   9999:12.88 [idle]\n",
            unix(
                11,
                user="root",
                cpu_percent=784.9,
                memory_percent=0.0,
                virtual_bytes=0,
                resident_bytes=128 * KIB,
                state="RNL",
                started="5Jan23",
                cpu_seconds=599952.88,
                name="idle",
                command="[idle]",
            ),
            id="FreeBSD aux",
        ),
        pytest.param(
            "    ZONE     UID   PID  PPID   C    STIME TTY         TIME CMD\n"
            "  global    root   333     1   0   Jan 05 ?           9:59 /usr/lib/inet/inetd start\n",
            unix(
                333,
                user="root",
                parent_pid=1,
                started="Jan 05",
                cpu_seconds=599.0,
                name="inetd",
                command="/usr/lib/inet/inetd start",
            ),
            id="Solaris -efZ",
        ),
        pytest.param(
            "USER       PID %CPU %MEM   SZ  RSS TT       S    START  TIME COMMAND\n"
            "root       555  0.1  0.2 2888 2024 pts/2    O 10:22:01  0:03 ps -aux\n",
            unix(
                555,
                user="root",
                cpu_percent=0.1,
                memory_percent=0.2,
                virtual_bytes=2888 * KIB,
                resident_bytes=2024 * KIB,
                terminal="pts/2",
                state="O",
                started="10:22:01",
                cpu_seconds=3.0,
                name="ps",
                command="ps -aux",
            ),
            id="Solaris /usr/ucb/ps aux: SZ is KiB",
        ),
        pytest.param(
            "     UID     PID    PPID   C    STIME    TTY  TIME CMD\n    root 4194476       1   0                  0:00 <defunct>\n",
            unix(4194476, user="root", parent_pid=1, cpu_seconds=0.0, name="<defunct>", command="<defunct>"),
            id="AIX -ef: a process that has ended",
        ),
        pytest.param(
            "UID PID PPID LWP C NLWP STIME TTY TIME CMD\n"
            "u 7 1 9 0 2 10:00 ? 00:00:09 worker\nu 7 1 7 0 2 10:00 ? 00:00:01 java -jar x\n",
            unix(
                7, user="u", parent_pid=1, threads=2, started="10:00", cpu_seconds=9.0, name="worker", command="worker"
            ),
            id="procps -eLf: a thread before its process",
        ),
    ],
)
def test_unix(listing, wanted):
    assert processes(listing)[0] == wanted


def test_threads_take_name_and_time_from_their_process():
    lines = ["PID LWP NLWP TIME CMD", "7 7 2 00:00:01 java -jar x", "7 9 2 00:00:09 GC thread", "8 8 1 00:00:00 sh"]
    assert [(found.pid, found.name) for found in processes("\n".join(lines))] == [(7, "java"), (7, "java"), (8, "sh")]


TABLE = """
Image Name                     PID Session Name        Session#    Mem Usage
========================= ======== ================ =========== ============
System Idle Process              0 Services                   0          8 K
chrome.exe                    1234 Console                    1    345,678 K
"""
WIDTHS = (25, 8, 16, 11, 15, 15, 50, 12, 8)


def table(*rows):
    """A table as tasklist prints it, a wide character as two places."""
    wide = [[cell + "\0" * sum(c > "\u3000" for c in cell) for cell in row] for row in rows]
    lines = [
        " ".join(
            f"{c:>{w}}" if n in (1, 3, 4) else f"{c:{w}}" for n, (c, w) in enumerate(zip(row, WIDTHS, strict=False))
        )
        for row in wide
    ]
    lines.insert(1, " ".join("=" * width for width, _ in zip(WIDTHS, rows[0], strict=False)))
    return "\r\n" + "\r\n".join(lines).replace("\0", "") + "\r\n"


VERBOSE = table(
    (
        "Abbildname",
        "PID",
        "Sitzungsname",
        "Sitz.-Nr.",
        "Speichernutzung",
        "Status",
        "Benutzername",
        "CPU-Zeit",
        "Fenstertitel",
    ),
    (
        "explorer.exe",
        "4321",
        "Console",
        "1",
        "112.345 K",
        "Wird ausgef\u00fchrt",
        "PC\\Anna M\u00fcller",
        "0:01:15",
        "N/A",
    ),
    ("System", "4", "Services", "0", "N/A", "Unbekannt", "Nicht zutreffend", "N/A", "N/A"),
)


def test_tasklist():
    assert processes(TABLE) == [
        windows(0, name="System Idle Process", terminal="Services", resident_bytes=8 * KIB),
        windows(1234, name="chrome.exe", terminal="Console", resident_bytes=345678 * KIB),
    ]
    assert processes(VERBOSE) == [
        windows(
            4321,
            name="explorer.exe",
            terminal="Console",
            resident_bytes=112345 * KIB,
            state="Wird ausgef\u00fchrt",
            user="PC\\Anna M\u00fcller",
            cpu_seconds=75.0,
        ),
        windows(4, name="System", terminal="Services", state="Unbekannt"),
    ]
    assert processes("", data=VERBOSE.encode("cp850"), encoding="cp850") == processes(VERBOSE)


def test_wide_characters_take_two_places():
    header = ("\u6620\u50cf\u540d", "PID", "\u5de5\u4f5c\u968e\u6bb5", "#", "\u8a18\u61b6\u9ad4")
    text = table(header, ("\u8a08\u7b97\u5668.exe", "77", "Console", "1", "1,024 K"))
    (found,) = processes("", data=text.encode("cp950"), encoding="cp950")
    assert (found.name, found.pid, found.resident_bytes) == ("\u8a08\u7b97\u5668.exe", 77, KIB * KIB)


@pytest.mark.parametrize(
    "used", ["1,234 K", "1.234 Ko", "1\u00a0234 KB", "1\u202f234 \u041a\u0411", "1 234 K", "1234 K", "1'234 K"]
)
def test_memory_of_any_locale(used):
    text = f'"Nom de l\u2019image","PID","Nom de la session","Num\u00e9ro de session","Utilisation"\n"a b.exe","12","Console","1","{used}"\n'
    assert processes(text) == [windows(12, name="a b.exe", terminal="Console", resident_bytes=1234 * KIB)]


def test_tasklist_as_csv_by_position_where_no_name_is_english():
    text = '"\u0418\u043c\u044f","\u0418\u0414","\u0421\u0435\u0441\u0441\u0438\u044f","\u2116","\u041f\u0430\u043c\u044f\u0442\u044c"\n"a.exe","5","Console","0","\u041d/\u0414"\n'
    assert processes(text) == [windows(5, name="a.exe", terminal="Console")]


WMIC = (
    "CommandLine                   KernelModeTime  Name          ParentProcessId  ProcessId  ThreadCount  UserModeTime  VirtualSize    WorkingSetSize  \n"
    "C:\\app\\a.exe --x=1, 2         20000000        a.exe         4                512        11           5000000       2203318222848  14680064        \n"
    "                              0               System Idle   0                0          8            0             8192           8192            \n"
)
WANTED = windows(
    512,
    parent_pid=4,
    name="a.exe",
    command="C:\\app\\a.exe --x=1, 2",
    resident_bytes=14680064,
    virtual_bytes=2203318222848,
    cpu_seconds=2.5,
    threads=11,
)


def test_wmic():
    assert processes("", data=b"\xff\xfe" + WMIC.replace("\n", "\r\r\n").encode("utf-16-le"))[0] == WANTED
    assert [found.pid for found in processes(WMIC)] == [512, 0]


def test_wmic_as_csv_whose_commas_are_not_quoted():
    lines = [
        "",
        "Node,CommandLine,KernelModeTime,Name,ParentProcessId,ProcessId,ThreadCount,UserModeTime,VirtualSize,WorkingSetSize",
        "HOST,C:\\app\\a.exe --x=1, 2,20000000,a.exe,4,512,11,5000000,2203318222848,14680064",
    ]
    assert processes("", data="\r\r\n".join(lines).encode()) == [WANTED]


def test_get_process():
    text = (
        "#TYPE System.Diagnostics.Process\n"
        '"Name","Id","WS","VM","CPU","StartTime","Path","Description","UserName"\n'
        '"svc","640","31457280","4398046511104","12,5","01.09.2024 10:00:00","C:\\s.exe","two\nlines","NT\\SYSTEM"\n'
        '"Idle","0","8192","8192","","","","",""\n'
    )
    assert processes("\ufeff" + text) == [
        windows(
            640,
            name="svc",
            resident_bytes=31457280,
            virtual_bytes=4398046511104,
            cpu_seconds=12.5,
            started="01.09.2024 10:00:00",
            user="NT\\SYSTEM",
        ),
        windows(0, name="Idle", resident_bytes=8192, virtual_bytes=8192),
    ]
    assert processes(text.replace('","', '";"').replace("12,5", "12.5"))[0].cpu_seconds == 12.5


def test_get_cim_instance():
    text = (
        '"ProcessId","Name","CommandLine","ParentProcessId","WorkingSetSize","VirtualSize","KernelModeTime","UserModeTime","ThreadCount","CreationDate"\r\n'
        '"512","a.exe","""C:\\app\\a.exe"" --x","4","14680064","2203318222848","20000000","5000000","11","9/1/2024 10:00:00 AM"\r\n'
    )
    assert processes(text) == [WANTED._replace(command='"C:\\app\\a.exe" --x', started="9/1/2024 10:00:00 AM")]


PS = "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\n"
LINE = "root 1 0.0 0.1 100 50 ? Ss 10:00 0:01 /sbin/init\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r"])
def test_line_ends_and_where_each_record_begins(end):
    text = (f"Warning: a preamble\n\n{PS}{LINE}{LINE.replace(' 1 ', ' 2 ')}").replace("\n", end)
    assert [(at, found.pid) for at, found, _ in parsed(text)] == [(text.index("root"), 1), (text.rindex("root"), 2)]


def test_a_command_line_is_not_a_header():
    odd = ["sort -k a,id,cpu,ws", "ps PID USER COMMAND", "Node,Name,ProcessId", '"a","PID","c","d","e"', "=== ==="]
    lines = [LINE.replace(" 1 ", f" {number} ").replace("/sbin/init", text) for number, text in enumerate(odd, 1)]
    assert [found.command for found in processes(PS + "".join(lines))] == odd


def test_headers_again_and_two_listings_in_one_file():
    both = PS + LINE + PS + LINE.replace(" 1 ", " 2 ") + "\n" + TABLE
    assert [found.pid for found in processes(both)] == [1, 2, 0, 1234]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PS + "root 17 0.0 0.1 10", "does not fit the columns"),
        (PS + "root x 0.0 0.1 100 50 ? Ss 10:00 0:01 a", "does not fit the columns"),
        (PS + "root 1 0.0 0.1 1.5 50 ? Ss 10:00 0:01 a", "is not a size"),
        (PS + "root 99999999999 0.0 0.1 1 50 ? Ss 10:00 0:01 a", "is not a whole number"),
        (TABLE + "chrome.exe       77", "cut short"),
        (
            TABLE + "chrome.exe                    abcd Console                    1    345,678 K",
            "is not a whole number",
        ),
        (TABLE.replace("345,678", "345;678"), "is not a size"),
        (
            WMIC
            + "a                             1               b             1                x          1            1             1              1\n",
            "is not a whole number",
        ),
        ('"Name","Id","WS"\n"a","1"\n', "2 cells instead of 3"),
        ('"Name","Id","WS"\n"a","1","many"\n', "is not a whole number"),
        ('"Name","Id","WS"\n"a","1","5\n', "a quote is not closed"),
        ("Node,Name,ProcessId\nh,a,b,5\n", "4 cells instead of 3"),
    ],
)
def test_lines_that_are_not_processes_are_rejects(text, reason):
    outcome = parsed(text)[-1]
    assert reason in outcome[1]
    assert outcome[2]


def test_bytes_of_another_encoding_are_a_reject_and_not_a_wrong_name():
    data = (PS + LINE).encode() + "root 2 0.0 0.1 100 50 ? Ss 10:00 0:01 caf\u00e9\n".encode("latin-1")
    first, second = parsed("", data=data)
    reason = "bytes that are not utf-8: name the file's --encoding, such as cp850, cp866 or cp932"
    assert (first[1].pid, second[1]) == (1, reason)
    assert second[2].endswith("caf\\xe9")
    assert processes("", data=data, encoding="latin-1")[1].name == "caf\u00e9"


@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF\x02\x01\x01\x00" * 100, b"hello\nworld\n", b"id,name\n1,x\n", "<xml/>".encode("utf-16")]
)
def test_no_header_anywhere(data):
    with pytest.raises(InputError, match="no header of a process listing"):
        parsed("", data=data)
