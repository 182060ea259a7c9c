"""Commands a human can copy when mail is down or the bot is gone; shown in status, abort and pause. Pure.

Sources: cluster.exe and Exchange 2007 cmdlets as in the document and `docs/` (Start-ClusteredMailboxServer,
Mount-Database, `cluster node /resume`). The bot itself never runs these outside a gate.
"""

from __future__ import annotations

from handlers.blocks import code, esc
from handlers.stands import FINAL
from state.words import Campaign, Job, JobKind, JobState, State, StepKind


def _ps(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def outage_commands(campaign: Campaign) -> tuple[tuple[str, str], ...]:
    """(purpose, command) pairs that end an outage by hand, for this campaign's cluster, in the order to try them."""
    found: list[tuple[str, str]] = []
    job = campaign.open_job
    busy = job.order.command.node.casefold() if job is not None else ""
    for node in campaign.paused_nodes:
        # A node on which files are being replaced takes mail only to lose it again.
        first = ", once the job there has ended" if node.casefold() == busy else ""
        found.append((f"let {node} take groups again{first}", f"cluster.exe node {node} /resume"))
    for cms in campaign.plan.cms if campaign.plan else ():
        found.append((f"see whether {cms} is up, and where", f"Get-ClusteredMailboxServerStatus -Identity {_ps(cms)}"))
        found.append((f"bring {cms} online", f"Start-ClusteredMailboxServer -Identity {_ps(cms)}"))
        kinds = (f"@(Get-{kind}Database -Server {_ps(cms)} -Status)" for kind in ("Mailbox", "PublicFolder"))
        mount = f"{' + '.join(kinds)} | where {{ -not $_.Mounted }} | Mount-Database"
        found.append((f"mount what is dismounted on {cms}", mount))
    return tuple(found)


def state_of_the_cluster(campaign: Campaign) -> tuple[str, ...]:
    """What has been changed and what runs, as lines of mrkdwn: the answer to pause and abort."""
    lines: list[str] = []
    job = campaign.open_job
    if job is not None:
        lines.append(
            f"Running on {esc(job.order.command.node)}: {esc(job.order.command.purpose)} (job {code(job.order.name)})."
            " It is not ended by this and will finish by itself; do not kill it."
        )
    if campaign.paused_nodes:
        nodes = ", ".join(esc(node) for node in campaign.paused_nodes)
        lines.append(f"Still Paused by us: {nodes}. While that is so, a failure of the other node is an outage.")
    done = [o for o in campaign.outcomes if o.kind.value in {"done", "needs_restart"}]
    plan = campaign.plan
    if plan is not None and done:
        titles = {step.id: step.title for step in plan.steps}
        lines.append("Done so far: " + "; ".join(esc(titles.get(o.step, o.step)) for o in done) + ".")
        left = plan.steps[campaign.step_index :]
        if left and campaign.state is not State.DONE:
            lines.append("Not done: " + "; ".join(esc(step.title) for step in left) + ".")
    lines += [
        f"Ran in a step that was not finished: {esc(one.order.command.purpose)} on {esc(one.order.command.node)} "
        + (f"(exit code {one.exit_code})." if one.exit_code is not None else "(it was cut off).")
        for one in campaign.jobs
        if one.state in {JobState.ENDED, JobState.CUT_OFF}
    ]
    well = {o.step for o in done}
    tried = {o.step: o for o in campaign.outcomes if o.kind.value in {"failed", "cut_off"} and o.step not in well}
    lines += [f"Tried, and not done: {esc(one.sentence)}" for one in tried.values()]
    if not lines:
        lines.append("Nothing on the cluster has been changed by this campaign.")
    elif not job and not campaign.paused_nodes:
        lines.append("Nothing runs and no node is Paused by us.")
    return tuple(lines)


def resume_hint(campaign: Campaign) -> tuple[tuple[str, str], ...]:
    """What a human should run now, after an abort or while paused: only what is really owed."""
    return tuple(
        (f"let {node} take groups again", f"cluster.exe node {node} /resume") for node in campaign.paused_nodes
    )


JOB_ROOT = "C:\\rollup-bot\\jobs"  # where [winrm] job_root says nothing else


def where_to_look(campaign: Campaign, job_root: str = JOB_ROOT) -> tuple[str, ...]:
    """The open job's folder, task and log, in case the bot is dead."""
    job = campaign.open_job
    if job is None:
        if campaign.state in FINAL or not campaign.known_jobs:
            return ()
        name = campaign.known_jobs[-1][0]
        return (f"Last job's folder: {code(f'{job_root}' + chr(92) + name)}",)
    folder = f"{job_root}\\{job.order.name}"
    lines = [
        f"Job folder on {esc(job.order.command.node)}: {code(folder)} (`rc` holds the exit code, `log` the output)"
    ]
    if job.order.command.kind is not JobKind.SHELL:
        lines.append(f"Scheduled task: {task_of(job)}")
    return tuple(lines)


def task_of(job: Job) -> str:
    """The scheduled task that runs a job, as mrkdwn (bot/estate/scripts/start.ps1 names it)."""
    if job.order.command.kind is JobKind.TASK:
        return code(f"rollup-bot-{job.order.name}")
    return "the runner task" if job.order.command.kind is JobKind.RUNNER else "none, it runs in the WinRM shell"


def is_handoff(campaign: Campaign) -> bool:
    """Whether the step in hand moves a CMS: mail is expected to be away for a while."""
    return campaign.step is not None and campaign.step.kind is StepKind.HANDOFF
