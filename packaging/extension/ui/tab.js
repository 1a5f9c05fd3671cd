// The dashboard tab shows the service's own pages. Docker Desktop reaches the service
// by a socket and not by an address, so that links, forms that search, and the look for
// changes go through its client.
(() => {
  "use strict";
  const service = window.ddClient.extension.vm.service;
  let at = "/", shown = "";
  async function show(path, quiet) {
    let text;
    try {
      text = await service.get(path);
    } catch (err) {
      if (!quiet) document.querySelector("main").textContent = "The service does not answer: " + (err.message || err.statusCode || err);
      return;
    }
    if (typeof text !== "string" || path !== at && quiet) return;
    const page = new DOMParser().parseFromString(text, "text/html");
    page.querySelectorAll("script, link").forEach((e) => e.remove());
    const body = page.body.innerHTML;
    at = path;
    if (body === shown) return;
    shown = body;
    document.title = page.title;
    document.body.replaceChildren(...document.importNode(page.body, true).childNodes);
    if (!quiet) scrollTo(0, 0);
    for (const e of document.querySelectorAll("[hx-get][hx-trigger=load]")) fill(e);
  }
  async function fill(e) {
    const page = new DOMParser().parseFromString(await service.get(e.getAttribute("hx-get")), "text/html");
    const part = page.querySelector(e.getAttribute("hx-select"));
    if (part) e.replaceWith(document.importNode(part, true));
  }
  document.addEventListener("click", (e) => {
    const copy = e.target.closest("[data-do=copy]");
    if (copy) navigator.clipboard.writeText(copy.dataset.text);
    const a = e.target.closest("a[href]");
    if (!a) return;
    e.preventDefault();
    const href = a.getAttribute("href");
    if (href.startsWith("/")) show(href);
    else if (/^https:/.test(href)) window.ddClient.host.openExternal(href);
  });
  document.addEventListener("submit", (e) => {
    e.preventDefault();
    const f = e.target;
    if (f.method !== "get") return; // changes need the token, which the tab has not
    show((f.getAttribute("action") || at.split("?")[0]) + "?" + new URLSearchParams(new FormData(f)));
  });
  show("/");
  setInterval(() => { if (!document.hidden && !/^(INPUT|SELECT)$/.test(document.activeElement.tagName)) show(at, true); }, 5000);
})();
