"""The notebooks run from their first cell to their last, and are kept without outputs."""

from __future__ import annotations

import nbformat
import pytest
import sluice
from conftest import HEADER, PROJECT, run_job

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
DELIVERIES = """
key = ["delivery_id"]
[source]
format = "csv"
delimiter = ";"
[columns]
delivery_id = "string"
customer = "string"
weight_kg = "decimal(6,2)"
delivered_at = { type = "timestamp", format = "yyyy-MM-dd HH:mm:ss" }
"""


def cells(name):
    notebook = nbformat.read(PROJECT / "notebooks" / name, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def make_lake(folder):
    """All kinds of records, products by two runs, a reject among them."""
    inputs = {"products": "a.csv", "requests": "a.log", "processes": "snapshots", "scores": "a.txt"}
    for table, name in inputs.items():
        assert run_job("generate", table, "--rows", 200, "--seed", 1, "--output", folder / name).exit_code == 0
        done = run_job("ingest", table, folder / name, "--max-rejects", "5%")
        assert done.exit_code == 0, done.stderr
    first = sluice.lake().read("products", columns="sku").column("sku")[0].as_py()
    (folder / "b.csv").write_text(f"{HEADER}\n{first},Other,\nnew,New,\n,Nameless,\n")
    assert run_job("ingest", "products", folder / "b.csv", "--max-rejects", "50%").exit_code == 0
    assert run_job("aggregate", "requests", "scores").exit_code == 0
    return first


def test_they_are_kept_without_outputs():
    assert [path.name for path in NOTEBOOKS] == ["analyst.ipynb", "own_table.ipynb"]
    for path in NOTEBOOKS:
        for cell in cells(path.name):
            assert (cell.outputs, cell.execution_count) == ([], None), path.name


def test_the_cells_for_analysts_as_plain_code(template, monkeypatch):
    changed = template(make_lake)
    monkeypatch.setenv("MPLBACKEND", "agg")
    found: dict = {}
    for cell in cells("analyst.ipynb"):
        exec(cell.source, found)
    assert found["changes"].set_index("sku")[["change", "name"]].T.to_dict("list") == {
        changed: ["updated", "Other"],
        "new": ["inserted", "New"],
    }
    assert (found["then"].num_rows + 1, found["now"].num_rows) == (found["now"].num_rows, len(found["now"]))
    assert "sku is empty" in set(found["rejects"]["reason"])
    assert (found["daily"]["p50"] <= found["daily"]["p99"]).all()
    assert found["memory"].notna().any(axis=None)


def executed(name, folder, monkeypatch, **replaced):
    """A notebook's code cells after a kernel has run them, those with a tag replaced."""
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(PROJECT / "lib"))
    monkeypatch.setenv("IPYTHONDIR", str(folder))
    for variable in ("SPARK_SUBMIT_OPTS", "SPARK_CONF_DIR"):  # of this process's session
        monkeypatch.delenv(variable)
    notebook = nbformat.read(PROJECT / "notebooks" / name, as_version=4)
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", ()):
            cell.source = replaced.get(tag, cell.source)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell):
    """The kinds of output that a cell shows."""
    return {kind for output in cell.outputs for kind in output.get("data", {"text/plain": ""})}


@pytest.mark.slow
def test_the_one_for_analysts_in_a_kernel(template, tmp_path, monkeypatch):
    template(make_lake)
    done = executed("analyst.ipynb", tmp_path, monkeypatch)
    assert sum("image/png" in shown(cell) for cell in done) == 3
    assert [cell.source for cell in done if not cell.outputs] == []


@pytest.mark.slow
def test_the_one_for_an_own_table_in_a_kernel(tmp_path, monkeypatch):
    by_hand = f"declaration = tables / 'deliveries.toml'\ndeclaration.write_text({DELIVERIES!r})"
    replaced = {} if "def draft(" in (PROJECT / "jobs" / "tables.py").read_text() else {"draft": by_hand}
    done = executed("own_table.ipynb", tmp_path, monkeypatch, **replaced)
    assert "200 read, 200 inserted, 0 rejected" in str(done[3].outputs)
    assert "image/png" in shown(done[5])
    table = str(done[6].outputs)
    assert all(text in table for text in ("updated", "inserted", "000001", "000999", "c9"))
