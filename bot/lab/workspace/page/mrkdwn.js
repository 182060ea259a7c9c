// Slack's mrkdwn, drawn: bold, italic, strike, code, fences, quotes, links, mentions, dates, emoji.

import { html } from "./vendor/preact-htm.js";
import { data, labNow } from "./store.js";

const FENCE = /```\n?([\s\S]*?)```/g;
const KEPT = /`([^`\n]+)`|<([^<>\n]+)>/g;
const STYLED = /\uE000(\d+)\uE001|:([a-z0-9_+'-]+):(?::skin-tone-\d:)?|(?<![\w*])\*(?=\S)([^*\n]*?\S)\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]*?\S)_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]*?\S)~(?![\w~])|\n/g;

const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

export function emoji(name) {
  const drawn = data.emoji[name.split("::")[0]];
  return drawn ? html`<span class="emoji" role="img" aria-label=${name.replaceAll("_", " ")}>${drawn}</span>` : `:${name}:`;
}

export function personName(id) {
  const person = data.people.get(id);
  return person ? person.real_name : id === "USLACKBOT" ? "Slack" : id;
}

// --- moments, in the viewer's own zone -------------------------------------------------------

const format = (options) => new Intl.DateTimeFormat(undefined, options);
const TIME = format({ hour: "2-digit", minute: "2-digit" });
const TIME_S = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const FORMS = {
  date_num: format({ year: "numeric", month: "2-digit", day: "2-digit" }),
  date: format({ dateStyle: "long" }), date_long: format({ dateStyle: "full" }), date_short: format({ dateStyle: "medium" }),
  time: TIME, time_secs: TIME_S,
};

export const clockTime = (seconds) => TIME.format(new Date(seconds * 1000));
const HOUR_MINUTE = format({ hour: "numeric", minute: "2-digit" });
export const shortTime = (seconds) => HOUR_MINUTE.formatToParts(new Date(seconds * 1000))
  .filter((part) => part.type !== "dayPeriod").map((part) => part.value).join("").trim();
export const clockTimeWithSeconds = (seconds) => TIME_S.format(new Date(seconds * 1000));
export const fullTime = (seconds) => format({ dateStyle: "full", timeStyle: "long" }).format(new Date(seconds * 1000));

function day(seconds, form) {
  const at = new Date(seconds * 1000);
  const now = new Date(labNow() * 1000);
  const apart = Math.round((new Date(at.toDateString()) - new Date(now.toDateString())) / 86400000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[apart] || FORMS[form].format(at);
}

function ago(seconds) {
  const apart = Math.round((labNow() - seconds) / 60);
  return apart < 0 ? `in ${-apart} min` : apart < 1 ? "just now" : `${apart} min ago`;
}

export function moment(seconds, form) {
  return form.replace(/\{(\w+)\}/g, (all, name) => {
    if (name === "ago") return ago(seconds);
    if (name.endsWith("_pretty")) return day(seconds, name.slice(0, -7));
    return FORMS[name] ? FORMS[name].format(new Date(seconds * 1000)) : all;
  });
}

// --- tokens in angle brackets ----------------------------------------------------------------

function token(inside) {
  const [target, ...rest] = inside.split("|");
  const label = rest.join("|");
  if (target.startsWith("@")) return html`<span class="mention">@${personName(target.slice(1))}</span>`;
  if (target.startsWith("#")) {
    const channel = data.channels.get(target.slice(1));
    return html`<a class="mention" href=${`#${target.slice(1)}`}>#${channel ? channel.name : label || target.slice(1)}</a>`;
  }
  if (target.startsWith("!date^")) {
    const [, seconds, form] = target.split("^");
    const at = Number(seconds);
    return html`<time datetime=${new Date(at * 1000).toISOString()} title=${fullTime(at)}>${moment(at, form || "{date_short_pretty} {time}")}</time>`;
  }
  if (target.startsWith("!")) return html`<span class="mention">@${label || target.slice(1)}</span>`;
  return link(target, label ? plain(label) : target);
}

export function link(url, label) {
  const local = url.startsWith(location.origin) ? new URL(url) : null;
  const inPage = local?.pathname.match(/^\/archives\/(\w+)\/p(\d+)(\d{6})$/);
  if (inPage) return html`<a href=${`#${inPage[1]}/${inPage[2]}.${inPage[3]}`}>${label}</a>`;
  return /^(https?|mailto):/.test(url) ? html`<a href=${url} target="_blank" rel="noreferrer noopener">${label}</a>` : label;
}

// --- text ------------------------------------------------------------------------------------

function styled(text, kept) {
  const out = [];
  let from = 0;
  for (const hit of text.matchAll(STYLED)) {
    if (hit.index > from) out.push(plain(text.slice(from, hit.index)));
    from = hit.index + hit[0].length;
    if (hit[1] !== undefined) out.push(kept[Number(hit[1])]);
    else if (hit[2] !== undefined) out.push(emoji(hit[2]));
    else if (hit[3] !== undefined) out.push(html`<strong>${styled(hit[3], kept)}</strong>`);
    else if (hit[4] !== undefined) out.push(html`<em>${styled(hit[4], kept)}</em>`);
    else if (hit[5] !== undefined) out.push(html`<s>${styled(hit[5], kept)}</s>`);
    else out.push(html`<br />`);
  }
  if (from < text.length) out.push(plain(text.slice(from)));
  return out;
}

function inline(text) {
  const kept = [];
  const held = text.replace(KEPT, (_, code, inside) => {
    kept.push(code !== undefined ? html`<code>${plain(code)}</code>` : token(inside));
    return `\uE000${kept.length - 1}\uE001`;
  });
  return styled(held, kept);
}

function paragraphs(text) {
  const out = [];
  let quote = [];
  let lines = [];
  const flush = () => {
    if (quote.length) out.push(html`<blockquote>${inline(quote.join("\n"))}</blockquote>`);
    if (lines.length) out.push(html`<span class="lines">${inline(lines.join("\n"))}</span>`);
    quote = []; lines = [];
  };
  for (const line of text.split("\n")) {
    const quoted = line.match(/^(?:&gt;|>) ?(.*)$/);
    if (quoted ? lines.length : quote.length) flush();
    (quoted ? quote : lines).push(quoted ? quoted[1] : line);
  }
  flush();
  return out;
}

export function mrkdwn(text, pre) {
  const out = [];
  let from = 0;
  for (const hit of text.matchAll(FENCE)) {
    const before = text.slice(from, hit.index).replace(/\n$/, "");
    if (before) out.push(...paragraphs(before));
    out.push(pre(plain(hit[1].replace(/\n$/, ""))));
    from = hit.index + hit[0].length;
  }
  const rest = from ? text.slice(from).replace(/^\n/, "") : text;
  if (rest) out.push(...paragraphs(rest));
  return out;
}

export const withEmoji = (text) => text.split(/:([a-z0-9_+'-]+):/).map((part, n) => (n % 2 ? emoji(part) : part));
