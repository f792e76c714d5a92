// The slider of the time machine: moments are fetched by the page, and shown without asking again.
"use strict";
(() => {
  const deck = document.getElementById("time-machine");
  if (!deck) return;
  const get = (id) => document.getElementById(id);
  const range = get("tm-range"), play = get("tm-play"), copy = get("tm-copy");
  const last = Number(deck.dataset.last), span = Number(deck.dataset.span);
  const pages = new Map(); // by their first version: what the server told, with each moment's whole state
  let here = Number(range.value), timer = 0, waiting = 0;

  const firstOf = (version) => Math.floor((version - 1) / span) * span + 1;

  function whole(page) {
    // Each moment says what it changed; here it gets what it was.
    let fields = {}, labels = {};
    for (const moment of page.moments) {
      labels = { ...labels, ...moment.labels };
      fields = moment.fields === null ? null : { ...fields, ...moment.fields };
      moment.all = fields;
      moment.named = labels;
    }
    return page;
  }

  function fetched(version) {
    const first = firstOf(version);
    if (!pages.has(first)) {
      const asked = fetch(`${deck.dataset.moments}?v=${first}`, { headers: { Accept: "application/json" } })
        .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.statusText))))
        .then((page) => { const told = whole(page); pages.set(first, told); return told; })
        .catch(() => { pages.delete(first); return null; });
      pages.set(first, asked);
    }
    return pages.get(first);
  }

  function filled(field, html, label, changed) {
    const line = document.createElement("div");
    line.dataset.field = field;
    if (changed) line.className = "tm-changed";
    const name = document.createElement("dt"), value = document.createElement("dd");
    name.textContent = label;
    value.innerHTML = html; // made by the server, which escapes it
    line.append(name, value);
    return line;
  }

  function show(moment, page) {
    get("tm-title").textContent = moment.title;
    get("tm-moment").innerHTML = moment.html;
    get("tm-moment").removeAttribute("aria-busy");
    const when = get("tm-moment").querySelector("time");
    get("tm-when").textContent = when.textContent;
    get("tm-when").dateTime = when.dateTime;
    range.setAttribute("aria-valuetext", moment.spoken);
    const fields = Object.entries(moment.all || {});
    get("tm-fields").replaceChildren(
      ...fields.map(([field, html]) => filled(field, html, moment.named[field], moment.changed.includes(field))));
    get("tm-unknown").hidden = moment.all !== null;
    get("tm-unknown").querySelector("span").textContent = page.problem;
    const table = get("tm-unlike");
    if (table && !("fixed" in table.dataset)) compare(table, moment);
  }

  function compare(table, moment) {
    get("tm-this").textContent = `Version ${moment.version}`;
    for (const line of table.rows) {
      const [, mine, other] = line.cells, html = (moment.all || {})[line.dataset.field];
      mine.innerHTML = html === undefined ? "–" : html;
      line.classList.toggle("tm-differs", mine.textContent !== other.textContent);
    }
  }

  function step(link, version, possible) {
    if (possible) { link.href = `?at=v${version}`; link.removeAttribute("aria-disabled"); }
    else { link.removeAttribute("href"); link.setAttribute("aria-disabled", "true"); }
  }

  function go(version) {
    here = Math.min(last, Math.max(1, version));
    range.value = here;
    deck.style.setProperty("--tm-part", last > 1 ? `${(100 * (here - 1)) / (last - 1)}%` : "100%");
    get("tm-place").textContent = `version ${here} of ${last}`;
    get("tm-here").value = `v${here}`;
    step(deck.querySelector("[data-step=back]"), here - 1, here > 1);
    step(deck.querySelector("[data-step=on]"), here + 1, here < last);
    for (const mark of deck.querySelectorAll("[data-go]")) {
      const number = Number(mark.dataset.go);
      mark.classList.toggle("tm-ahead", number > here);
      if (number === here) mark.setAttribute("aria-current", "true"); else mark.removeAttribute("aria-current");
    }
    const there = new URL(location.href);
    if (there.searchParams.has("effective_at")) there.search = "";
    there.searchParams.delete("version");
    there.searchParams.set("at", `v${here}`);
    history.replaceState(null, "", there);
    const page = pages.get(firstOf(here));
    if (page && page.moments) arrived(page); else later();
  }

  function arrived(page) {
    show(page.moments[here - page.first], page);
    if (here + 20 <= last) fetched(here + 20); // before it is needed
    if (here > 20) fetched(here - 20);
  }

  function later() {
    // A slider that is drawn over a long life asks for what it comes to rest at.
    get("tm-moment").setAttribute("aria-busy", "true");
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const wanted = here, page = await fetched(wanted);
      if (wanted !== here) return;
      if (page) arrived(page); else location.assign(`?at=v${here}`);
    }, 60);
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶ Play";
    play.setAttribute("aria-pressed", "false");
  }

  function start() {
    if (here === last) go(1);
    play.textContent = "❚❚ Pause";
    play.setAttribute("aria-pressed", "true");
    const pace = Math.max(1, Math.ceil(last / 120)); // a long life in two minutes
    timer = setInterval(() => { if (here >= last) stop(); else go(here + pace); }, 1000);
  }

  const keys = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -last, End: last };
  document.addEventListener("keydown", (event) => {
    const free = event.target === range || event.target === document.body || deck.contains(event.target);
    if (!free || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    if (event.target !== range && !["ArrowLeft", "ArrowRight"].includes(event.key)) return; // others scroll the page
    event.preventDefault();
    stop();
    go(here + keys[event.key]);
  });
  range.addEventListener("input", () => { stop(); go(Number(range.value)); });
  deck.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    stop();
    go(Number(new URL(link.href).searchParams.get("at").slice(1)));
  });
  play.addEventListener("click", () => (timer ? stop() : start()));
  copy.addEventListener("click", async () => {
    const said = get("tm-said");
    try {
      await navigator.clipboard.writeText(`${location.origin}${location.pathname}?at=v${here}`);
      said.textContent = "The link to this moment is copied.";
      copy.textContent = "Copied ✓";
    } catch {
      said.textContent = copy.textContent = "Copy it from the address bar";
    }
    setTimeout(() => { copy.textContent = "Copy link"; }, 2000);
  });

  copy.hidden = false;
  play.hidden = last === 1;
  deck.style.setProperty("--tm-part", last > 1 ? `${(100 * (here - 1)) / (last - 1)}%` : "100%");
  fetched(here);
})();
