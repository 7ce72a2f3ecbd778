"""Defines the one console command, `flamelet`, whose subcommands are imported when they are used.

In: the command line. Out: the exit code of the subcommand. The imports are lazy because aiohttp alone takes a third of
a second to import.
"""

import importlib

try:
    import click
except ImportError:
    raise SystemExit('flamelet: this command needs more packages: pip install "flamelet[tools]"') from None

COMMANDS = {
    "bench": "flamelet_tools.proof.bench.cli:bench",
    "check": "flamelet_tools.release.check:check",
    "deploy": "flamelet_tools.board.deploy:deploy",
    "flash": "flamelet_tools.board.flash:flash",
    "faults": "flamelet_tools.proof.faults.cli:faults",
    "fuzz": "flamelet_tools.proof.fuzz.cli:fuzz",
    "lifetimes": "flamelet_tools.proof.endurance.lifetimes:lifetimes",
    "mint": "flamelet_tools.tokens.mint:mint",
    "monitor": "flamelet_tools.board.monitor:monitor",
    "package": "flamelet_tools.release.package:package",
    "power-cuts": "flamelet_tools.proof.endurance.power_cuts:power_cuts",
    "provision": "flamelet_tools.board.provision:provision",
    "roots": "flamelet_tools.release.roots:roots",
    "run": "flamelet_tools.run.run:run",
    "sim": "flamelet_tools.simulator.cli:sim",
    "size": "flamelet_tools.release.size:size",
    "soak": "flamelet_tools.proof.endurance.soak:soak",
    "year": "flamelet_tools.proof.endurance.year:year",
}


class LazyGroup(click.Group):
    """A click group that imports a subcommand when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        return getattr(importlib.import_module(module), attribute)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="flamelet", prog_name="flamelet", message="%(prog)s %(version)s")
def main() -> None:
    """Use the tools of flamelet, a lightweight IoT client for Firebase, on a computer."""


if __name__ == "__main__":
    main()
