// Where people type: slash commands and mentions with completion.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { act, campaigns, data } from "./store.js";
import { personName } from "./mrkdwn.js";
import { clusterNames, packageNames } from "./estate.js";

const WORDS = [
  ["plan", "CLUSTER", "read the cluster, check every rule, propose an order"],
  ["start", "CAMPAIGN", "begin a plan; every step still waits for a second person"],
  ["status", "", "what is going on, and what is safe to do now"],
  ["pause", "CAMPAIGN", "nothing new begins; what runs, runs on"],
  ["resume", "CAMPAIGN", "go on after a pause"],
  ["retry", "CAMPAIGN", "try the stopped step again, behind a new gate"],
  ["recheck", "CAMPAIGN", "read the facts again"],
  ["abort", "CAMPAIGN", "forbid new effects and end the campaign"],
  ["help", "", "every command"],
];

function argumentsFor(word) {
  if (word === "plan") return [...clusterNames()];
  if (word === "status") return [...campaigns(), ...clusterNames()];
  return WORDS.some(([each, argument]) => each === word && argument) ? campaigns() : [];
}

export function suggestions(text, inThread) {
  const lead = inThread ? `@${data.app.name} ` : `${data.app.commands[0] || "/rollup"} `;
  const trigger = inThread ? "@" : "/";
  if (!text.startsWith(trigger)) return [];
  if (!text.startsWith(lead)) {
    return lead.startsWith(text) && text ? WORDS.map(([word, argument, about]) => ({ text: `${lead}${word}${argument ? " " : ""}`, argument, about })) : [];
  }
  const [word, ...rest] = text.slice(lead.length).split(" ");
  if (!rest.length) {
    return WORDS.filter(([each]) => each.startsWith(word) && each !== word)
      .map(([each, argument, about]) => ({ text: `${lead}${each}${argument ? " " : ""}`, argument, about }));
  }
  const typed = rest.at(-1).toLowerCase();
  const wanted = rest.length === 1 ? argumentsFor(word) : word === "plan" && rest.length === 2 ? packageNames() : [];
  const before = text.slice(0, text.length - rest.at(-1).length);
  return wanted.filter((each) => each.toLowerCase().startsWith(typed) && each.toLowerCase() !== typed)
    .map((each) => ({ text: before + each, argument: "", about: "" }));
}

export const REFUSED = {
  unreachable: "The practice range does not answer. Is it still running?",
  not_in_channel: "This person is not in this channel.",
  unknown_command: "Slack knows no such command here. The bot's command is /rollup.",
  message_not_found: "That message is gone.",
  no_text: "There is nothing to send.",
};

export function Composer({ id, channel, threadTs, me, placeholder, complain, sent, draft }) {
  const input = useRef();
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const inThread = Boolean(threadTs);
  const offered = open ? suggestions(text, inThread) : [];
  const chosen = Math.min(at, offered.length - 1);
  const noCommands = inThread && text.startsWith("/");

  useEffect(() => {
    if (!draft) return;
    setText(draft.text);
    setOpen(false);
    input.current.focus();
  }, [draft]);

  const take = (each) => { setText(each.text); setAt(0); setOpen(each.text.endsWith(" ")); input.current.focus(); };
  const send = async () => {
    const line = text.trim();
    if (!line || noCommands) return;
    const command = !inThread && line.startsWith("/");
    setText(""); setOpen(false); sent();
    const done = await act({ as: me, type: command ? "command" : "message", channel, text: line, ...(inThread ? { thread_ts: threadTs } : {}) });
    if (!done.ok) { setText(line); complain(done.error); }
  };
  const keys = (event) => {
    if (event.isComposing) return;
    if (offered.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      setAt((chosen + (event.key === "ArrowDown" ? 1 : -1) + offered.length) % offered.length);
    } else if (offered.length && event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      take(offered[chosen]);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
    } else if (event.key === "Enter") {
      event.preventDefault();
      // Enter takes a suggestion only when the line would mean nothing without it.
      if (offered.length && at > 0) take(offered[chosen]); else send();
    }
  };
  return html`<form class="composer" onSubmit=${(event) => { event.preventDefault(); send(); }}>
    ${offered.length > 0 && html`<ul class="offers" id="${id}-offers" role="listbox" aria-label="Completions">
      ${offered.slice(0, 9).map((each, n) => html`<li key=${each.text} id="${id}-o${n}" role="option" aria-selected=${n === chosen}
        onMouseDown=${(event) => { event.preventDefault(); take(each); }}>
        <code>${each.text.trim()}</code> <span class="argument">${each.argument}</span> <span class="about">${each.about}</span></li>`)}
    </ul>`}
    ${noCommands && html`<p class="hint" role="status">Slack runs no slash commands inside threads. Write <code>@${data.app.name} …</code> with the same words.</p>`}
    <div class="line">
      <input ref=${input} id=${id} value=${text} placeholder=${placeholder} autocomplete="off" spellcheck=${false} enterkeyhint="send"
        role="combobox" aria-expanded=${offered.length > 0} aria-controls="${id}-offers" aria-autocomplete="list"
        aria-label="${placeholder}, as ${personName(me)}" ...${offered.length ? { "aria-activedescendant": `${id}-o${chosen}` } : {}}
        onInput=${(event) => { setText(event.target.value); setOpen(true); setAt(0); }} onKeyDown=${keys} onBlur=${() => setOpen(false)} />
      <button type="submit" class="send" aria-label="Send as ${personName(me)}" disabled=${!text.trim() || noCommands}>
        <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><path d="M3 3.5 18 10 3 16.5l2-6.5zM5 10h6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" stroke-linecap="round"/></svg>
      </button>
    </div>
  </form>`;
}
