"""Commands that drop nothing silently: an option that takes one value is given once."""

from __future__ import annotations

__all__ = ["Command", "Group"]

from collections import Counter

import click


class Command(click.Command):
    """A command that refuses an option that is given again, unless it is made to be repeated.

    Click takes the last of the values and says nothing of the others. A flag without an opposite may be
    repeated: it says the same again.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of a call."""
        if not ctx.resilient_parsing:
            _, _, given = self.make_parser(ctx).parse_args(list(args))
            for param, times in Counter(given).items():
                if times > 1 and isinstance(param, click.Option) and _takes_one(param):
                    many = "twice" if times == 2 else f"{times} times"
                    raise click.UsageError(f"{max(param.opts, key=len)} is given {many}; give one", ctx)
        return super().parse_args(ctx, args)


class Group(click.Group):
    """A group of such commands, and of such groups."""

    command_class = Command
    group_class = type


def _takes_one(option: click.Option) -> bool:
    says_the_same = option.is_flag and not option.secondary_opts
    return not (option.multiple or option.count or says_the_same)
