// A list of messages with a composer below: the channel, or one thread.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/preact-htm.js";
import { Composer } from "./composer.js";
import { Message, Notice } from "./message.js";

const NEAR = 120; // pixels from the end within which new messages keep the end in sight
const TOGETHER_S = 300;

function together(before, it) {
  return before && !before.notice && before.user === it.user && !before.is_ephemeral && !it.is_ephemeral && before.subtype !== "tombstone"
    && Number(it.ts) - Number(before.ts) < TOGETHER_S && it.blocks?.[0]?.type !== "header";
}

export function Pane({ id, label, entries, me, inThread, replies, openThread, complain, composer, top, epoch, children, goTo }) {
  const list = useRef();
  const following = useRef(true); // new messages are brought into sight, until somebody scrolls away
  const put = useRef(0); // where this pane scrolled to by itself
  const first = useRef(true);
  const known = useRef(null);
  const [active, setActive] = useState("");
  const [missed, setMissed] = useState(0);
  const messages = entries.filter((each) => !each.notice);
  const last = messages.at(-1)?.ts || "";

  // What was there when the pane opened is not new; what comes later is marked for a moment.
  if (known.current === null || known.current.id !== id) known.current = { id, seen: new Set(messages.map((m) => m.ts)) };
  const current = messages.some((m) => m.ts === active) ? active : last;

  // To the end; but a message taller than the pane is shown from its top.
  const follow = () => {
    const box = list.current;
    const newest = [...box.querySelectorAll(".message, .notice")].at(-1);
    const top = newest ? newest.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop - 8 : 0;
    const bottom = box.scrollHeight - box.clientHeight;
    put.current = box.scrollTop = Math.max(0, newest ? Math.min(bottom, top) : bottom);
  };

  useEffect(() => { first.current = true; following.current = true; setMissed(0); setActive(""); }, [id]);
  useLayoutEffect(() => {
    if (following.current || first.current) follow();
    else setMissed((n) => n + 1);
    first.current = false;
  }, [id, entries.length, last]);
  useEffect(() => {
    const watcher = new ResizeObserver(() => { if (following.current) follow(); });
    for (const child of list.current.children) watcher.observe(child);
    watcher.observe(list.current);
    return () => watcher.disconnect();
  }, [id]);
  useEffect(() => {
    if (!goTo) return;
    const target = list.current.querySelector(`[data-ts="${goTo.ts}"]`);
    if (target) { following.current = false; setActive(goTo.ts); target.scrollIntoView({ block: "start" }); target.focus({ preventScroll: true }); }
  }, [goTo]);

  const scrolled = () => {
    const box = list.current;
    if (Math.abs(box.scrollTop - put.current) < 2) return;
    following.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    if (following.current && missed) setMissed(0);
  };
  const keys = (event) => {
    if (!event.target.classList.contains("message")) return;
    const all = [...list.current.querySelectorAll(".message")];
    const at = all.indexOf(event.target);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined || !all[next]) return;
    event.preventDefault();
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
  };
  const toEnd = () => { following.current = true; follow(); setMissed(0); };

  let before = null;
  return html`<section class="pane ${inThread ? "thread" : "channel"}" aria-label=${label}>
    ${top}
    <div class="scroll" ref=${list} onScroll=${scrolled}>
      ${children}
      <div role="log" aria-label="${label}: messages" aria-live="polite"><ol class="messages" onKeyDown=${keys}>
        ${entries.map((it) => {
          if (it.notice) { before = it; return html`<${Notice} key=${`n${it.at}`} notice=${it} />`; }
          const grouped = together(before, it);
          before = it;
          return html`<${Message} key=${it.ts} message=${it} me=${me} grouped=${grouped} active=${it.ts === current} inThread=${inThread}
            replies=${replies ? replies.get(it.ts) || 0 : 0} openThread=${openThread} complain=${complain} onFocus=${setActive}
            fresh=${!known.current.seen.has(it.ts)} epoch=${epoch} />`;
        })}
      </ol></div>
    </div>
    ${missed > 0 && html`<button type="button" class="to-end" onClick=${toEnd}>New messages below</button>`}
    <${Composer} ...${composer} me=${me} complain=${complain} sent=${() => { following.current = true; }} />
  </section>`;
}
