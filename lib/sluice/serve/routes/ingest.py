"""Uploads: a file, or records in JSON, that a job reads into a table soon after."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sluice.catalog.catalog import Catalog
from sluice.errors import SluiceError, UsageError, closest
from sluice.model.table import Table
from sluice.readers.processes import reader as process_reader
from sluice.serve import items
from sluice.serve.body import RawFile, of_bytes, pieces, whole
from sluice.serve.context import Context, Serving
from sluice.serve.landing import Source
from sluice.serve.multipart import FormFile, NoFile
from sluice.serve.problems import Problem, answers, unfit
from sluice.serve.token import WRITERS
from sluice.serve.upload import Upload

router = APIRouter(tags=["uploads"])
EXAMPLE = "20241015T083000.123456-1a2b3c4d"  # of a run's id
_EXAMPLE_RUN = f"/runs/{EXAMPLE}"
_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary"}},
                "required": ["file"],
            }
        },
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"items": {"type": "array", "minItems": 1, "items": {"type": ["object", "string"]}}},
                "required": ["items"],
            },
            "example": {"items": [{"sku": "1", "name": "Lamp", "description": None}]},
        },
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}


class UploadOptions(BaseModel):
    """How a file is read: options of the job `ingest`, and its name where the request is the file itself."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[_Text | None, Field(description="what the file is called", examples=["products.csv"])] = None
    max_rejects: Annotated[str | None, Field(pattern=r"^[0-9]{1,9}%?$", examples=["5%"])] = None
    on_new_column: Literal["fail", "add", "ignore"] | None = None
    delimiter: _Text | None = None
    quote: _Text | None = None
    encoding: Annotated[_Text | None, Field(examples=["cp1252"])] = None
    timezone: Annotated[_Text | None, Field(examples=["Europe/Berlin"])] = None
    source: _Text | None = None
    host: _Text | None = None
    snapshot_at: Annotated[_Text | None, Field(examples=["2024-09-01T10:00:00Z"])] = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """Those given, as the job takes them."""
        given = self.model_dump(exclude={"name"}, exclude_none=True)
        return tuple(f"--{name.replace('_', '-')}={value}" for name, value in given.items())


class Accepted(BaseModel):
    """An upload that will be read: where to look for what becomes of it."""

    run_id: str
    run: str
    events: str
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"run_id": EXAMPLE, "run": _EXAMPLE_RUN, "events": f"{_EXAMPLE_RUN}/events"}]}
    )


@router.post(
    "/ingest/{table}",
    status_code=202,
    dependencies=WRITERS,
    responses=answers(400, 401, 403, 404, 409),
    openapi_extra={"requestBody": _BODY},
    summary="Upload a file or records",
)
async def ingest(
    table: Annotated[str, Path(examples=["products"])],
    options: Annotated[UploadOptions, Query()],
    request: Request,
    response: Response,
    serving: Serving,
) -> Accepted:
    """Takes a file, as the field `file` of a form or as the whole body, or JSON `{"items": […]}`.

    Once this answers, the upload is on disk and in the queue, and is read even if the server ends.
    """
    found = table_named(serving, table)
    if found.reader is process_reader and options.host is None:
        raise unfit([("host", "say which host the listing is of")])
    source, further = await _source(serving, found, options, request)
    upload = await take(serving, found, source, (*further, *options.arguments))
    return accepted(upload, response)


async def _source(
    serving: Context, table: Table, options: UploadOptions, request: Request
) -> tuple[Source, tuple[str, ...]]:
    """The file of a request, and the options that it needs."""
    settings, kind = serving.settings, request.headers.get("content-type", "")
    media_type = kind.partition(";")[0].strip().lower()
    if media_type == "application/json":
        body = await whole(request)
        file = items.as_file(table, items.parsed(body, settings.max_records))
        return of_bytes(options.name or file.name, file.data), file.options
    body_pieces = pieces(request)
    if media_type == "multipart/form-data":
        try:
            return FormFile(kind, body_pieces), ()
        except NoFile as error:
            raise unfit([("file", str(error))]) from None
    return RawFile(options.name or "upload", body_pieces), ()


def table_named(serving: Context, name: str) -> Table:
    """A table of the catalog. Raises Problem for an unknown name, and for a declaration that is wrong."""
    catalog = Catalog(serving.settings.tables)
    if name not in catalog.names:
        raise Problem(404, f"unknown table {name!r}: {closest(name, catalog.names)}")
    try:
        return catalog.table(name)
    except UsageError as error:
        raise Problem(409, str(error)) from None


async def take(
    serving: Context, table: Table, source: Source, options: tuple[str, ...] = (), *, alone: bool = False
) -> Upload:
    """Takes an upload. Raises Problem where that is not possible."""
    try:
        return await serving.uploads.take(table.name, source, options, alone=alone)
    except NoFile as error:
        raise unfit([("file", str(error))]) from None
    except (SluiceError, OSError) as error:
        raise Problem(503, f"the upload could not be kept: {error}") from None


def accepted(upload: Upload, response: Response) -> Accepted:
    """The answer to an upload that is in the queue."""
    run = f"/runs/{upload.run_id}"
    response.headers["Location"] = run
    response.status_code = 202
    return Accepted(run_id=upload.run_id, run=run, events=f"{run}/events")
