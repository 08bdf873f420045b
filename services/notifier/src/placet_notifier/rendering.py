"""From an event to a mail: words from `wording`, layout from `templates`."""

from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import SandboxedEnvironment
from mjml import mjml2html

from placet_shared.events import RunFinished

from .ports import Mail
from .reading import Told
from .wording import Question, Report, question_of, report_of

TEMPLATES = Path(__file__).parent / "templates"


class Renderer:
    """Renders mails. Values are escaped before MJML sees them, which leaves entities as they are."""

    def __init__(self) -> None:
        self._templates = SandboxedEnvironment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(enabled_extensions=("mjml",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def __call__(self, event: Told) -> Mail:
        """The mail that tells of the event."""
        said: Report | Question = report_of(event) if isinstance(event, RunFinished) else question_of(event)
        name = "report" if isinstance(event, RunFinished) else "question"
        text = self._templates.get_template(f"{name}.txt").render(said=said)
        mjml = self._templates.get_template(f"{name}.mjml").render(said=said)
        return Mail(said.subject, text, mjml2html(mjml, fonts={}))
