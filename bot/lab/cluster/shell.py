"""What every Exchange cmdlet needs: whose node it runs on, whether it can reach the directory, how names are found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.lab.cluster import catalogue, software
from bot.lab.cluster.exchange import Cms, Exchange
from bot.lab.cluster.model import FailoverCluster
from bot.lab.cluster.world import World, short
from bot.lab.powershell.values import CmdletError, EnumValue, PSObject
from bot.lab.scenario_words import Server
from bot.lab.windows.machine import Machine, Session

Params = Mapping[str, Any]
FOREST = "lab.example"
NO_DIRECTORY = (
    "Could not find any available Domain Controller. Active directory response: The server is not operational."
)
NOT_INTERACTIVE = "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available."


@dataclass
class StandAlone:
    """A mailbox server outside every cluster."""

    machine: Machine
    roles: tuple[str, ...]
    mailboxes: int
    standby_of: tuple[str, ...] = ()


@dataclass
class Shell:
    """The Exchange Management Shell on one machine."""

    world: World
    exchange: Exchange
    machine: Machine
    cluster: FailoverCluster | None
    stand_alone: dict[str, StandAlone]
    record: Callable[[Session, str], None]
    clusters: list[FailoverCluster] = field(default_factory=list)
    servers: tuple[Server, ...] = ()  # that stand in the directory only

    @property
    def rtm(self) -> bool:
        """Before Service Pack 1."""
        return catalogue.is_rtm(software.base(self.machine))

    def begin(self, session: Session) -> None:
        """What every cmdlet does first: ask the directory who may do this."""
        session.sleep(self.world.timing.cmdlet_s)
        if not session.principal.second_hop:
            raise CmdletError(
                NO_DIRECTORY,
                "NoSuitableDomainController",
                category="NotSpecified",
                exception="Microsoft.Exchange.Data.Directory.NoSuitableServerFoundException",
            )
        if not session.principal.exchange:
            raise CmdletError(
                "Active Directory operation failed. The supplied credential does not have the rights of an "
                "Exchange Server Administrator. INSUFF_ACCESS_RIGHTS",
                "AccessDenied",
                category="PermissionDenied",
            )

    def fqdn(self, name: str) -> str:
        """A machine's full name."""
        return name if "." in name else f"{name}.{FOREST}".lower()

    def cms(self, identity: str) -> Cms:
        """A clustered mailbox server by identity; raises as the cmdlets do."""
        found = self.exchange.find(identity)
        if found is None:
            raise not_found(identity)
        return found

    def cms_here(self) -> list[Cms]:
        """The clustered mailbox servers of this machine's own cluster."""
        return [c for c in self.exchange.cms.values() if c.cluster is self.cluster]

    def need_cluster(self, cms: Cms) -> None:
        """The cluster must be formed and answer."""
        running = [n for n in cms.cluster.nodes if n.up and n.machine.reachable]
        here = next((n for n in cms.cluster.nodes if n.machine is self.machine), None)
        if not running or (here is not None and here.service != "running"):
            raise CmdletError(
                f"Could not connect to the cluster of clustered mailbox server '{cms.name}'. The Cluster "
                "service may not be running. There are no more endpoints available from the endpoint "
                "mapper.",
                "ClusterNotReachable",
                category="ResourceUnavailable",
            )


def not_found(identity: str) -> CmdletError:
    """No such object in the directory."""
    return CmdletError(
        f"The operation could not be performed because object '{identity}' could not be found on domain "
        f"controller 'dc1.{FOREST}'.",
        "ManagementObjectNotFound",
        category="InvalidData",
        exception="Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
    )


def text(value: Any) -> str:
    """A parameter as text: identities may come as objects."""
    if isinstance(value, PSObject):
        identity = value.get("Identity", value.text if value.text is not None else value.get("Name", ""))
        return text(identity) if identity is not value else str(value.text)
    return "" if value is None else str(value)


def named(params: Params, piped: list[Any], name: str = "Identity") -> str:
    """A parameter's value, or what came down the pipeline."""
    value = params.get(name)
    if value is None and piped:
        value = piped[0]
    return text(value)


def mandatory(params: Params, names: Iterable[str]) -> None:
    """Without a console nobody can be asked for a missing parameter."""
    missing = [n for n in names if params.get(n) in {None, ""}]
    if missing:
        raise CmdletError(
            f"Cannot process command because of one or more missing mandatory parameters: {' '.join(missing)}.",
            "MissingMandatoryParameter",
            category="InvalidArgument",
            exception="System.Management.Automation.ParameterBindingException",
        )


def confirm(params: Params) -> None:
    """The cmdlet asks unless -Confirm:$false; without a console asking fails."""
    if params.get("Confirm") is not False:
        raise CmdletError(
            NOT_INTERACTIVE,
            "InvalidOperation",
            category="InvalidOperation",
            exception="System.Management.Automation.PSInvalidOperationException",
        )


def enum(name: str, number: int, kind: str) -> EnumValue:
    """A member of one of Exchange's enumerations."""
    return EnumValue(name, number, f"Microsoft.Exchange.{kind}")


def spell(name: str, params: Params) -> str:
    """A command line equal to what was bound, for the truth log."""
    words = [name]
    for key, value in params.items():
        if value is True:
            words.append(f"-{key}")
        elif value is False:
            words.append(f"-{key}:$false")
        else:
            said = text(value)
            words.append(f"-{key} '{said}'" if " " in said else f"-{key} {said}")
    return " ".join(words)


def same(a: str, b: str) -> bool:
    """Whether two spellings name one machine."""
    return short(a) == short(b)
