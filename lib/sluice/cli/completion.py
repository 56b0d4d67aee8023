"""What a shell offers for a line: `python -m sluice.cli.completion`, which `conf/completion.bash` calls.

As of Click's own functions, `COMP_WORDS` has the words of the line, the wrapper's name first, and `COMP_CWORD`
says which of them is to be completed.
"""

from __future__ import annotations

import runpy

import click
from click.shell_completion import BashComplete, CompletionItem

from sluice.runtime.home import project


class Jobs(click.Group):
    """All jobs as commands. Only the one that a line names is loaded."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        home = project()
        return sorted(path.stem for path in home.glob("jobs/*.py")) if home else []

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        home = project()
        path = home / "jobs" / f"{cmd_name}.py" if home else None
        return runpy.run_path(str(path))["main"] if path and path.is_file() else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [*self.list_commands(ctx), "--help"]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class Complete(BashComplete):
    cli: Jobs

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words from the job on, without Spark's options before it, and without `=`, at which bash splits words."""
        words, incomplete = super().get_completion_args()
        jobs = self.cli.list_commands(click.Context(self.cli))
        first = next((place for place, word in enumerate(words) if word in jobs), len(words))
        return [word for word in words[first:] if word != "="], incomplete


if __name__ == "__main__":
    print(Complete(Jobs("jobs"), {}, "spark-submit.sh", "").complete())
