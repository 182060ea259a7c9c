"""Renders each step's commands from the facts of the moment, with the one quoting function."""

from __future__ import annotations

from bot.procedure.facts import EstateFacts
from state.words import Command, NodeImage, Package, Step


class Unrenderable(Exception):
    """A command that must not or cannot be written: a CMS group by cluster.exe, a name with a quote.

    Attributes: rule, sentence, remedy.
    """

    def __init__(self, rule: str, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.rule = rule
        self.sentence = sentence
        self.remedy = remedy


def commands(
    step: Step,
    facts: EstateFacts,
    package: Package,
    *,
    campaign: str,
    images: tuple[NodeImage, ...] = (),
) -> tuple[Command, ...]:
    """The step's commands in the order they run, from CURRENT facts. Raises Unrenderable.

    An install of a cluster node ends with a resume (`effect` "resume:<node>"): run it only after the AFTER checks
    of the install passed; after a 3010 skip it, it is the last command of the restart step.
    """
    raise NotImplementedError
