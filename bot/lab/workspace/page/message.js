// One message: who, when, what, its reactions, its thread.

import { Component, html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { Blocks } from "./blocks.js";
import { act, data, isReply, mark, payload } from "./store.js";
import { clockTime, emoji, fullTime, mrkdwn, personName, shortTime } from "./mrkdwn.js";

const PICKS = ["white_check_mark", "heavy_check_mark", "+1", "no_entry", "x", "-1", "eyes", "raised_hand", "question",
  "warning", "tada", "pray"];

export function Avatar({ id }) {
  if (id === data.app.user) return html`<span class="avatar bot" aria-hidden="true"><img src="/page/icon.svg" alt="" /></span>`;
  const order = [...data.people.keys()].indexOf(id);
  return html`<span class="avatar tint-${order < 0 ? 9 : order % 8}" aria-hidden="true">${personName(id).slice(0, 1)}</span>`;
}

const words = (name) => name.split("::")[0].replaceAll("_", " ");

function Picker({ onPick, onClose }) {
  const box = useRef();
  useEffect(() => { box.current.querySelector("button").focus(); }, []);
  const keys = (event) => {
    const all = [...box.current.querySelectorAll("button")];
    const at = all.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 6, ArrowUp: -6 }[event.key];
    if (step) { event.preventDefault(); event.stopPropagation(); all[(at + step + all.length) % all.length].focus(); }
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); onClose(); }
  };
  const left = (event) => { if (!box.current.contains(event.relatedTarget)) onClose(); };
  return html`<div class="picker" role="group" aria-label="Pick a reaction" ref=${box} onKeyDown=${keys} onFocusOut=${left}>
    ${PICKS.map((name) => html`<button type="button" key=${name} aria-label=${words(name)} title=":${name}:" onClick=${() => onPick(name)}>${data.emoji[name]}</button>`)}
  </div>`;
}

function Reaction({ of, me, toggle }) {
  const mine = of.users.includes(me);
  const names = of.users.map(personName).join(", ");
  return html`<button type="button" class="reaction ${mine ? "mine" : ""}" aria-pressed=${mine} data-emoji=${of.name}
    title="${names} reacted with :${of.name}:" aria-label="${words(of.name)}: ${names}" onClick=${() => toggle(of.name, mine)}>
    ${emoji(of.name)}<span class="count">${of.count}</span>
  </button>`;
}

export class Message extends Component {
  shouldComponentUpdate(next, state) {
    return state !== this.state || ["message", "me", "grouped", "active", "fresh", "replies", "inThread", "epoch"]
      .some((name) => next[name] !== this.props[name]);
  }

  react = async (name, mine = false) => {
    const { message, me, complain } = this.props;
    this.setState({ picking: false });
    const done = await act({ as: me, type: mine ? "unreact" : "react", emoji: name, channel: message.channel, ts: message.ts });
    if (!done.ok && done.error !== "already_reacted") complain(done.error);
  };

  press = async (button) => {
    const { message, me, complain } = this.props;
    const done = await act({ as: me, type: "click", action_id: button.action_id, channel: message.channel, ts: message.ts });
    if (!done.ok) complain(done.error);
  };

  close = () => {
    this.setState({ picking: false });
    this.base.querySelector(".add")?.focus();
  };

  keys = (event) => {
    if (event.target !== this.base) return;
    if (event.key === "r" && !event.altKey && !event.ctrlKey && !event.metaKey && !this.props.message.is_ephemeral) {
      event.preventDefault();
      this.setState({ picking: true });
    } else if (event.key === "Enter" && this.props.openThread) {
      event.preventDefault();
      this.props.openThread(this.props.message.thread_ts || this.props.message.ts, true);
    }
  };

  render({ message, me, grouped, active, fresh, replies, inThread, openThread, onFocus }, { picking }) {
    const kind = mark(message).replace("rollup_", "");
    const hers = message.is_ephemeral;
    const at = Number(message.ts);
    const who = personName(message.user);
    const canReact = !hers && message.subtype !== "tombstone";
    const reactions = message.reactions || [];
    return html`<li class="message ${grouped ? "grouped" : ""} ${hers ? "ephemeral" : ""} ${kind ? `kind-${kind}` : ""} ${kind === "closed" && payload(message).outcome !== "done" ? "stopped" : ""} ${fresh ? "fresh" : ""}"
        id="m-${inThread ? "t" : "c"}-${message.ts}" data-ts=${message.ts} data-kind=${kind} tabindex=${active ? 0 : -1}
        onKeyDown=${this.keys} onFocus=${() => onFocus(message.ts)}>
      <div class="gutter">${grouped
        ? html`<time class="small-time" datetime=${new Date(at * 1000).toISOString()}>${shortTime(at)}</time>`
        : html`<${Avatar} id=${message.user} />`}</div>
      <div class="body">
        ${hers && html`<p class="only">${data.emoji.eyes} Only visible to you${me === message.only_for ? "" : ` (${personName(message.only_for)})`}</p>`}
        <p class="from ${grouped ? "visually-hidden" : ""}"><strong>${who}</strong>
          ${message.bot_id && html`<span class="tag">app</span>`}
          <time datetime=${new Date(at * 1000).toISOString()} title=${fullTime(at)}>${clockTime(at)}</time>
          ${message.edited && html`<span class="faint">(edited)</span>`}</p>
        <div class="content"><${Blocks} message=${message} press=${this.press} /></div>
        ${(message.files || []).map((file) => html`<p class="file"><a href=${file.url_private}>${data.emoji.page_facing_up} ${file.title}</a></p>`)}
        ${canReact && html`<div class="reactions">
          ${reactions.map((each) => html`<${Reaction} key=${each.name} of=${each} me=${me} toggle=${this.react} />`)}
          ${kind === "gate" && ["white_check_mark", "no_entry"].filter((name) => !reactions.some((each) => each.name === name))
            .map((name) => html`<button type="button" key=${name} class="reaction offer" data-emoji=${name}
              aria-label="React with ${words(name)} as ${personName(me)}" onClick=${() => this.react(name)}>${data.emoji[name]}
              <span class="offer-word">${name === "no_entry" ? "reject" : "approve"} as ${personName(me)}</span></button>`)}
          <span class="holder">
            <button type="button" class="reaction add" aria-label="Add a reaction" aria-expanded=${Boolean(picking)} title="Add a reaction (r)"
              onClick=${() => this.setState({ picking: !picking })}>
              <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true"><g fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"><circle cx="8.5" cy="11" r="6"/><path d="M6 13c1 1.6 4 1.6 5 0M6.5 9.2v.1M10.5 9.2v.1M16 2v6M13 5h6"/></g></svg>
            </button>
            ${picking && html`<${Picker} onPick=${(name) => { this.react(name, reactions.some((r) => r.name === name && r.users.includes(me))); this.close(); }} onClose=${this.close} />`}
          </span>
          ${!inThread && !isReply(message) && html`<button type="button" class="replies ${replies ? "" : "none"}"
              onClick=${() => openThread(message.ts, true)}>
            ${replies ? html`<span class="count">${replies} ${replies === 1 ? "reply" : "replies"}</span>` : "Reply in thread"}</button>`}
        </div>`}
      </div>
    </li>`;
  }
}

export function Notice({ notice }) {
  return html`<li class="notice notice-${notice.kind}"><span>${data.emoji.robot_face} ${mrkdwn(notice.text, (text) => text)}</span>
    <time datetime=${new Date(notice.at * 1000).toISOString()}>${clockTime(notice.at)}</time></li>`;
}

export function useTick(every) {
  const [, again] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => again((n) => n + 1), every);
    return () => clearInterval(timer);
  }, [every]);
}
