"""Input files on S3: what a URI names, and by how few requests it is found."""

from __future__ import annotations

import gzip

import pytest
from conftest import s3_client
from sluice.errors import InputError
from sluice.files import decompressing
from sluice.files.find import find_files
from sluice.files.reading import open_input, with_compression

KEYS = (
    "day/1.csv",
    "day/2.csv",
    "day/_hidden",
    "day/deep/3.csv",
    "day/x[1].csv",
    "day2/4.csv",
    "day2.csv",
    "d+ä =&.csv",
)


@pytest.fixture(scope="module")
def bucket(s3_server):
    s3_client().create_bucket(Bucket="inputs")
    for key in KEYS:
        s3_client().put_object(Bucket="inputs", Key=key, Body=key.encode())


@pytest.mark.parametrize(
    ("key", "expected", "listings"),
    [
        ("day2.csv", ["day2.csv"], ["day2.csv"]),
        ("day/_hidden", ["day/_hidden"], ["day/_hidden"]),
        ("day/x[1].csv", ["day/x[1].csv"], ["day/x[1].csv"]),
        ("d+ä =&.csv", ["d+ä =&.csv"], ["d+ä =&.csv"]),
        ("day", ["day/1.csv", "day/2.csv", "day/deep/3.csv", "day/x[1].csv"], ["day", "day/"]),
        ("day/", ["day/1.csv", "day/2.csv", "day/deep/3.csv", "day/x[1].csv"], ["day/"]),
        ("day/*.csv", ["day/1.csv", "day/2.csv", "day/x[1].csv"], ["day/*.csv", "day/"]),
        ("day?/*.csv", ["day2/4.csv"], ["day?/*.csv", "day"]),
        ("**/[34].csv", ["day/deep/3.csv", "day2/4.csv"], ["**/[34].csv", ""]),
        ("day/9*", [], ["day/9*", "day/9"]),
    ],
)
def test_what_a_uri_names_and_what_is_listed_for_it(bucket, s3, key, expected, listings):
    found = find_files([f"s3://inputs/{key}"])
    assert [file.uri for file in found] == [f"s3a://inputs/{name}" for name in sorted(expected)]
    assert [(request.kind, request.path) for request in s3.requests] == [
        ("LIST", f"inputs/{name}") for name in listings
    ]
    assert [file.size for file in found] == [len(name.encode()) for name in sorted(expected)]


def test_a_bucket_is_listed_page_by_page(bucket, s3):
    s3.fail("LIST", "", page=3, times=9)
    assert len(find_files(["s3://inputs"])) == len(KEYS) - 1
    assert s3.counted() == {"LIST": 3}


@pytest.mark.parametrize("key", ["da", "day3", "day2.csv/", "nothing/"])
def test_a_key_that_names_nothing_is_an_input_error(bucket, s3, key):
    with pytest.raises(InputError, match=f"^s3://inputs/{key}: no such object or folder: check the bucket and key"):
        find_files([f"s3://inputs/{key}"])


def test_a_bomb_is_refused_on_s3_too(bucket, s3, monkeypatch):
    monkeypatch.setattr(decompressing, "_FREE_BYTES", 8 << 20)
    s3_client().put_object(Bucket="inputs", Key="bomb/1.gz", Body=gzip.compress(bytes(10 << 20)))
    [file] = map(with_compression, find_files(["s3://inputs/bomb"]))
    with (
        pytest.raises(InputError, match=r"bomb/1\.gz: decompresses to more than 500 times"),
        open_input(file) as stream,
    ):
        stream.read()
    assert s3.counted()["GET"] == 3  # the first bytes, the file, and ahead of it
