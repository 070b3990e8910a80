"""The command ``touchline``. Each family of commands is a file of core/commands."""

import click

from core.commands import accounts, administer, mail, metrics, operate, run, sports, squad


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="touchline", prog_name="touchline")
def main() -> None:
    """Touchline: sports performance data, from samples to computed metrics, on your own machine."""


for family in (run, squad, accounts, administer, mail, sports, metrics, operate):
    family.register(main)
