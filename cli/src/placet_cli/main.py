"""The `placet` command: NOUN VERB."""

import typer

from .commands import care, notifications, objects, people, requests, runs, stack

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

for verb in (stack.up, stack.down, stack.status, objects.apply, objects.export):
    app.command()(verb)

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
    app.add_typer(noun, name=name)


if __name__ == "__main__":
    app()
