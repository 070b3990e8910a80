"""Operation: settings, health of an installation, migrations, proofs and benchmarks."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from core.config import PREFIX, SETTINGS, Config

from .common import Answer, Found, command, say
from .sports import sync_schemas

ROOT = Path(__file__).parents[2]
MASK = "********"


def register(cli: click.Group) -> None:
    @command(cli, "config", "touchline config --json")
    def config(config: Config) -> Answer:
        """Print every setting, its value and where it came from; secrets are masked."""
        return settings(config)

    @command(cli, "doctor", "touchline doctor")
    def doctor(config: Config) -> Answer:
        """Check this installation; exit status 1 where something is wrong."""
        from core.doctor import examine

        checks = examine(config)
        ok = all(check["ok"] for check in checks)
        answer: Answer = {"ok": ok, "checks": checks}
        if not ok:
            raise Found(answer)
        return answer

    @cli.group("db")
    def db() -> None:
        """The database."""

    @command(db, "upgrade", "touchline db upgrade")
    def upgrade(config: Config) -> Answer:
        """Bring the schema up to date and store the sports' JSON Schemas. Safe to repeat."""
        return upgrade_database(config)

    for name, about in (
        ("bench", "Print ratios: ours against a stated anchor, measured in the same run."),
        ("prove", "Run long proofs at their stated counts; results go to proof/."),
    ):
        _programs(cli, name, about)


def settings(config: Config) -> list[dict[str, Any]]:
    return [
        {
            "name": PREFIX + setting.name,
            "value": _shown(setting.name, getattr(config, setting.name.lower())),
            "origin": config.origin[setting.name.lower()],
        }
        for setting in SETTINGS
    ]


def _shown(name: str, value: object) -> object:
    """Of an URL only the password is secret; who reads this wants to know the host."""
    if name == "SECRET_KEY":
        return MASK if value else ""
    if isinstance(value, str) and "://" in value:
        head, _, rest = value.partition("://")
        login, at, place = rest.rpartition("@")
        if ":" in login:
            return f"{head}://{login.split(':', 1)[0]}:{MASK}{at}{place}"
    return value if isinstance(value, int) else str(value)


def upgrade_database(config: Config) -> dict[str, Any]:
    from core.models import migrate
    from core.models.db import Database

    database = Database(config.database_url)
    try:
        migrate.upgrade(database.engine)
        revision = migrate.current(database.engine)
    finally:
        database.close()
    return {"revision": revision, "schemas": sync_schemas(config)}


def _programs(cli: click.Group, kind: str, about: str) -> None:
    """``bench`` and ``prove``: programs of a checkout, ``benchmarks/<name>.py`` and
    ``benchmarks/prove_<name>.py``.
    """

    @command(cli, kind, f"touchline {kind}", answers=False)
    @click.argument("name", required=False)
    def run(config: Config, name: str | None) -> None:
        found = programs(kind)
        if not found:
            raise click.ClickException(f"no {kind} programs here: they come with a checkout only")
        if name is not None and name not in found:
            raise click.UsageError(f"no {kind} program {name!r}; there are {', '.join(found)}")
        failed = []
        for each in [name] if name else list(found):
            say(f"{kind} {each}")
            done = subprocess.run([sys.executable, "-m", found[each]], cwd=ROOT, check=False)  # noqa: S603 -- our own programs
            if done.returncode:
                failed.append(each)
        if failed:
            raise click.ClickException(f"failed: {', '.join(failed)}")

    run.help = about


def programs(kind: str) -> dict[str, str]:
    """Name → module of every program of one kind. What has no main part is a helper of others."""
    found = {}
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        proof = path.stem.startswith("prove_")
        if proof == (kind == "prove") and 'if __name__ == "__main__"' in path.read_text():
            found[path.stem.removeprefix("prove_")] = f"benchmarks.{path.stem}"
    return found
