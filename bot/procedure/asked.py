"""What is asked of which machine only at the moments whose rules rest on it: the survey's kinds, by moment and step.

Everything else is read from every machine at every moment. A kind that was not asked for is Unknown in the facts, so
that a rule judged at a moment missing here blocks instead of passing.
"""

from __future__ import annotations

from state.words import Step, StepKind, When

WRITERS = "writers"  # BACKUP-RUNNING: the state of the shadow copy writers
KINDS = (WRITERS,)

Asked = tuple[tuple[str, str], ...]  # (machine, kind); "" as the machine stands for every one


def wanted(when: When, step: Step | None) -> Asked:
    """What has to be asked at a moment; () where the usual reading is enough."""
    return _before(step) if step is not None and when is When.GATE else ()


def _before(step: Step) -> Asked:
    if step.kind in {StepKind.INSTALL, StepKind.RESTART} and step.role == "node":
        return ((step.target, WRITERS),)
    if step.kind is StepKind.HANDOFF:
        return ((step.target, WRITERS),)
    return ()
