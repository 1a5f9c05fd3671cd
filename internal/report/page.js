const q = document.getElementById("q"), shown = document.getElementById("shown");
if (q) {
  const rows = [...document.getElementById("f").tBodies[0].rows].map(r => [r, r.textContent.toLowerCase()]);
  const filter = () => {
    const words = q.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const [row, text] of rows) {
      row.hidden = !words.every(w => text.includes(w));
      if (!row.hidden) n++;
    }
    shown.textContent = n === rows.length ? n + " shown" : n + " of " + rows.length + " shown";
  };
  q.addEventListener("input", filter);
  const fromLink = () => {
    try { q.value = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    filter();
  };
  addEventListener("hashchange", fromLink);
  fromLink();
}
