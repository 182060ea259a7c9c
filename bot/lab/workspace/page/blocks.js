// Block Kit, drawn: every block the bot posts, and a plain word for those this page does not know.

import { html, useLayoutEffect, useRef, useState } from "./vendor/preact-htm.js";
import { emoji, link, moment, mrkdwn, personName, withEmoji } from "./mrkdwn.js";

export function Pre({ text }) {
  const box = useRef();
  const [scrolls, setScrolls] = useState(false);
  const [copied, setCopied] = useState(false);
  // Columns stay columns and may be scrolled; anything else is wrapped, so that no command is ever half out of sight.
  const columns = text.split("\n").filter((line) => /\S {2,}\S/.test(line)).length > 1;
  useLayoutEffect(() => {
    const look = () => setScrolls(box.current ? box.current.scrollWidth > box.current.clientWidth + 1 : false);
    look();
    const watcher = new ResizeObserver(look);
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, [text]);
  const copy = async () => {
    try { await navigator.clipboard.writeText(text); setCopied(true); setTimeout(() => setCopied(false), 1500); } catch { /* not allowed here */ }
  };
  return html`<div class="pre">
    <pre ref=${box} class=${columns ? "columns" : ""} ...${scrolls ? { tabIndex: 0, role: "region", "aria-label": "Text that scrolls" } : {}}>${text}</pre>
    <button type="button" class="copy" aria-label="Copy" onClick=${copy}>${copied ? "Copied" : "Copy"}</button>
  </div>`;
}

const pre = (text) => html`<${Pre} text=${text} />`;

function Text({ of }) {
  if (!of) return null;
  return of.type === "mrkdwn" ? mrkdwn(of.text, pre) : of.emoji === false ? of.text : withEmoji(of.text);
}

// --- rich text -------------------------------------------------------------------------------

function leaf(part) {
  const style = part.style || {};
  let drawn;
  switch (part.type) {
    case "text": drawn = part.text; break;
    case "link": drawn = link(part.url, part.text || part.url); break;
    case "emoji": drawn = emoji(part.name); break;
    case "user": drawn = html`<span class="mention">@${personName(part.user_id)}</span>`; break;
    case "date": drawn = html`<time>${moment(part.timestamp, part.format || "{date_short_pretty} {time}")}</time>`; break;
    default: drawn = part.text || part.value || "";
  }
  if (style.code) drawn = html`<code>${drawn}</code>`;
  if (style.bold) drawn = html`<strong>${drawn}</strong>`;
  if (style.italic) drawn = html`<em>${drawn}</em>`;
  if (style.strike) drawn = html`<s>${drawn}</s>`;
  return drawn;
}

function richPart(part) {
  switch (part.type) {
    case "rich_text_preformatted": return html`<${Pre} text=${part.elements.map((each) => each.text || each.url || "").join("")} />`;
    case "rich_text_quote": return html`<blockquote>${part.elements.map(leaf)}</blockquote>`;
    case "rich_text_list": {
      const items = part.elements.map((each) => html`<li>${each.elements.map(leaf)}</li>`);
      return part.style === "ordered" ? html`<ol start=${(part.offset || 0) + 1}>${items}</ol>` : html`<ul>${items}</ul>`;
    }
    default: return html`<p class="rich">${part.elements.map(leaf)}</p>`;
  }
}

function cell(of) {
  if (of.type === "rich_text") return of.elements.map(richPart);
  return String(of.text ?? of.value ?? "");
}

function Table({ block }) {
  const [head, ...rows] = block.rows;
  return html`<div class="table" role="region" aria-label="Table" tabindex="0"><table>
    <thead><tr>${head.map((each) => html`<th scope="col">${cell(each)}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((each) => html`<td>${cell(each)}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

// --- elements --------------------------------------------------------------------------------

function Element({ of, press }) {
  if (of.type === "image") return html`<img class="small" src=${of.image_url} alt=${of.alt_text} />`;
  if (of.type === "button") {
    if (of.url) return html`<a class="button ${of.style || ""}" href=${of.url} target="_blank" rel="noreferrer noopener"><${Text} of=${of.text} /></a>`;
    return html`<button type="button" class="button ${of.style || ""}" onClick=${() => press(of)}><${Text} of=${of.text} /></button>`;
  }
  if (of.type === "mrkdwn" || of.type === "plain_text") return html`<span><${Text} of=${of} /></span>`;
  return html`<span class="unknown">(${of.type})</span>`;
}

function Block({ block, press }) {
  switch (block.type) {
    case "header": return html`<h3 class="block-header"><${Text} of=${block.text} /></h3>`;
    case "section": return html`<div class="block-section">
      <div class="grow">
        ${block.text && html`<div class="text"><${Text} of=${block.text} /></div>`}
        ${block.fields && html`<div class="fields">${block.fields.map((each) => html`<div><${Text} of=${each} /></div>`)}</div>`}
      </div>
      ${block.accessory && html`<${Element} of=${block.accessory} press=${press} />`}
    </div>`;
    case "context": return html`<div class="block-context">${block.elements.map((each) => html`<${Element} of=${each} press=${press} />`)}</div>`;
    case "divider": return html`<hr />`;
    case "actions": return html`<div class="block-actions">${block.elements.map((each) => html`<${Element} of=${each} press=${press} />`)}</div>`;
    case "rich_text": return html`<div class="block-rich">${block.elements.map(richPart)}</div>`;
    case "table": return html`<${Table} block=${block} />`;
    case "image": return html`<figure>
      ${block.title && html`<figcaption><${Text} of=${block.title} /></figcaption>`}
      <img src=${block.image_url || block.slack_file?.url} alt=${block.alt_text} />
    </figure>`;
    case "markdown": return html`<div class="block-section"><div class="text">${mrkdwn(block.text.replaceAll("**", "*"), pre)}</div></div>`;
    case "plan": return html`<div class="block-plan"><strong>${block.title}</strong><ul>
      ${(block.tasks || []).map((task) => html`<li class=${task.status}>${task.title}</li>`)}</ul></div>`;
    default: return html`<p class="unknown">A ${block.type} block, which this practice page does not draw.</p>`;
  }
}

export function Blocks({ message, press }) {
  if (!message.blocks?.length) return message.text ? html`<div class="text">${mrkdwn(message.text, pre)}</div>` : null;
  return message.blocks.map((block, n) => html`<${Block} key=${block.block_id || n} block=${block} press=${press || (() => {})} />`);
}
