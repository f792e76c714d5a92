// Keeps what a page says of projections up to date: it asks every second and a half, while somebody looks.
"use strict";
(() => {
  const EVERY = 1500; // milliseconds
  const source = document.querySelector("[data-live]");
  if (!source) return;
  const begun = new Map(); // of each progress: where it was when it was first seen, and when
  const number = (value) => Math.round(value).toLocaleString("en-GB");

  function tell(name, found) {
    for (const element of document.querySelectorAll(`[data-projection="${CSS.escape(name)}"]`)) {
      const told = element.dataset.told ? [element] : element.querySelectorAll("[data-told]");
      for (const each of told) {
        const text = found.texts[each.dataset.told];
        if (text !== undefined && each.textContent !== text) each.textContent = text;
      }
      if (element.tagName === "TR") element.classList.toggle("dash-behind", found.behind_events > 0);
    }
  }

  function pace(what, at, end) {
    // From the first look to this one.
    const now = performance.now(), first = begun.get(what);
    if (!first || at < first.at) { begun.set(what, { at, now }); return `At position ${number(at)} of ${number(end)}.`; }
    const rate = (at - first.at) / ((now - first.now) / 1000);
    const left = rate > 0 ? `, ${number(rate)} positions a second, about ${number((end - at) / rate)} s left` : "";
    return `At position ${number(at)} of ${number(end)}${left}.`;
  }

  function progress(section, what, at, from, end) {
    const part = Math.min(100, Math.floor((100 * (at - from)) / Math.max(1, end - from)));
    section.querySelector("progress").value = part;
    section.querySelector("[data-told=pace]").textContent = pace(what, at, end);
  }

  function one(found, end) {
    // The page of one projection: what is built, or caught up with.
    const building = document.querySelector(".log-building"), asked = document.querySelector("[data-asked]");
    const doing = found.progress ? found.progress.doing : undefined;
    if ((building && building.dataset.doing) !== doing && (building || doing) || (asked && asked.dataset.asked !== found.asked)) {
      location.assign(location.pathname); // it has begun, or is over: much is different
      return;
    }
    if (building) {
      building.querySelector("progress").value = found.progress.percent;
      building.querySelector("[data-told=percent]").textContent = `${found.progress.percent} %`;
      const told = found.progress.told;
      building.querySelector("[data-told=pace]").textContent = `${told[0].toUpperCase()}${told.slice(1)}.`;
    }
    const catching = document.querySelector(".log-catching");
    if (!catching) return;
    catching.hidden = found.behind_events === 0 || found.paused || doing === "replay";
    if (catching.hidden) begun.delete("catching up");
    else progress(catching, "catching up", found.at, (begun.get("catching up") || found).at, end);
  }

  async function look() {
    if (!document.hidden) {
      try {
        const answer = await fetch(source.dataset.live, { headers: { Accept: "application/json" } });
        if (answer.ok) {
          const told = await answer.json(), names = Object.keys(told.projections);
          for (const name of names) tell(name, told.projections[name]);
          if (names.length === 1) one(told.projections[names[0]], told.horizon);
        }
      } catch { /* the server is away: look again */ }
    }
    setTimeout(look, EVERY);
  }
  setTimeout(look, 300);
})();
