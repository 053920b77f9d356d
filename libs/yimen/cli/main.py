"""The `yimen` command. Each group of commands has its own module beside this one."""

from __future__ import annotations

import sys

import typer
from yimen.cli import (
    archive,
    care,
    cases,
    compose,
    conferences,
    coverage,
    decide,
    demo,
    disputes,
    emergency,
    feed,
    helm,
    leads,
    monitoring,
    offers,
    operate,
    oversight,
    pay,
    policy,
    queues,
    recovery,
    registry,
    run,
    simulate,
    standing,
    tips,
    trace,
)
from yimen.kernel.errors import Fault

app = typer.Typer(no_args_is_help=True, add_completion=False, help="一门:一个窗口,多个部门。",
                  pretty_exceptions_enable=False)
for module in (demo, simulate, cases, archive, leads, conferences, standing, disputes, oversight, recovery, offers, care,
               coverage, tips, emergency, pay, decide, policy, trace, feed, registry, operate, queues, run, compose, helm,
               monitoring):
    module.register(app)


def main() -> None:
    """Entry point; a Fault becomes its sentence and its exit code."""
    try:
        app()
    except Fault as fault:
        typer.echo(f"{fault.code}: {fault.message}", err=True)
        sys.exit(fault.status.exit)


if __name__ == "__main__":
    main()
