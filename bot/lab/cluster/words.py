"""How cluster.exe and Windows say things in the node's language: English, and German for the localised lab node."""

from __future__ import annotations

ENGLISH = {
    "listing_groups": "Listing status for all available resource groups:",
    "listing_group": "Listing status for resource group '{0}':",
    "listing_nodes": "Listing status for all available nodes:",
    "listing_node": "Listing status for node '{0}':",
    "listing_resources": "Listing status for all available resources:",
    "moving": "Moving resource group '{0}'...",
    "onlining": "Bringing resource group '{0}' online...",
    "offlining": "Taking resource group '{0}' offline...",
    "pausing": "Pausing node '{0}'...",
    "resuming": "Resuming node '{0}'...",
    "properties": "Listing properties for '{0}':",
    "system_error": "System error {0} has occurred (0x{0:08x}).",
    "Group": "Group",
    "Node": "Node",
    "Status": "Status",
    "Node ID": "Node ID",
    "Resource": "Resource",
    "Online": "Online",
    "Offline": "Offline",
    "Failed": "Failed",
    "Partially Online": "Partially Online",
    "Pending": "Pending",
    "Online Pending": "Online Pending",
    "Offline Pending": "Offline Pending",
    "Up": "Up",
    "Down": "Down",
    "Paused": "Paused",
    "Joining": "Joining",
}

GERMAN = {
    "listing_groups": "Status aller verfügbaren Ressourcengruppen wird aufgelistet:",
    "listing_group": "Status der Ressourcengruppe '{0}' wird aufgelistet:",
    "listing_nodes": "Status aller verfügbaren Knoten wird aufgelistet:",
    "listing_node": "Status des Knotens '{0}' wird aufgelistet:",
    "listing_resources": "Status aller verfügbaren Ressourcen wird aufgelistet:",
    "moving": "Ressourcengruppe '{0}' wird verschoben...",
    "onlining": "Ressourcengruppe '{0}' wird online geschaltet...",
    "offlining": "Ressourcengruppe '{0}' wird offline geschaltet...",
    "pausing": "Knoten '{0}' wird angehalten...",
    "resuming": "Knoten '{0}' wird fortgesetzt...",
    "properties": "Eigenschaften für '{0}' werden aufgelistet:",
    "system_error": "Systemfehler {0} aufgetreten (0x{0:08x}).",
    "Group": "Gruppe",
    "Node": "Knoten",
    "Status": "Status",
    "Node ID": "Knotenkennung",
    "Resource": "Ressource",
    "Online": "Online",
    "Offline": "Offline",
    "Failed": "Fehlgeschlagen",
    "Partially Online": "Teilweise online",
    "Pending": "Ausstehend",
    "Online Pending": "Online (ausstehend)",
    "Offline Pending": "Offline (ausstehend)",
    "Up": "Aktiv",
    "Down": "Nicht verfügbar",
    "Paused": "Angehalten",
    "Joining": "Wird hinzugefügt",
}

GERMAN_ERRORS = {
    997: "Überlappender E/A-Vorgang wird verarbeitet.",
    1753: "Es sind keine weiteren Endpunkte in der Endpunktzuordnung verfügbar.",
    5007: "Die Clusterressource wurde nicht gefunden.",
    5012: "Die Gruppe ist nicht verfügbar.",
    5013: "Die Clustergruppe wurde nicht gefunden.",
    5042: "Der Clusterknoten wurde nicht gefunden.",
    5050: "Der Clusterknoten ist ausgefallen.",
    5058: "Der Clusterknoten wurde nicht angehalten.",
    5070: "Der Clusterknoten wurde angehalten.",
}


def words(language: str) -> dict[str, str]:
    """The dictionary of a language; English for any that is not there."""
    return GERMAN if language == "de" else ENGLISH
