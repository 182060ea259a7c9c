"""What an exit code of msiexec means for a campaign (facts: docs/exit-codes.md; Windows Installer error codes)."""

from __future__ import annotations

from state.words import OutcomeKind

RESTART_CODES = frozenset({1641, 3010})

_MEANING: dict[int, tuple[OutcomeKind, str]] = {
    0: (OutcomeKind.DONE, "success"),
    1601: (OutcomeKind.FAILED, "the Windows Installer service could not be reached"),
    1602: (OutcomeKind.FAILED, "the installation was cancelled on the node"),
    1603: (OutcomeKind.FAILED, "the installer ended with a fatal error; look for “Return value 3” in its log"),
    1604: (OutcomeKind.FAILED, "the installation was suspended"),
    1605: (OutcomeKind.FAILED, "Exchange is not installed on this machine"),
    1618: (OutcomeKind.RETRY_LATER, "another installation is running on the node"),
    1619: (OutcomeKind.FAILED, "the package could not be opened: check the path and whether the file is blocked"),
    1620: (OutcomeKind.FAILED, "the package is not valid: copy it again and compare its hash"),
    1624: (OutcomeKind.FAILED, "a transform could not be applied"),
    1625: (OutcomeKind.FAILED, "system policy forbids this installation"),
    1633: (OutcomeKind.FAILED, "the package is for another processor type"),
    1635: (OutcomeKind.FAILED, "the patch package could not be opened: copy it again and compare its hash"),
    1636: (OutcomeKind.FAILED, "the patch package is not valid: copy it again and compare its hash"),
    1637: (OutcomeKind.FAILED, "the patch needs a newer Windows Installer"),
    1638: (OutcomeKind.FAILED, "another version of the product is installed"),
    1641: (OutcomeKind.NEEDS_RESTART, "success; the installer has begun a restart"),
    1642: (OutcomeKind.FAILED, "the patch does not fit what is installed: wrong service pack, or superseded already"),
    1643: (OutcomeKind.FAILED, "system policy forbids the patch"),
    1646: (OutcomeKind.FAILED, "the patch cannot be removed"),
    1647: (OutcomeKind.FAILED, "the patch is unknown to this product"),
    1648: (OutcomeKind.FAILED, "no valid order for the set of patches was found"),
    3010: (OutcomeKind.NEEDS_RESTART, "success; a restart is needed"),
}


def meaning(code: int) -> tuple[OutcomeKind, str]:
    """The outcome and a sentence for a code; a code nobody listed is a failure, never a success."""
    return _MEANING.get(
        code, (OutcomeKind.FAILED, "no code of success, and none this bot knows; the end of its log says more")
    )
