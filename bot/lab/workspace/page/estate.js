// The panel beside the chat: what the simulated machines really are and do. The shape stands in docs/lab.md.

import { html } from "./vendor/preact-htm.js";
import { data } from "./store.js";
import { clockTimeWithSeconds } from "./mrkdwn.js";
import { useTick } from "./message.js";

const LOG_MOST = 60;
let before = null;
let log = [];

export const clusterNames = () => (data.estate?.clusters || []).map((each) => each.name);
export const packageNames = () => data.controls.packages || [];

const machines = (estate) => [...estate.clusters.flatMap((c) => c.nodes), ...estate.machines];
const number = (level) => level.split(".").reduce((sum, part) => sum * 10000 + Number(part), 0);
const newest = (estate) => Math.max(...machines(estate).map((m) => number(m.level)));
const oldest = (estate) => Math.min(...machines(estate).map((m) => number(m.level)));

export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} min`;
}

// --- what changed since the last look --------------------------------------------------------

function byName(list) { return new Map(list.map((each) => [each.name, each])); }

function differences(old, now) {
  const out = [];
  const was = byName(machines(old));
  for (const m of machines(now)) {
    const w = was.get(m.name);
    if (!w) continue;
    if (m.level !== w.level) out.push(["good", `${m.name} is at ${m.level} now`]);
    if (m.state && m.state !== w.state) out.push([m.state === "Down" ? "bad" : "plain", `${m.name}: ${w.state} → ${m.state}`]);
    if (m.online !== w.online) out.push([m.online ? "good" : "bad", `${m.name} ${m.online ? "is running again" : "went down"}`]);
    if (m.reachable !== w.reachable) out.push([m.reachable ? "good" : "bad", `${m.name} can ${m.reachable ? "be reached again" : "not be reached"}`]);
    const task = (doing) => (doing || "").replace(/[,\s]*\d+\s*%.*$/, "");
    if (task(m.doing) !== task(w.doing) && m.doing && m.online) out.push(["plain", `${m.name}: ${task(m.doing)}`]);
  }
  for (const c of now.clusters) {
    const oc = old.clusters.find((each) => each.name === c.name);
    if (!oc) continue;
    const groups = byName(oc.groups);
    for (const g of c.groups) {
      const w = groups.get(g.name);
      if (w && w.owner !== g.owner) out.push([g.cms ? "strong" : "plain", `${g.cms || `“${g.name}”`} moved from ${w.owner} to ${g.owner}`]);
    }
    const servers = byName(oc.cms);
    for (const s of c.cms) {
      const w = servers.get(s.name);
      if (w && w.mail !== s.mail) out.push([s.mail === "up" ? "good" : "bad", s.mail === "up" ? `mail flows again on ${s.name}, after ${span(w.down_s)}` : `no mail on ${s.name}`]);
    }
  }
  return out;
}

export function watchEstate() {
  const now = data.estate;
  if (!now || now === before) return;
  if (before && now.now >= before.now) {
    const at = now.now;
    log = [...differences(before, now).map(([tone, text], n) => ({ tone, text, at, id: `${at}-${n}` })).reverse(), ...log].slice(0, LOG_MOST);
  } else if (before) log = [];
  before = now;
}

// --- drawing ---------------------------------------------------------------------------------

function Level({ of, estate }) {
  const mixed = newest(estate) !== oldest(estate);
  const tone = !mixed ? "" : number(of) === newest(estate) ? "new" : "old";
  return html`<span class="level ${tone}" title="build of Exchange on this machine">${of}${tone === "new" ? html`<span class="visually-hidden"> (newest here)</span>` : ""}</span>`;
}

function Doing({ machine }) {
  const part = machine.doing?.match(/(\d+)\s*%/);
  const busy = Boolean(machine.doing) && machine.online;
  return html`<p class="doing ${busy ? "busy" : ""}">${machine.doing || "idle"}</p>
    ${part && html`<progress max="100" value=${part[1]} aria-label="${machine.name}: ${machine.doing}"></progress>`}`;
}

function MachineHead({ machine, estate, state }) {
  return html`<header><h4>${machine.name}</h4>${state}<${Level} of=${machine.level} estate=${estate} /></header>`;
}

function Node({ node, cluster, estate }) {
  const state = node.online ? node.state : "Down";
  const groups = cluster.groups.filter((g) => g.owner.toLowerCase() === node.name.toLowerCase());
  return html`<article class="node state-${state.toLowerCase()}" aria-label="node ${node.name}">
    <${MachineHead} machine=${node} estate=${estate} state=${html`<span class="state">${state}${node.reachable ? "" : ", unreachable"}</span>`} />
    <ul class="groups" aria-label="groups on ${node.name}">
      ${groups.map((g) => html`<li key=${g.name + g.owner} class="${g.cms ? "cms" : ""} is-${g.state.toLowerCase().replaceAll(" ", "-")}">
        ${g.cms ? html`<strong>${g.cms}</strong>` : g.name} <span>${g.state}</span></li>`)}
      ${!groups.length && html`<li class="none">owns no group</li>`}
    </ul>
    <${Doing} machine=${node} />
  </article>`;
}

function Mail({ server }) {
  const up = server.mail === "up";
  const mounted = server.databases.filter((d) => d.mounted).length;
  return html`<div class="mail ${up ? "up" : "down"}" role="status">
    <span class="sign" aria-hidden="true">${up ? data.emoji.mailbox_with_mail : data.emoji.mailbox_with_no_mail}</span>
    <div><strong>${server.name}: ${up ? "mail flows" : "no mail"}</strong>
      <span>${up ? `on ${server.node}` : `users wait ${span(server.down_s)}`} · ${mounted} of ${server.databases.length} databases mounted</span></div>
  </div>`;
}

function Copies({ servers }) {
  const rows = servers.flatMap((s) => s.copies.map((c) => ({ ...c, cms: s.name })));
  if (!rows.length) return null;
  return html`<div class="copies"><h3>Copies</h3><table>
    <thead><tr><th scope="col">storage group</th><th scope="col">copy on</th><th scope="col">state</th><th scope="col"><abbr title="copy queue and replay queue, in log files">queues</abbr></th></tr></thead>
    <tbody>${rows.map((c) => html`<tr key=${c.cms + c.storage_group + c.machine}><td>${c.storage_group}</td><td>${c.machine}${c.kind === "scr" ? html` <span class="faint">SCR</span>` : ""}</td>
      <td><span class="health is-${c.state.toLowerCase()}">${c.state}</span></td><td class="num">${c.copy_queue} / ${c.replay_queue}</td></tr>`)}</tbody>
  </table></div>`;
}

function Cluster({ cluster, estate }) {
  const q = cluster.quorum;
  return html`<div class="cluster">
    <h3>${cluster.name} <span class="faint">${cluster.kind.toUpperCase()}</span>
      <span class="quorum ${q.margin < 0 ? "lost" : ""}" title="votes present, and how many the cluster needs">${q.margin < 0 ? "quorum lost" : `${q.votes} votes, ${q.needed} needed`}</span></h3>
    ${cluster.cms.map((server) => html`<${Mail} key=${server.name} server=${server} />`)}
    <div class="nodes">${cluster.nodes.map((node) => html`<${Node} key=${node.name} node=${node} cluster=${cluster} estate=${estate} />`)}</div>
    <${Copies} servers=${cluster.cms} />
  </div>`;
}

export function Estate({ hidden }) {
  useTick(1000);
  const estate = data.estate;
  return html`<aside class="estate ${hidden ? "hidden" : ""}" id="estate" aria-label="Estate: what the machines really do" tabindex="-1">
    <header class="pane-head"><h2>The estate</h2><span class="faint">simulated, live</span></header>
    <div class="scroll" tabindex="0" role="region" aria-label="machines">
      ${!estate && html`<p class="empty">No machines are shown here: this workspace runs without an estate.</p>`}
      ${estate && html`
        ${estate.clusters.map((cluster) => html`<${Cluster} key=${cluster.name} cluster=${cluster} estate=${estate} />`)}
        ${estate.machines.length > 0 && html`<div class="cluster"><h3>Stand-alone</h3><div class="nodes">${estate.machines.map((m) => html`
          <article class="node state-${m.online ? "up" : "down"}" key=${m.name} aria-label="machine ${m.name}">
            <${MachineHead} machine=${m} estate=${estate} state=${html`<span class="state">${!m.online ? "Down" : m.reachable ? "Up" : "unreachable"}</span>`} />
            ${m.standby_for?.length > 0 && html`<p class="faint small">SCR target of ${m.standby_for.join(", ")}</p>`}
            <${Doing} machine=${m} /></article>`)}</div></div>`}
        <div class="cluster"><h3>What just happened</h3>
          ${log.length ? html`<ol class="happened">${log.map((each) => html`<li key=${each.id} class="tone-${each.tone}"><time>${clockTimeWithSeconds(each.at)}</time> ${each.text}</li>`)}</ol>`
            : html`<p class="empty">Nothing yet. Whatever changes on a machine appears here as it happens.</p>`}</div>`}
    </div>
  </aside>`;
}
