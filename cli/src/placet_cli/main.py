"""The `placet` command: NOUN VERB."""

import sys

import typer

from .commands import care, notifications, objects, people, requests, runs, stack
from .context import leave, wanted_form
from .errors import USAGE, CommandError

INTERRUPTED = 130

commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Placet keeps directories in step with the systems that know the truth, and changes nothing unapproved.",
)

for verb in (stack.up, stack.down, stack.status, objects.apply, objects.export):
    commands.command()(verb)

for name, noun in (
    ("provider", objects.provider),
    ("query", objects.query),
    ("job", objects.job),
    ("run", runs.run),
    ("request", requests.request),
    ("notification", notifications.notification),
    ("dead-letter", care.dead_letter),
    ("user", people.user),
    ("token", people.token_noun),
    ("audit", care.audit),
):
    commands.add_typer(noun, name=name)


def app() -> None:
    """Runs the command line; ends the process with the interface's exit code."""
    try:
        sys.exit(commands(standalone_mode=False))
    except typer.TyperException as error:
        error.show()  # type: ignore[attr-defined] # every error of usage has it
        leave(CommandError("", USAGE, {"error": str(error) or "wrong usage"}), wanted_form(sys.argv))
    except CommandError as error:
        leave(error, wanted_form(sys.argv))
    except BrokenPipeError:
        sys.exit(0)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    app()
