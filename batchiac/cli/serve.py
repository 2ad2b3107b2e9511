"""`batchiac serve`: the local stack as a server for any AWS client."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from batchiac.errors import UsageError

USAGE = """\
  export AWS_ENDPOINT_URL={address} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
  then any AWS client: aws batch describe-compute-environments, boto3, terraform, batchiac up --stack local
  look at it: {address}/_batchiac/   end it: Ctrl-C"""


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=4566, show_default=True, help="0 finds a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Another than a loopback address needs --expose.")
@click.option("--expose", is_flag=True, help="Let others reach the server: they need no credentials.")
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A name under which the console and the control paths may be asked, such as a container's; repeatable.",
)
@click.option(
    "--clock",
    default=None,
    show_default="auto; real with --executor process",
    help="real; scaled:N (N times as fast); virtual (stands still, POST /_batchiac/clock moves it); auto (a Describe"
    " of something in transition moves it to the next event).",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of ids, times and faults.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps everything across restarts, kill -9 included.",
)
@click.option(
    "--sync",
    type=click.Choice(["second", "always"]),
    default="second",
    show_default=True,
    help="When --data reaches the disk: a power cut loses the last second, or nothing that was answered (slower).",
)
@click.option(
    "--accept-changed-history",
    is_flag=True,
    help="Go on where --data, done again by other versions, leads elsewhere than it did.",
)
@click.option(
    "--executor",
    type=click.Choice(["simulated", "process"]),
    default="simulated",
    show_default=True,
    help="process: the jobs' commands really run on this machine.",
)
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="YAML or JSON: how long things take and how AWS is read, by EngineSettings' names (docs/settings.md).",
)
@click.option("--no-projections", is_flag=True, help="No mirror images in EC2, ECS, logs: for runs at scale.")
@click.option("--max-request-mib", type=int, default=256, show_default=True, help="Larger requests are refused.")
def command(
    port: int,
    host: str,
    expose: bool,
    allowed_hosts: tuple[str, ...],
    clock: str | None,
    seed: int,
    data: Path | None,
    sync: str,
    accept_changed_history: bool,
    executor: str,
    settings_file: Path | None,
    no_projections: bool,
    max_request_mib: int,
) -> None:
    """Run the local stack as a server: every AWS service that moto simulates, and AWS Batch as it really behaves."""
    from batchiac.local.server.run import Settings, make_server
    from batchiac.local.server.settings_file import read_settings

    clock = clock or ("real" if executor == "process" else "auto")
    settings = Settings(
        host=host,
        port=port,
        clock=clock,
        seed=seed,
        data=data,
        sync=sync,
        accept_changed_history=accept_changed_history,
        exposed=expose,
        allowed_hosts=allowed_hosts,
        executor=executor,
        projections=not no_projections,
        max_request_mib=max_request_mib,
        engine={} if settings_file is None else read_settings(settings_file),
    )
    try:
        server = make_server(settings)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("moto", "waitress", "flask", "werkzeug"):
            raise
        raise UsageError(
            f"the local stack needs the extra `local` ({missing.name} is not installed): pip install 'batchiac[local]'"
        ) from missing
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    if server.warning:
        click.echo(server.warning, err=True)
    kept = f", kept in {data}" if data is not None else ""
    click.echo(f"batchiac: local stack at {server.address} (clock {clock}, seed {seed}{kept})")
    click.echo(USAGE.format(address=server.address))
    # The last line, for scripts that wait for it; the server listens already.
    click.echo(f"ready {server.address}")
    sys.stdout.flush()
    try:
        server.run()
    finally:
        server.close()
    click.echo("batchiac: ended")
