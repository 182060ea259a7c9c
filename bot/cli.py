"""rollup-bot: run, worker, lab, doctor, export, verify. Exit codes: 0 done, 1 broken, 2 usage or settings, 3 stopped, 130."""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from click.core import ParameterSource

EXIT_BROKEN, EXIT_USAGE, EXIT_STOPPED, EXIT_INTERRUPTED = 1, 2, 3, 130

PORT = click.IntRange(0, 65535)
SPEED = click.FloatRange(0.01, 1000)  # slower is no practice, faster than the machines can be simulated

_config = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    default=Path("rollup.toml"),
    show_default=True,
    help="The settings file.",
)


def main() -> None:
    """The console script: plain sentences on stderr, never a traceback for what people can mend."""
    from bot.settings import SettingsError

    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = EXIT_INTERRUPTED
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except click.ClickException as err:
        err.show()
        code = EXIT_USAGE
    except SettingsError as err:
        click.echo(f"rollup-bot: {err}", err=True)
        code = EXIT_USAGE
    except Exception as err:
        from state.errors import StateError, WrongRealm

        if not isinstance(err, StateError) or os.environ.get("ROLLUP_DEBUG"):
            raise
        click.echo(f"rollup-bot: {err}", err=True)
        code = EXIT_USAGE if isinstance(err, WrongRealm) else EXIT_BROKEN
    sys.stdout.flush()
    sys.exit(code if isinstance(code, int) else 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rollup-bot", message="%(prog)s %(version)s")
def cli() -> None:
    """Exchange 2007 update rollups across clustered mailbox servers, in Slack, with two people at every step."""


def _log(level: int = logging.INFO) -> None:
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("slack_bolt", "slack_sdk", "urllib3", "dramatiq"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@cli.command()
@_config
@click.option("--no-worker", is_flag=True, help="Only listen to Slack; workers run elsewhere.")
@click.option("--leash", is_flag=True, hidden=True, help="End when standard input ends: the practice range is gone.")
def run(config: Path, no_worker: bool, leash: bool) -> int:
    """Run the bot."""
    from bot.app import run as run_bot
    from bot.settings import load, secrets

    _log()
    return run_bot(config, load(config), secrets(), worker=not no_worker, leash=leash)


@cli.command()
@_config
def worker(config: Path) -> int:
    """Run one more worker on the same Redis."""
    from bot.app import run as run_bot
    from bot.settings import load, secrets

    _log()
    return run_bot(config, load(config), secrets(), worker=True, slack=True)


@cli.command(short_help="Ask whether a campaign could run now.")
@_config
def doctor(config: Path) -> int:
    """Look at settings, Redis, Slack and every machine: one line each, and what to do. Changes nothing.

    Exits 0 when nothing failed, else 1.
    """
    from bot.doctor.findings import Level
    from bot.doctor.visit import visit

    _log(logging.ERROR)
    failed = False
    for finding in visit(config):
        failed |= finding.level is Level.FAIL
        click.echo(str(finding))
    return EXIT_BROKEN if failed else 0


@cli.command(short_help="Write a campaign's transcript.")
@click.argument("campaign")
@_config
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write here instead of standard output.")
def export(campaign: str, config: Path, output: Path | None) -> int:
    """Write a campaign's transcript."""
    from bot.app import open_store
    from bot.settings import load, secrets
    from state.errors import UnknownCampaign

    url, embedded = open_store(load(config))
    try:
        raw = _transcript(url, campaign, secrets().redis_password)
    except UnknownCampaign:
        raise click.ClickException(f"there is no campaign {campaign}; /rollup history shows their names") from None
    finally:
        if embedded is not None and not embedded.adopted:
            embedded.stop()  # started only to be read: nobody would stop it afterwards
    if output is None:
        sys.stdout.buffer.write(raw)
        return 0
    try:
        output.write_bytes(raw)
    except OSError as err:
        raise click.ClickException(f"{output} cannot be written: {err.strerror}") from None
    return 0


@cli.command(short_help="Check a transcript, without Redis or Slack.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--head", help="The last hash the file must have, from a closing line in Slack (any length of prefix ≥ 8)."
)
@click.option("--key", type=click.Path(path_type=Path), help="The signing key's file: gates and intents must carry it.")
def verify(file: Path, head: str | None, key: Path | None) -> int:
    """Check a transcript: every byte of it, its chain, and the order of the document. Needs neither Redis nor Slack."""
    from bot.procedure.order import check_events
    from state.audit import key_file, read_transcript
    from state.errors import KeyFileRefused, TranscriptRefused
    from state.replay import unsigned, untaken

    try:
        secret = key_file(key, make=False) if key is not None else None
    except KeyFileRefused as err:
        raise click.ClickException(str(err)) from None
    try:
        raw = file.read_bytes()
    except OSError as err:
        raise click.ClickException(f"{file} cannot be read: {err.strerror}") from None
    try:
        header, events, footer = read_transcript(raw)
    except TranscriptRefused as err:
        click.echo(f"{file}: not a whole transcript: {err}", err=True)
        return EXIT_BROKEN
    if head is not None and (len(head) < 8 or not footer.head.startswith(head.casefold())):
        click.echo(f"{file}: its head is {footer.head}, not {head}", err=True)
        return EXIT_BROKEN
    if (odd := untaken(events)) is not None:
        click.echo(f"{file}: event {odd[0]}: RECORD-WHOLE: {odd[1]}.", err=True)
    foreign = unsigned(events, secret) if secret is not None else ()
    for version in foreign:
        click.echo(f"{file}: event {version}: RECORD-WHOLE: it does not carry the signature of that key.", err=True)
    violations = check_events(tuple(events))
    for violation in violations:
        click.echo(f"{file}: event {violation.version}: {violation.rule}: {violation.sentence}", err=True)
    if violations or foreign or odd is not None:
        return EXIT_BROKEN
    click.echo(
        f"{header.campaign}: {footer.events} events, unbroken, in the order the document asks for; head {footer.head}"
    )
    return 0


@cli.group(invoke_without_command=True, short_help="The practice range.")
@click.option("--scenario", default="ccr", show_default=True, help="A scenario's name, or a file.")
@click.option("--port", type=PORT, default=8765, show_default=True, help="Where the page is served.")
@click.option("--play", is_flag=True, help="Let played people carry the campaign to its end; the thread is printed.")
@click.option("--speed", type=SPEED, help="Lab seconds in one second. [default: 10; with --play 120]")
@click.option("--transcript", type=click.Path(path_type=Path), help="With --play: write the transcript here.")
@click.option("--truth", type=click.Path(path_type=Path), help="Write what really happened here, a JSON object a line.")
@click.pass_context
def lab(
    context: click.Context,
    scenario: str,
    port: int,
    play: bool,
    speed: float | None,
    transcript: Path | None,
    truth: Path | None,
) -> int:
    """The practice range: simulated machines and a Slack to practise in, with the production bot between them."""
    if context.invoked_subcommand is not None:
        if any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in context.params):
            raise click.UsageError(f"Options of '{context.invoked_subcommand}' are given after its name.")
        return 0
    if transcript is not None and not play:
        raise click.UsageError("--transcript is for --play.")
    if play:
        return _play(scenario, speed or 120.0, transcript, truth)
    return _demo(scenario, port, speed or 10.0, truth)


_scenario = click.option("--scenario", default="ccr", show_default=True, help="A scenario's name, or a file.")
_speed = click.option("--speed", type=SPEED, help="Lab seconds in one second. [default: as --config says, else 1]")
_truth = click.option("--truth", type=click.Path(path_type=Path), help="Write what really happened here.")
_write = click.option("--config", type=click.Path(path_type=Path), help="Write (or merge into) a matching rollup.toml.")


@lab.command(short_help="Serve its machines alone.")
@_scenario
@click.option("--port", type=PORT, default=0, help="Machine i is served on port + i; 0 takes any free ones.")
@_speed
@_truth
@_write
def estate(scenario: str, port: int, speed: float | None, truth: Path | None, config: Path | None) -> int:
    """Serve a scenario's machines over WS-Management; one JSON line says where and with which account."""
    from bot.lab import alone

    with _lab_errors():
        return alone.estate(scenario, port=port, speed=speed, truth=truth, config=config, say=click.echo)


@lab.command(short_help="Serve its Slack alone.")
@_scenario
@click.option("--port", type=PORT, default=0, help="Where page and Web API are served; 0 takes any free one.")
@_speed
@_truth
@_write
def workspace(scenario: str, port: int, speed: float | None, truth: Path | None, config: Path | None) -> int:
    """Serve the practice workspace: page, Web API and Socket Mode; one JSON line says where and with which tokens."""
    from bot.lab import alone

    with _lab_errors():
        return alone.workspace(scenario, port=port, speed=speed, truth=truth, config=config, say=click.echo)


@contextmanager
def _lab_errors() -> Iterator[None]:
    """Say in one sentence what keeps a practice range from starting."""
    from bot.lab.alone import ConfigError
    from bot.lab.scenario import ScenarioError

    try:
        yield
    except (ScenarioError, ConfigError) as err:
        raise click.ClickException(str(err)) from None
    except OverflowError:
        raise click.ClickException(
            "there are not enough ports above that one; choose a lower one with --port"
        ) from None
    except OSError as err:
        if err.errno == errno.EADDRINUSE:
            taken = re.search(r"127\.0\.0\.1', (\d+)", str(err))
            which = f"port {taken[1]}" if taken else "the port"
            raise click.ClickException(f"{which} is taken by another program; choose another with --port") from None
        if err.errno == errno.EACCES and not err.filename:
            raise click.ClickException("this user may not open that port; choose one above 1023 with --port") from None
        if err.filename:
            raise click.ClickException(f"{err.filename}: {err.strerror}") from None
        raise


@contextmanager
def _lab_folder() -> Iterator[tuple[Path, str]]:
    """A folder and a Redis of the range's own; both are gone afterwards."""
    from state.server import EmbeddedServer

    with tempfile.TemporaryDirectory(prefix="rollup-lab-") as name:
        server = EmbeddedServer(Path(name) / "redis")
        server.start()
        server.watch()
        try:
            yield Path(name), server.url
        finally:
            server.stop()


def _play(name: str, speed: float, transcript: Path | None, truth: Path | None) -> int:
    """Played people carry one campaign to its end; the thread is printed as it grows."""
    from bot.lab.play import play
    from bot.lab.scenario import load
    from bot.lab.scenario_names import leaves
    from bot.lab.session import PracticeSession

    signal.signal(signal.SIGTERM, _interrupt)  # the default would leave the bot and its Redis behind
    with _lab_errors():
        scenario = load(name)
        with _lab_folder() as (folder, url):
            session = PracticeSession(scenario, folder=folder, redis_url=url, speed=speed, truth=truth, paced=True)
            session.start(0)
            try:
                result = play(session, say=click.echo)
                if transcript is not None and result.campaign:
                    transcript.write_bytes(_transcript(url, result.campaign))
            finally:
                session.stop()
            if result.unexpected or os.environ.get("ROLLUP_LAB_LOG"):
                click.echo((folder / "bot.log").read_text(encoding="utf-8", errors="replace")[-6000:], err=True)
    for line in result.unexpected:
        click.echo(f"not as the scenario expects: {line}", err=True)
    return EXIT_BROKEN if result.unexpected or result.ending is None else leaves(result.ending.outcome)


def _interrupt(_number: int, _frame: object) -> None:
    """SIGTERM ends a play as Ctrl-C does: everything that was started is ended with it."""
    raise KeyboardInterrupt


def _transcript(url: str, campaign: str, password: str = "") -> bytes:
    from bot.version import BOT
    from state.connect import connect
    from state.store import Store

    return Store(connect(url, password=password), bot=BOT).export(campaign)


def _demo(name: str, port: int, speed: float, truth: Path | None) -> int:
    """The range for people: the page's address, three lines to try, until interrupted."""
    from bot.lab.demo import demo

    with _lab_errors():
        return demo(name, port=port, speed=speed, truth=truth, folders=_lab_folder, say=click.echo)


if __name__ == "__main__":
    main()
