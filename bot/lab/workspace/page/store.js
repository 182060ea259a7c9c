// What the page knows: one copy of the range's state, kept live over server-sent events.

const listeners = new Set();
let frame = 0;

export const data = {
  ready: false, connected: false, sockets: 0,
  people: new Map(), channels: new Map(), messages: new Map(), views: {}, notices: [],
  app: { user: "", name: "rollup", commands: [] }, controls: { scenarios: [] }, estate: null, log: {},
  clock: { now: 0, speed: 1, at: 0 }, emoji: {},
};

let pending = [];
let loading = false;
let seq = 0;

export function listen(redraw) {
  listeners.add(redraw);
  return () => listeners.delete(redraw);
}

export function changed() {
  if (frame) return;
  const draw = () => { frame = 0; for (const redraw of listeners) redraw(); };
  // A page in the background gets no animation frames, but must stay in step for whoever looks at it next.
  frame = document.hidden ? setTimeout(draw, 50) : requestAnimationFrame(draw);
}

export const labNow = () => data.clock.now + data.clock.speed * (performance.now() - data.clock.at) / 1000;

function setClock(now, speed) { data.clock = { now, speed, at: performance.now() }; }

const key = (channel, ts) => `${channel}/${ts}`;

function apply(change) {
  if (change.seq !== undefined) {
    if (change.seq <= seq) return;
    seq = change.seq;
  }
  switch (change.what) {
    case "message": data.messages.set(key(change.message.channel, change.message.ts), change.message); break;
    case "deleted": data.messages.delete(key(change.channel, change.ts)); break;
    case "channel": data.channels.set(change.channel.id, change.channel); break;
    case "view": data.views = { ...data.views, [change.user]: change.view }; break;
    case "sockets": data.sockets = change.count; break;
    case "notice": data.notices = [...data.notices, change]; break;
    case "clock": setClock(change.now, change.speed); break;
    case "estate": data.estate = change.estate; break;
    case "not_acked": data.log = { ...data.log, not_acked: [...(data.log.not_acked || []), change] }; break;
    case "refused":
      if (change.error === "unknown_method") {
        const known = data.log.unknown_methods || {};
        data.log = { ...data.log, unknown_methods: { ...known, [change.method]: (known[change.method] || 0) + 1 } };
      }
      break;
  }
}

async function load() {
  loading = true;
  pending = [];
  try {
    const state = await (await fetch("/lab/state")).json();
    data.people = new Map(state.people.map((p) => [p.id, p]));
    data.channels = new Map(state.channels.map((c) => [c.id, c]));
    data.messages = new Map(state.messages.map((m) => [key(m.channel, m.ts), m]));
    Object.assign(data, { app: state.app, views: state.views, notices: state.notices, controls: state.controls,
      estate: state.estate, log: state.log, sockets: state.sockets, ready: true, connected: true });
    setClock(state.now, state.speed);
    seq = state.seq;
    loading = false;
    pending.forEach(apply);
  } catch {
    loading = false;
    data.connected = false;
    setTimeout(load, 800);
  }
  changed();
}

export async function start() {
  data.emoji = await (await fetch("/page/emoji.json")).json();
  const events = new EventSource("/lab/events");
  events.onmessage = (event) => {
    const change = JSON.parse(event.data);
    if (change.what === "ready") { load(); return; }
    if (loading) pending.push(change); else apply(change);
    changed();
  };
  events.onerror = () => {
    data.connected = false;
    changed();
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 1500);
  };
}

async function post(path, body) {
  try {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    return await answer.json();
  } catch {
    return { ok: false, error: "unreachable" };
  }
}

export const act = (order) => post("/lab/act", order);
export const control = (what, value) => post("/lab/control", { what, value });

// --- questions about the state, by metadata only -------------------------------------------------

export const mark = (message) => message.metadata?.event_type || "";
export const payload = (message) => message.metadata?.event_payload || {};

export function visible(channel, me) {
  return [...data.messages.values()]
    .filter((m) => m.channel === channel && (!m.only_for || m.only_for === me))
    .sort((a, b) => Number(a.ts) - Number(b.ts));
}

export const isReply = (m) => Boolean(m.thread_ts) && m.thread_ts !== m.ts;

export function campaigns() {
  const ids = [];
  for (const m of data.messages.values()) {
    const id = payload(m).campaign;
    if (id && !ids.includes(id)) ids.unshift(id);
  }
  return ids;
}

export function lastMarked() {
  const marked = [...data.messages.values()].filter((m) => ["rollup_plan", "rollup_gate", "rollup_closed"].includes(mark(m)));
  return marked.sort((a, b) => Number(a.ts) - Number(b.ts)).at(-1);
}
