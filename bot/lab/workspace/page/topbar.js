// The bar at the top: practice, who you are, lab time and its speed, starting again.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { control, data, labNow } from "./store.js";
import { clockTimeWithSeconds, fullTime } from "./mrkdwn.js";
import { Avatar, useTick } from "./message.js";

const SPEEDS = [1, 10, 30, 60, 120, 300];

export const actors = () => [...data.people.values()].filter((p) => !p.is_bot && !p.deleted);
export const roleOf = (person) => person.roles.includes("requester") && person.roles.includes("approver") ? "asks and approves"
  : person.roles.includes("requester") ? "asks" : person.roles.includes("approver") ? "approves" : "not listed";

export function Actors({ me, become }) {
  return html`<div class="actors" role="radiogroup" aria-label="Act as">
    <span class="actors-label" aria-hidden="true">You are</span>
    ${actors().map((person, n) => html`<label key=${person.id} class="actor ${person.id === me ? "on" : ""}" title="${person.real_name} (${roleOf(person)}), Alt+${n + 1}">
      <input type="radio" name="actor" value=${person.id} checked=${person.id === me} onChange=${() => become(person.id)} />
      <${Avatar} id=${person.id} /><span class="actor-words"><span class="actor-name">${person.real_name}</span><span class="role">${roleOf(person)}</span></span>
    </label>`)}
  </div>`;
}

function Clock() {
  useTick(500);
  const now = labNow();
  return html`<time class="clock" datetime=${new Date(now * 1000).toISOString()} title="Lab time: ${fullTime(now)}">${clockTimeWithSeconds(now)}</time>`;
}

function Speed() {
  const speed = data.clock.speed;
  const all = SPEEDS.includes(speed) ? SPEEDS : [...SPEEDS, speed].sort((a, b) => a - b);
  return html`<label class="speed" title="How fast lab time passes"><span class="label-word">Speed</span>
    <select value=${speed} disabled=${!data.controls.speed} onChange=${(event) => control("speed", Number(event.target.value))}>
      ${all.map((each) => html`<option key=${each} value=${each}>${each}×</option>`)}
    </select></label>`;
}

export function Dialog({ open, close, title, children }) {
  const box = useRef();
  useEffect(() => { if (open && !box.current.open) box.current.showModal(); if (!open && box.current.open) box.current.close(); }, [open]);
  return html`<dialog ref=${box} aria-label=${title} onClose=${close} onClick=${(event) => { if (event.target === box.current) close(); }}>
    <div class="dialog"><header><h2>${title}</h2><button type="button" class="plain" aria-label="Close" onClick=${close}>×</button></header>${open ? children : null}</div>
  </dialog>`;
}

function Again({ close, say }) {
  const [chosen, choose] = useState(data.controls.scenario || data.controls.scenarios[0]?.name || "");
  const go = async (event) => {
    event.preventDefault();
    const done = await control("start_again", chosen);
    say(done.ok ? "Starting again…" : "That did not work.");
    close();
  };
  return html`<form onSubmit=${go}>
    <p>Everything so far is thrown away: machines, chat and the bot's store begin anew.</p>
    <div class="scenarios">${data.controls.scenarios.map((each) => html`<label key=${each.name} class=${each.name === chosen ? "on" : ""}>
      <input type="radio" name="scenario" value=${each.name} checked=${each.name === chosen} onChange=${() => choose(each.name)} />
      <span><strong>${each.name}</strong> <span class="faint">${each.about}</span></span></label>`)}</div>
    <p class="buttons"><button type="button" class="button" onClick=${close}>Cancel</button> <button type="submit" class="button primary">Start again</button></p>
  </form>`;
}

const KEYS = [
  ["Alt + 1 … 4", "act as Alice, Bob, Carol, Dave"], ["Alt + C", "write in the channel"], ["Alt + T", "write in the open thread"],
  ["Alt + G", "go to the newest gate"], ["Alt + E", "go to the estate"], ["↑ ↓ Home End", "walk through messages"],
  ["R", "react to the message you are on"], ["Enter", "open the thread of the message you are on"],
  ["Tab", "take a completion"], ["Esc", "close what is open"],
];

export function TopBar({ me, become, say, theme, setTheme, narrow }) {
  const [open, setOpen] = useState("");
  const kill = () => { setOpen(""); control("kill_bot"); };
  const alive = data.connected && data.sockets > 0;
  const state = !data.connected ? "no range" : alive ? "bot connected" : "bot away";
  const tools = html`<${Speed} />
    ${data.controls.kill_bot && html`<button type="button" class="button" title="SIGKILL, as a crash would; it is started again by itself" onClick=${kill}>Kill the bot</button>`}
    ${data.controls.start_again && html`<button type="button" class="button" onClick=${() => setOpen("again")}>Start again</button>`}
    <button type="button" class="button square" aria-label="Keys" title="Keys" onClick=${() => setOpen("keys")}>?</button>
    <button type="button" class="button square" aria-label="Colours: ${theme}" title="Colours: ${theme}" onClick=${() => setTheme({ auto: "dark", dark: "light", light: "auto" }[theme])}>
      <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true"><circle cx="10" cy="10" r="7" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M10 3a7 7 0 0 1 0 14z" fill="currentColor"/></svg></button>`;
  return html`<header class="topbar">
    <div class="brand"><img src="/page/icon.svg" alt="" width="26" height="26" /><h1>rollup-bot</h1><span class="practice">PRACTICE</span></div>
    <${Actors} me=${me} become=${become} />
    <div class="tools">
      <span class="life ${alive ? "on" : "off"}" role="status"><i aria-hidden="true"></i><span>${state}</span></span>
      <${Clock} />
      ${narrow ? html`<button type="button" class="button" onClick=${() => setOpen("range")}>Range</button>` : tools}
    </div>
    <${Dialog} open=${open === "range"} title="The range" close=${() => setOpen("")}><div class="range">${tools}</div><//>
    <${Dialog} open=${open === "again"} title="Start again" close=${() => setOpen("")}><${Again} close=${() => setOpen("")} say=${say} /><//>
    <${Dialog} open=${open === "keys"} title="Keys" close=${() => setOpen("")}><dl class="keys">
      ${KEYS.map(([key, what]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl><//>
  </header>`;
}
