// What a page does beyond showing: live updates, keys, selection. Everything that
// can be read is there without it.
(() => {
  "use strict";
  const $ = (s, at) => (at || document).querySelector(s);
  const all = (s) => [...document.querySelectorAll(s)];
  const root = document.documentElement;

  // Dark and light.
  const theme = localStorage.getItem("theme");
  if (theme) root.dataset.theme = theme;
  document.addEventListener("click", (e) => {
    const b = e.target.closest("[data-do]");
    if (!b) return;
    if (b.dataset.do === "theme") {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.theme);
    }
    if (b.dataset.do === "copy") copy(b);
    if (b.dataset.do === "apply") apply();
    if (b.dataset.do === "help") help();
  });
  function copy(b) {
    navigator.clipboard.writeText(b.dataset.text).then(() => {
      const was = b.textContent;
      b.textContent = "Copied";
      setTimeout(() => { b.textContent = was; }, 1200);
    });
  }

  // Live: the sentence and the numbers follow by themselves; rows wait until they are
  // asked for, so that none jumps.
  let waiting = 0, timer = 0, busy = false;
  const dot = $("#dot"), says = $("#live-says");
  function heard() {
    waiting++;
    const bar = $("#new");
    if (bar) {
      bar.hidden = false;
      bar.textContent = waiting + (waiting === 1 ? " change" : " changes") + " since you opened this page: show";
    }
    clearTimeout(timer);
    timer = setTimeout(() => fetchInto("[data-live]"), 150);
  }
  async function fetchInto(what) {
    if (busy) { timer = setTimeout(() => fetchInto(what), 300); return; }
    busy = true;
    try {
      const res = await fetch(location.href, { headers: { "X-Requested-With": "drydock" } });
      if (!res.ok) return;
      const page = new DOMParser().parseFromString(await res.text(), "text/html");
      for (const old of all(what)) {
        const now = old.id && page.getElementById(old.id);
        if (now && now.outerHTML !== old.outerHTML) old.replaceWith(document.importNode(now, true));
      }
    } finally {
      busy = false;
    }
  }
  async function apply() {
    await fetchInto("#list");
    waiting = 0;
    const bar = $("#new");
    if (bar) bar.hidden = true;
  }
  const kinds = ["image.added", "image.judged", "findings.changed", "exception.changed", "running.changed", "vex.changed", "feed.changed", "advisory.changed"];
  const stream = new EventSource("/api/v1/events?after=" + (root.dataset.event || "0"));
  stream.onopen = () => { if (dot) { dot.className = "dot"; says.textContent = "live"; } };
  stream.onerror = () => {
    if (dot && !dot.classList.contains("away")) {
      dot.className = "dot away";
      says.textContent = "away since " + new Date().toLocaleTimeString();
    }
  };
  for (const k of kinds) stream.addEventListener(k, (e) => {
    heard();
    const log = $("#events tbody");
    if (!log) return;
    const t = JSON.parse(e.data), row = document.createElement("tr");
    row.className = "flash";
    for (const text of [new Date(t.at).toLocaleTimeString(), t.kind, [t.change, t.vulnerability, t.package, t.subject].filter(Boolean).join(" "), t.images ? t.images + " images" : ""]) {
      row.appendChild(document.createElement("td")).textContent = text; // as text: it is a stranger's
    }
    log.prepend(row);
  });
  addEventListener("pagehide", () => stream.close());

  // Selection, and what is done with it.
  document.addEventListener("change", (e) => {
    if (e.target.name !== "pick") return;
    const n = all("input[name=pick]:checked").length, bulk = $("#bulk");
    if (bulk) { bulk.hidden = n === 0; $("#picked").textContent = n + " chosen"; }
  });

  // Keys.
  let row = -1, g = false;
  const rows = () => all("#list tbody tr");
  function go(by) {
    const list = rows();
    if (!list.length) return;
    row = Math.max(0, Math.min(list.length - 1, row + by));
    list.forEach((r, i) => r.toggleAttribute("aria-selected", false) || (i === row && r.setAttribute("aria-selected", "true")));
    list[row].scrollIntoView({ block: "nearest" });
  }
  function help() { const h = $("#help"); h.hidden = !h.hidden; }
  const places = { o: "/", i: "/images", v: "/vulnerabilities", p: "/packages", b: "/bases", r: "/running", l: "/policies", x: "/exceptions", e: "/events", f: "/feeds" };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) {
      if (e.key === "Escape") e.target.blur();
      return;
    }
    if (g) { g = false; if (places[e.key]) location.assign(places[e.key]); return; }
    const at = rows()[row];
    switch (e.key) {
      case "/": e.preventDefault(); $("#search").focus(); break;
      case "j": go(1); break;
      case "k": go(-1); break;
      case "Enter": if (at) { const a = $("a", at); if (a) a.click(); } break;
      case "x": if (at) { const c = $("input[name=pick]", at); if (c) c.click(); } break;
      case "e": { const b = $("#bulk"); if (b) { b.hidden = false; $("[name=reason]", b).focus(); e.preventDefault(); } break; }
      case "c": { const b = $("[data-do=copy]"); if (b) copy(b); break; }
      case "?": help(); break;
      case "Escape": $("#help").hidden = true; break;
      case "g": g = true; setTimeout(() => { g = false; }, 1500); break;
    }
  });
})();
