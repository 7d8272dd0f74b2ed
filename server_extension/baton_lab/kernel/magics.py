"""%baton in the notebook: experiments, runs, figures and files without the panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, context_matcher
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class

from baton_contract.errors import PublicError
from baton_lab.kernel.marked import Cells, unfold

if TYPE_CHECKING:
    from argparse import Namespace

    from baton_lab.kernel.completion import Completion

HELP = """%baton in a notebook:

    %baton                            where you are: experiment, run, MLflow, what waits
    %baton experiment NAME            runs go into this experiment; made where there is none
    %%baton run [NAME] [--tag K=V]    this cell is a run: it ends with the cell
    %baton log VALUE… [--as PATH]     log figures, tables, images (by the variable's name),
                                      files or folders (by path) into the run
    %baton autolog [on|off|models|default]
                                      autologging of this notebook; default: as all notebooks do
    %baton trace [RUN|MODEL/VERSION]  the way back of the last run, or of another
    %baton help                       this text

A run ends FINISHED, FAILED (the cell raised) or KILLED (it was interrupted). What is logged
goes into the run that is active, else into the last one of this kernel.
"""


@magics_class
class BatonMagics(Magics):
    """The magics of one kernel."""

    def __init__(self, shell: Any, cells: Cells) -> None:
        super().__init__(shell)
        self._kernel: Any = shell
        self._cells = cells

    @line_cell_magic
    def baton(self, line: str, cell: str | None = None) -> None:
        # IPython shows this text for %baton?; it is set below.
        if cell is not None:
            # Called by another magic: a cell in a cell.
            if not self._kernel.run_cell(f"%baton {line}\n{cell}").success:
                raise UsageError("The cell did not run to its end.")
            return
        with said():
            from baton_lab.kernel.arguments import parse

            asked = parse(line)
            getattr(self, f"_{asked.command}")(asked)

    baton.__doc__ = HELP

    def _help(self, _: Namespace) -> None:
        show(HELP)

    def _experiment(self, asked: Namespace) -> None:
        from baton_lab.fluent import experiment

        show(experiment.choose(asked.name) if asked.name else experiment.describe())

    def _run(self, asked: Namespace) -> None:
        from baton_lab.fluent.run import MarkedRun

        run = MarkedRun(asked.name, asked.tags)
        if not self._cells.at_end(run.end):
            raise UsageError("%baton run has to stand in a cell: the run ends with it.")
        run.start()

    def _log(self, asked: Namespace) -> None:
        from baton_lab.fluent.value import log

        for name in asked.values:
            show(log(name, self._kernel.user_ns, asked.path))

    def _autolog(self, asked: Namespace) -> None:
        try:
            from baton_lab.kernel import autolog
        except ImportError:
            raise UsageError("Autologging can't be set here.") from None
        show(autolog.choose(asked.word) if asked.word else autolog.describe())

    def _status(self, _: Namespace) -> None:
        from baton_lab.kernel.status import describe

        show("\n".join(describe()))

    def _trace(self, asked: Namespace) -> None:
        from baton_lab.kernel.way_back import render

        show(render(asked.target))


@contextmanager
def said() -> Iterator[None]:
    """Turn what goes wrong into one line for the person."""
    try:
        yield
    except UsageError:
        raise
    except PublicError as error:
        raise UsageError(one_line(error.message)) from None
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed in this environment.") from None
    except OSError as error:
        raise UsageError(one_line(str(error))) from None
    except Exception as error:  # noqa: BLE001 - MLflow raises whatever its backend does
        raise UsageError(one_line(str(error) or type(error).__name__)) from None


def one_line(text: str) -> str:
    """Return the first line of what an error says, without control characters."""
    first = next((line for line in text.splitlines() if line.strip()), text)
    return "".join(c if c.isprintable() else "�" for c in first.strip())[:1000]


def show(text: str) -> None:
    """Show text below the cell."""
    print(text)  # noqa: T201 - it is for the person


def watch(shell: Any) -> None:
    """Register the magics and their completion, and have ``%%baton`` cells run at top level."""
    cells = Cells()
    shell.events.register("pre_run_cell", cells.begin)
    shell.events.register("post_run_cell", cells.end)
    shell.input_transformer_manager.line_transforms.insert(0, unfold)
    shell.register_magics(BatonMagics(shell, cells))
    shell.Completer.custom_matchers.insert(0, matcher(shell))


def matcher(shell: Any) -> Callable[[CompletionContext], Any]:
    """Return what IPython asks for completions; it loads `completion` when it is first needed."""
    made: list[Completion] = []

    @context_matcher(identifier="baton")  # type: ignore[untyped-decorator]
    def baton_matcher(context: CompletionContext) -> Any:
        with suppress(Exception):  # A completion that fails is no news to the person.
            if "%baton" in context.text_until_cursor:
                from baton_lab.kernel.completion import Completion

                if not made:
                    made.append(Completion(shell))
                return made[0].complete(context.text_until_cursor)
        return {"completions": []}

    found: Callable[[CompletionContext], Any] = baton_matcher
    return found
