"use strict";
(() => {
  const body = document.body;
  document.documentElement.classList.add("js");
  const $ = (id) => document.getElementById(id);

  // -- times -------------------------------------------------------------------------------------
  const steps = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const relative = (seconds) => {
    const [unit, size] = steps.find(([, size]) => Math.abs(seconds) >= size) || steps[5];
    return words.format(-Math.round(seconds / size), unit);
  };
  const duration = (seconds) => {
    if (seconds < 10) return seconds < 1 ? "0 s" : `${seconds.toFixed(1)} s`;
    const s = Math.round(seconds);
    for (const [unit, size, small, part] of [["d", 86400, "h", 3600], ["h", 3600, "min", 60], ["min", 60, "s", 1]]) {
      if (s < size) continue;
      const rest = Math.floor((s % size) / part);
      return `${Math.floor(s / size)} ${unit}${rest ? ` ${rest} ${small}` : ""}`;
    }
    return `${s} s`;
  };
  const clock = () => {
    const now = Date.now();
    for (const time of document.querySelectorAll("main time")) {
      const at = Date.parse(time.dateTime);
      if (Number.isNaN(at)) continue;
      if (!time.title) time.title = new Date(at).toLocaleString();
      const text = time.classList.contains("since") ? duration((now - at) / 1000) : relative((now - at) / 1000);
      if (time.textContent !== text) time.textContent = text;
    }
  };

  // -- the page shows what has changed ------------------------------------------------------------
  const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");
  const morph = (old, next) => {
    if (old.nodeType !== 1) {
      if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
      return;
    }
    for (const { name } of [...old.attributes]) if (!next.hasAttribute(name) && !(name === "open" || name === "title" && old.nodeName === "TIME")) old.removeAttribute(name);
    for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    // What somebody types or selects stays.
    if (old.nodeName === "INPUT") return;
    // The text of a time is written by the script, unless it stands for another time.
    if (old.nodeName === "TIME") { clock(); return; }
    children(old, next);
  };
  const children = (old, next) => {
    const byId = new Map();
    for (const child of old.children) if (child.id) byId.set(child.id, child);
    let at = old.firstChild;
    for (const wanted of [...next.childNodes]) {
      const known = wanted.id ? byId.get(wanted.id) : null;
      if (known && known !== at && known.nodeName === wanted.nodeName) {
        old.insertBefore(known, at);
        morph(known, wanted);
      } else if (at && same(at, wanted)) {
        const node = at;
        at = at.nextSibling;
        morph(node, wanted);
      } else {
        old.insertBefore(document.importNode(wanted, true), at);
      }
    }
    while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
  };
  let lines = null;
  const show = (update) => {
    if (update.html !== undefined) lines = update.html.split("\n");
    else if (lines && update.set) for (const [at, line] of update.set) lines[at] = line;
    else if (lines) lines = [...lines.slice(0, update.head), ...update.lines, ...(update.tail ? lines.slice(-update.tail) : [])];
    else return;
    const parsed = new DOMParser().parseFromString(`<div>${lines.join("\n")}</div>`, "text/html");
    const holder = document.createElement("div");
    holder.replaceChildren("\n", ...parsed.body.firstChild.childNodes, "\n");
    children($("view"), holder);
    clock();
  };

  // -- events -------------------------------------------------------------------------------------
  const live = $("live");
  const banner = (text, link) => {
    const place = $("banner");
    place.textContent = text;
    if (link) {
      const a = document.createElement("a");
      a.href = link.href;
      a.textContent = link.text;
      place.append(" ", a);
    }
    place.hidden = !text;
  };
  const status = (text, off) => {
    if (!live) return;
    live.hidden = false;
    live.classList.toggle("off", !!off);
    if (live.textContent !== text) live.textContent = text;
  };
  const loginLink = () => ({ text: "Log in again", href: `/-/login?next=${encodeURIComponent(location.pathname + location.search)}` });
  class Stream {
    // EventSource connects again by itself after a broken connection, but not after a refusal: this does.
    constructor(url, handlers, watched) { Object.assign(this, { url, handlers, watched, wait: 1000, ended: false }); }
    open() {
      if (this.source || this.ended || document.hidden) return;
      const source = this.source = new EventSource(this.url());
      source.onopen = () => { this.wait = 1000; if (this.watched) status("Live"); };
      for (const [name, handle] of Object.entries(this.handlers)) source.addEventListener(name, (event) => handle(JSON.parse(event.data), event.lastEventId));
      source.onerror = () => {
        if (this.ended) return;
        if (this.watched) status("Connecting again…", true);
        if (source.readyState === EventSource.CLOSED) {
          this.close();
          fetch("/-/login", { method: "HEAD", redirect: "manual" }).then((answer) => {
            if (answer.type !== "opaqueredirect") { this.end(); expired(); }
          }, () => {});
          setTimeout(() => this.open(), this.wait);
          this.wait = Math.min(30000, this.wait * 2);
        }
      };
    }
    close() { if (this.source) { this.source.close(); this.source = null; } }
    end() { this.ended = true; this.close(); }
  }
  const streams = [];
  const expired = () => { for (const stream of streams) stream.end(); status("Not live", true); banner("Your login has expired. What you see stays as it was.", loginLink()); };
  if (body.dataset.events) {
    let version = body.dataset.version;
    const page = new Stream(() => `${body.dataset.events}&since=${version}`, {
      update: (data, id) => { version = id; show(data); },
      gone: (data) => {
        page.end();
        // Nothing can be done with what is gone.
        for (const actions of document.querySelectorAll("main .actions")) actions.remove();
        status("Not live", true); banner(`${data.message} What you see is its last state.`, { text: "All jobs", href: "/" });
      },
      problem: (data) => { page.end(); status("Not live", true); banner(data.message); },
      expired,
    }, true);
    streams.push(page);
  }
  const wake = () => { for (const stream of streams) document.hidden ? stream.close() : stream.open(); };
  document.addEventListener("visibilitychange", wake);
  addEventListener("pagehide", () => { for (const stream of streams) stream.close(); });
  addEventListener("pageshow", wake);

  // -- output -------------------------------------------------------------------------------------
  const log = $("log");
  if (log) {
    const text = $("log-text"), open = $("log-open"), term = text.parentElement, note = $("log-note");
    const before = $("log-before"), after = $("log-after"), place = $("log-place");
    const state = { start: +log.dataset.start, next: +log.dataset.next, style: log.dataset.style, size: +log.dataset.size };
    const MOST = 1000000;
    const size = (n) => { for (const unit of ["B", "KB", "MB", "GB"]) { if (n < 1000) return `${unit === "B" || n >= 100 ? n.toFixed(0) : n.toFixed(1)} ${unit}`; n /= 1000; } return `${n.toFixed(1)} TB`; };
    const bottom = () => { term.scrollTop = term.scrollHeight; };
    const placed = () => {
      before.hidden = state.start <= 0;
      place.textContent = `${size(state.start)} of ${size(state.size)} are before this part`;
    };
    const fill = (target, html) => { target.insertAdjacentHTML("beforeend", html); };
    const append = (piece) => {
      if (piece.start < state.next) { text.replaceChildren(); state.start = piece.start; }
      open.replaceChildren();
      fill(text, piece.html);
      fill(open, piece.open);
      Object.assign(state, { next: piece.next, style: piece.style, size: piece.size });
      // Old lines leave the page before it gets slow; they can be loaded again.
      if (text.textContent.length > MOST) {
        const kept = text.textContent.length - MOST / 2;
        let gone = 0;
        while (text.firstChild && gone + text.firstChild.textContent.length <= kept) { gone += text.firstChild.textContent.length; text.firstChild.remove(); }
        if (text.firstChild && gone < kept && text.firstChild.nodeType === 3) { const cut = kept - gone; text.firstChild.nodeValue = text.firstChild.nodeValue.slice(cut); }
        state.start = Math.max(0, state.next - new TextEncoder().encode(text.textContent).length);
      }
      if (piece.broken) { note.hidden = false; note.textContent = "This output is not all text. Bytes that are no text are shown as signs; the download has them as they are."; }
      else if (piece.size && !note.hidden && !text.dataset.broken) note.hidden = true;
      placed();
    };
    let following = log.hasAttribute("data-follow");
    const follow = $("follow");
    follow.checked = following;
    const stream = new Stream(() => `${log.dataset.url.replace("/log?", "/follow?")}&since=${encodeURIComponent(`${state.next} ${state.style}`)}`, {
      log: (piece) => { append(piece); if (follow.checked) bottom(); },
      end: () => { stream.end(); },
    });
    if (following) { streams.push(stream); bottom(); }
    follow.addEventListener("change", () => { if (follow.checked) { if (following) bottom(); else location.assign(`${location.pathname}?stream=${new URL(log.dataset.url, location).searchParams.get("stream")}#log`); } });
    term.addEventListener("scroll", () => { const low = term.scrollTop + term.clientHeight >= term.scrollHeight - 24; if (following && follow.checked !== low) follow.checked = low; });
    $("wrap").addEventListener("change", (event) => { term.classList.toggle("long", !event.target.checked); });
    log.addEventListener("click", async (event) => {
      const kind = event.target.dataset.log;
      if (kind !== "earlier" && kind !== "later") return;
      event.preventDefault();
      try {
        const query = kind === "earlier" ? `&end=${state.start}` : `&at=${state.next}&style=${encodeURIComponent(state.style)}`;
        const answer = await fetch(log.dataset.url + query);
        if (answer.redirected || !answer.ok) { expired(); return; }
        const piece = await answer.json();
        if (kind === "later") { append(piece); after.hidden = piece.next >= piece.size || piece.open !== ""; return; }
        const height = term.scrollHeight;
        text.insertAdjacentHTML("afterbegin", piece.html);
        state.start = piece.start;
        term.scrollTop += term.scrollHeight - height;
        placed();
      } catch { banner("The output cannot be loaded at this moment."); }
    });
  }

  // -- questions before actions --------------------------------------------------------------------
  document.addEventListener("click", (event) => { for (const open of document.querySelectorAll(".confirm[open]")) if (!open.contains(event.target)) open.open = false; });
  document.addEventListener("keydown", (event) => {
    const open = document.querySelector(".confirm[open]");
    if (event.key === "Escape" && open) { open.open = false; open.querySelector("summary").focus(); }
    if (event.key === "/" && !event.target.closest("input, textarea") && $("q")) { event.preventDefault(); $("q").focus(); }
  });
  // The sentence about an action is said once: it is not true any more when the page is loaded again.
  const address = new URL(location);
  if (address.searchParams.has("done")) {
    address.searchParams.delete("done");
    history.replaceState(null, "", address);
  }
  clock();
  setInterval(clock, 1000);
  wake();
})();
