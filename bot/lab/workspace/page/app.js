// The practice page: a channel, its threads, the people you can be, and the estate beside them.

import { html, render, useCallback, useEffect, useMemo, useRef, useState } from "./vendor/preact-htm.js";
import { Blocks } from "./blocks.js";
import { REFUSED } from "./composer.js";
import { Estate, watchEstate } from "./estate.js";
import { Guide } from "./guide.js";
import { Pane } from "./pane.js";
import { act, data, isReply, listen, mark, start, visible } from "./store.js";
import { actors, TopBar } from "./topbar.js";

const remembered = (name) => { try { return sessionStorage.getItem(name); } catch { return null; } };
const remember = (name, value) => { try { sessionStorage.setItem(name, value); } catch { /* private window */ } };

function whoIAm() {
  const wanted = new URLSearchParams(location.search).get("as") || remembered("as") || "";
  const found = actors().find((p) => p.id === wanted || p.name === wanted.toLowerCase());
  return (found || actors().find((p) => p.roles.includes("requester")) || actors()[0])?.id || "";
}

function useMedia(query) {
  const [is, set] = useState(matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const look = () => set(media.matches);
    media.addEventListener("change", look);
    return () => media.removeEventListener("change", look);
  }, [query]);
  return is;
}

function Home({ me }) {
  useEffect(() => { act({ as: me, type: "home" }); }, [me]);
  const view = data.views[me];
  return html`<section class="pane channel" aria-label="App home"><div class="scroll home" tabindex="0">
    ${view ? html`<${Blocks} message=${view} />` : html`<p class="empty">The bot has put nothing here yet.</p>`}</div></section>`;
}

function App() {
  const [version, redraw] = useState(0);
  useEffect(() => listen(() => { watchEstate(); redraw((n) => n + 1); }), []);
  const [me, setMe] = useState("");
  const [place, setPlace] = useState(() => decodeURIComponent(location.hash.slice(1)).split("/"));
  const [thread, setThread] = useState("");
  const [tab, setTab] = useState("chat");
  const [problem, complain] = useState("");
  const [draft, setDraft] = useState(null);
  const [goTo, setGoTo] = useState(null);
  const [hidden, hide] = useState(remembered("guide") === "off");
  const [theme, setTheme] = useState(remembered("theme") || "auto");
  const narrow = useMedia("(max-width: 760px)");
  const seenCards = useRef(null);

  useEffect(() => { document.documentElement.dataset.theme = theme; remember("theme", theme); }, [theme]);
  useEffect(() => { if (data.ready && !data.people.has(me)) setMe(whoIAm()); });
  useEffect(() => {
    const moved = () => setPlace(decodeURIComponent(location.hash.slice(1)).split("/"));
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);

  const become = useCallback((id) => {
    setMe(id);
    remember("as", id);
    complain("");
  }, []);
  const say = useCallback((code) => {
    complain(REFUSED[code] || (/^\w+$/.test(code) ? `Slack refused this: ${code}` : code));
    clearTimeout(say.timer);
    say.timer = setTimeout(() => complain(""), 6000);
  }, []);

  const shown = [...data.channels.values()].filter((c) => !c.is_im);
  const channel = data.channels.get(place[0]) && !data.channels.get(place[0]).is_im ? place[0] : place[0] === "home" ? "home" : shown[0]?.id || "";
  const all = channel && channel !== "home" ? visible(channel, me) : [];
  const top = all.filter((m) => !isReply(m) || m.broadcast);
  const notices = data.notices.map((each) => ({ ...each, notice: true, ts: String(each.at) }));
  const entries = [...top, ...notices].sort((a, b) => Number(a.ts) - Number(b.ts));
  const replies = useMemo(() => {
    const counts = new Map();
    for (const m of all) if (isReply(m) && !m.only_for) counts.set(m.thread_ts, (counts.get(m.thread_ts) || 0) + 1);
    return counts;
  }, [version, channel, me]);
  const threadEntries = thread ? all.filter((m) => m.ts === thread || (isReply(m) && m.thread_ts === thread)) : [];

  const openThread = useCallback((ts, focus) => {
    setThread(ts);
    setTab("chat");
    if (focus) requestAnimationFrame(() => document.getElementById("thread-line")?.focus({ preventScroll: true }));
  }, []);
  const closeThread = useCallback(() => {
    setThread("");
    requestAnimationFrame(() => document.getElementById("channel-line")?.focus({ preventScroll: true }));
  }, []);
  const show = useCallback((m) => {
    setTab("chat");
    if (isReply(m)) setThread(m.thread_ts);
    setTimeout(() => setGoTo({ ts: m.ts, thread: isReply(m), n: Math.random() }), 60);
  }, []);

  // A link to a message (permalink) opens its thread and goes there.
  useEffect(() => {
    const linked = data.messages.get(place.join("/"));
    if (place[1] && linked) show(linked);
  }, [place, data.ready]);

  // A campaign's first message opens its thread by itself where there is room for it.
  useEffect(() => {
    if (!data.ready || channel === "home") return;
    const cards = top.filter((m) => m.bot_id && mark(m) === "rollup_card").map((m) => m.ts);
    const fresh = seenCards.current && cards.find((ts) => !seenCards.current.has(ts));
    if (fresh && !narrow) setThread(fresh);
    seenCards.current = new Set(cards);
  }, [version]);
  useEffect(() => { if (thread && data.ready && !threadEntries.length) setThread(""); });

  useEffect(() => {
    const keys = (event) => {
      if (event.key === "Escape" && thread && !event.defaultPrevented && !document.querySelector("dialog[open]")) { closeThread(); return; }
      if (!event.altKey || event.ctrlKey || event.metaKey) return;
      const n = event.code.match(/^Digit([1-9])$/);
      const target = { KeyC: "channel-line", KeyT: "thread-line", KeyE: "estate" }[event.code];
      if (n && actors()[Number(n[1]) - 1]) become(actors()[Number(n[1]) - 1].id);
      else if (target) {
        setTab(target === "estate" ? "estate" : "chat");
        if (target === "channel-line" && narrow) setThread("");
        const there = document.getElementById(target);
        if (there?.offsetParent) there.focus();
        else requestAnimationFrame(() => document.getElementById(target)?.focus());
      } else if (event.code === "KeyG") {
        const gate = [...data.messages.values()].filter((m) => mark(m) === "rollup_gate").sort((a, b) => Number(a.ts) - Number(b.ts)).at(-1);
        if (gate) show(gate);
      } else return;
      event.preventDefault();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, [thread, narrow]);

  if (!data.ready || !me) return html`<p class="loading">${data.connected ? "Opening" : "Waiting for"} the practice range…</p>`;
  const name = data.channels.get(channel)?.name || "";
  const fill = (text, who) => { if (who) become(who); setTab("chat"); if (narrow) setThread(""); setDraft({ text }); };
  const unknown = Object.keys(data.log.unknown_methods || {});
  const lost = (data.log.not_acked || []).filter((each) => each.given_up);
  return html`
    <${TopBar} me=${me} become=${become} say=${say} theme=${theme} setTheme=${setTheme} narrow=${narrow} />
    ${!data.connected && html`<p class="offline" role="alert">The practice range does not answer. This page goes on by itself when it is back.</p>`}
    <main class="layout ${thread ? "with-thread" : ""} tab-${tab}">
      <div class="column chat">
        <nav class="places" aria-label="Channels">
          ${shown.map((c) => html`<a key=${c.id} href="#${c.id}" aria-current=${c.id === channel ? "page" : null}># ${c.name}</a>`)}
          <a href="#home" aria-current=${channel === "home" ? "page" : null}>App home</a>
          <a class="second" href="/?as=${actors().find((p) => p.roles.includes("approver"))?.name || ""}" target="_blank" title="A second window, as the other person">Second window</a>
        </nav>
        ${channel === "home" ? html`<${Home} me=${me} />` : html`<${Pane} id=${channel} label="#${name}" entries=${entries} me=${me} replies=${replies}
          openThread=${openThread} complain=${say} goTo=${goTo && !goTo.thread ? goTo : null} epoch=${data.people.size}
          composer=${{ id: "channel-line", channel, placeholder: `Message #${name}, or /rollup`, draft }}>
          ${!top.length && html`<div class="welcome"><h2>#${name}</h2>
            <p>This is a practice range. The bot is the real one; Slack, the cluster and its Exchange servers are simulated on this machine. Nothing you do here touches anything else.</p>
            <p>Whatever the bot is allowed to do to the cluster waits for a <strong>second person</strong>. Switch between people at the top to be both.</p></div>`}
        <//>`}
        ${!hidden && channel !== "home" && html`<${Guide} me=${me} become=${become} fill=${fill} goTo=${show} hide=${() => { hide(true); remember("guide", "off"); }} />`}
      </div>
      ${thread && html`<div class="column side"><${Pane} id=${thread} label="Thread" inThread entries=${threadEntries} me=${me} complain=${say}
        goTo=${goTo?.thread ? goTo : null} epoch=${data.people.size}
        top=${html`<header class="pane-head"><h2>Thread</h2><span class="faint">#${name}</span>
          <button type="button" class="plain" aria-label="Close thread" onClick=${closeThread}>×</button></header>`}
        composer=${{ id: "thread-line", channel, threadTs: thread, placeholder: "Reply, or @rollup" }} /></div>`}
      <${Estate} hidden=${false} />
    </main>
    <nav class="tabs" aria-label="Parts of the page">
      <button type="button" aria-pressed=${tab === "chat" && !thread} onClick=${() => { setTab("chat"); setThread(""); }}>Channel</button>
      <button type="button" aria-pressed=${tab === "chat" && Boolean(thread)} disabled=${!thread && !replies.size} onClick=${() => openThread(thread || [...replies.keys()].at(-1))}>Thread</button>
      <button type="button" aria-pressed=${tab === "estate"} onClick=${() => setTab("estate")}>Estate</button>
    </nav>
    <footer class="edge">${unknown.length > 0 && html`<span class="bad">unknown Web API methods: ${unknown.join(", ")}</span>`}
      ${lost.length > 0 && html`<span class="bad">not acknowledged by the bot: ${lost.map((each) => each.about).join(", ")}</span>`}</footer>
    <div class="toast" role="alert">${problem}</div>`;
}

start();
const root = document.getElementById("app");
root.textContent = "";
render(html`<${App} />`, root);
