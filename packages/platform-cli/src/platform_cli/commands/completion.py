"""``platform completion``: the script that completes command lines, and the answers to what it asks."""

from contextlib import redirect_stderr, suppress
from io import StringIO

import click
from click.shell_completion import get_completion_class, shell_complete

from platform_cli.commands._base import PlainCommand, say
from platform_cli.commands._completions import VARIABLE


@click.command(
    cls=PlainCommand,
    examples=["platform completion bash"],
)
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the script that completes command lines in a shell.

    \b
    bash: add to ~/.bashrc
      eval "$(platform completion bash)"
    zsh: add to ~/.zshrc, after compinit
      eval "$(platform completion zsh)"
    fish: add to ~/.config/fish/config.fish
      platform completion fish | source

    The shell must find `platform` itself: activate its virtual environment, since `uv run platform` is not
    completed.
    """
    make = get_completion_class(shell)
    if make is None:
        raise click.UsageError(f"{shell} is not supported by this version of click")
    say(make(ctx.find_root().command, {}, "platform", VARIABLE).source())
    return 0


def complete(root: click.Command, instruction: str) -> int:
    """Print the completions that the script of a shell asks for; print nothing where they cannot be found.

    Args:
        root: the command ``platform``.
        instruction: the value of ``VARIABLE``, such as ``bash_complete``.
    """
    with suppress(Exception), redirect_stderr(StringIO()):  # a shell would show errors amid the command line
        return shell_complete(root, {}, "platform", VARIABLE, instruction)
    return 1
