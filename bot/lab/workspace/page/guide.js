// One line that says what to try next. It reads message metadata only, like the played people.

import { html } from "./vendor/preact-htm.js";
import { data, lastMarked, mark, payload } from "./store.js";
import { clusterNames } from "./estate.js";
import { actors } from "./topbar.js";

const first = (role) => actors().find((p) => p.roles.includes(role));

// The thread says something about the gate's step after the gate: it was answered.
const movedOn = (gate) => [...data.messages.values()].some((m) => mark(m) === "rollup_line" && m.thread_ts === gate.thread_ts
  && Number(m.ts) > Number(gate.ts));

function next(me) {
  const asks = first("requester");
  const approves = actors().find((p) => p.roles.includes("approver") && p.id !== asks?.id);
  const it = lastMarked();
  const cluster = clusterNames()[0] || "CLUSTER01";
  const again = { say: "Type it as", who: asks, draft: `/rollup plan ${cluster}` };
  if (!it) return { step: "1", words: "Ask for a plan. Nothing is changed by it.", ...again };
  const campaign = payload(it).campaign;
  switch (mark(it)) {
    case "rollup_plan": return { step: "2", words: "Read the plan in the thread, then begin it.", who: asks, draft: `/rollup start ${campaign}`, thread: it };
    case "rollup_gate": {
      if (movedOn(it)) return { step: "▸", words: "The gate was answered. Watch the estate: what was agreed to happens now.", thread: it };
      const wrong = me === asks?.id ? `${asks.real_name} asked, so ${asks.real_name}'s own ✅ does not count.` : "";
      return { step: "3", words: `A gate is waiting. ${wrong} Read it as a second person and react with ✅.`, who: approves, thread: it };
    }
    default: {
      const how = payload(it).outcome;
      return how === "done" ? { step: "✓", words: "Done. Try another scenario, or break something: “Start again”.", thread: it }
        : { step: "!", words: `It stopped: ${how || "see the thread"}. The thread says why and what to do.`, thread: it };
    }
  }
}

export function Guide({ me, become, fill, goTo, hide }) {
  const it = next(me);
  if (!data.ready) return null;
  return html`<aside class="guide" aria-label="What to try next">
    <span class="step" aria-hidden="true">${it.step}</span>
    <p>${it.words}</p>
    <div class="buttons">
      ${it.who && it.who.id !== me && html`<button type="button" class="button" onClick=${() => become(it.who.id)}>Be ${it.who.real_name}</button>`}
      ${it.thread && html`<button type="button" class="button" onClick=${() => goTo(it.thread)}>Show it</button>`}
      ${it.draft && html`<button type="button" class="button primary" onClick=${() => fill(it.draft, it.who?.id)}><code>${it.draft}</code></button>`}
      <button type="button" class="plain" aria-label="Hide this hint" onClick=${hide}>×</button>
    </div>
  </aside>`;
}
