"""The `placet` command: NOUN VERB."""

import sys
from typing import Annotated

import typer

from .commands import care, notifications, objects, people, requests, run_passwords, runs, stack
from .context import leave, wanted_form
from .errors import INTERRUPTED, USAGE, CommandError

commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # loads slowly

        typer.echo(f"placet {version('placet-cli')}")
        raise typer.Exit


@commands.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Placet keeps directories in step with the systems that know the truth, and changes nothing unapproved."""


LOCAL, CATALOGUE, WORK, CARE = "The local stack", "What is kept in step", "What happens", "Who may, and what went wrong"

for panel, verbs in ((LOCAL, (stack.up, stack.down, stack.status)), (CATALOGUE, (objects.apply, objects.export))):
    for verb in verbs:
        commands.command(rich_help_panel=panel)(verb)

runs.run.command("passwords")(run_passwords.passwords)

for panel, name, noun in (
    (CATALOGUE, "provider", objects.provider),
    (CATALOGUE, "query", objects.query),
    (CATALOGUE, "job", objects.job),
    (CATALOGUE, "schedule", objects.schedule),
    (CATALOGUE, "workflow", objects.workflow),
    (WORK, "run", runs.run),
    (WORK, "request", requests.request),
    (WORK, "notification", notifications.notification),
    (CARE, "user", people.user),
    (CARE, "token", people.token_noun),
    (CARE, "dead-letter", care.dead_letter),
    (CARE, "audit", care.audit),
):
    commands.add_typer(noun, name=name, rich_help_panel=panel)


def app() -> None:
    """Runs the command line; ends the process with the interface's exit code."""
    form = wanted_form(sys.argv)
    try:
        sys.exit(commands(standalone_mode=False))
    except typer.TyperException as error:
        error.message = error.message.removeprefix("Value error, ")  # the words of a library below
        error.show()  # type: ignore[attr-defined] # every error of usage has it
        leave(CommandError("", USAGE, {"error": str(error) or "wrong usage"}), form)
    except CommandError as error:
        leave(error, form)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:  # a folder or file of this machine
        leave(CommandError(": ".join(str(part) for part in (error.filename, error.strerror) if part)), form)
    except (KeyboardInterrupt, typer.Abort):
        leave(CommandError("interrupted", INTERRUPTED), form)


if __name__ == "__main__":
    app()
