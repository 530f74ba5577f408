// Everything works without this module. It refreshes the data every 30 seconds, and adds keys: / to search, arrows between
// cells, Enter to open one, Escape to leave.

const interval = 30_000;
const main = document.querySelector("main");
const bar = document.querySelector(".refresh");

// position finds a link again in a table that was replaced: by its table, row and column, or by its address.
function position(link) {
  const cell = link.closest("td, th");
  if (!cell) return null;
  return { href: link.getAttribute("href"), row: cell.parentElement.rowIndex, column: cell.cellIndex };
}

function restore(at, data) {
  if (!at) return;
  const same = [...data.querySelectorAll("td a, th a")].filter((link) => link.getAttribute("href") === at.href);
  const target = same.find((link) => position(link).column === at.column) ?? same[0]; // columns may have moved
  const cell = data.querySelectorAll("tr")[at.row]?.cells[at.column];
  (target ?? cell?.querySelector("a"))?.focus({ preventScroll: true });
}

// replace puts the content of a new page in the place of the old one, with the focus and the scroll positions. Filters keep what
// was typed.
function replace(page) {
  const next = page.querySelector("#data");
  const data = document.querySelector("#data");
  if (!next || !data) return false;
  const focused = data.contains(document.activeElement) ? position(document.activeElement) : null;
  const region = data.contains(document.activeElement) && !focused;
  const scrolled = data.querySelector(".scroll");
  const [left, top] = [scrolled?.scrollLeft ?? 0, scrolled?.scrollTop ?? 0];
  const [x, y] = [window.scrollX, window.scrollY];
  data.replaceWith(document.adoptNode(next));
  const summary = page.querySelector(".head .sum");
  if (summary) document.querySelector(".head .sum")?.replaceWith(document.adoptNode(summary));
  const table = next.querySelector(".scroll");
  if (table) [table.scrollLeft, table.scrollTop] = [left, top];
  if (region) table?.focus({ preventScroll: true });
  restore(focused, next);
  window.scrollTo(x, y);
  return true;
}

function startRefreshing() {
  const status = bar.querySelector("[role=status]");
  const button = bar.querySelector("button");
  let timer = 0;
  let paused = false;
  let last = Date.now();

  const schedule = () => {
    clearTimeout(timer);
    if (!paused && !document.hidden) timer = setTimeout(refresh, Math.max(0, last + interval - Date.now()));
  };
  const show = (text) => {
    if (status.textContent !== text) status.textContent = text;
  };

  async function refresh() {
    try {
      const response = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(interval) });
      if (new URL(response.url).pathname === "/login") {
        show("The session has ended. Reload the page to log in.");
        return;
      }
      if (!response.ok) throw new Error(String(response.status));
      const text = await response.text();
      if (paused || document.hidden) return;
      show(replace(new DOMParser().parseFromString(text, "text/html")) ? "Refreshes every 30 s" : "This page has changed. Reload it.");
    } catch {
      show("The last refresh failed; trying again");
    }
    last = Date.now();
    schedule();
  }

  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "Resume" : "Pause";
    show(paused ? "Paused" : "Refreshes every 30 s");
    schedule();
  });
  document.addEventListener("visibilitychange", schedule);
  // For tests, and for those who do not want to wait.
  document.addEventListener("refresh-now", refresh);
  show("Refreshes every 30 s");
  bar.hidden = false;
  schedule();
}

// move focuses the nearest link in a direction within a table.
function move(link, rows, columns) {
  const cell = link.closest("td, th");
  const table = cell.closest("table");
  let { cellIndex: column } = cell;
  let { rowIndex: row } = cell.parentElement;
  for (;;) {
    row += rows;
    column += columns;
    const next = table.rows[row]?.cells[column];
    if (!next) return false;
    const target = next.querySelector("a");
    if (target) {
      target.focus();
      target.scrollIntoView({ block: "nearest", inline: "nearest" });
      return true;
    }
  }
}

const arrows = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const active = document.activeElement;
  const typing = active.matches("input, select, textarea");
  const search = document.querySelector("#q");
  if (event.key === "Escape") {
    active.blur();
  } else if (event.key === "/" && !typing && search) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (arrows[event.key] && !typing) {
    if (active.closest("td, th")) {
      if (move(active, ...arrows[event.key])) event.preventDefault();
    } else if (active === document.body || active === main) {
      const first = document.querySelector("#data tbody td a");
      if (first) {
        event.preventDefault();
        first.focus();
      }
    }
  }
});

if (main.hasAttribute("data-refreshes")) startRefreshing();
