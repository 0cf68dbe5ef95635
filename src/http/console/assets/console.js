// What the console's pages do by themselves. Nothing here is needed to read them or to send their forms.
"use strict";

(() => {
  const looks = ["", "light", "dark"];
  const names = { "": "Auto", light: "Light", dark: "Dark" };
  const root = document.documentElement;

  // The look is kept in a cookie, so that the server can send the page in it at once.
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    const name = button.querySelector("[data-theme-name]");
    const show = () => {
      const look = root.dataset.theme ?? "";
      name.textContent = names[look];
      button.setAttribute("aria-label", `Look: ${names[look]}`);
    };
    button.hidden = false;
    show();
    button.addEventListener("click", () => {
      const next = looks[(looks.indexOf(root.dataset.theme ?? "") + 1) % looks.length];
      if (next) root.dataset.theme = next;
      else delete root.dataset.theme;
      const age = next ? 31536000 : 0;
      document.cookie = `tuttu-theme=${next}; Path=/admin; Max-Age=${age}; SameSite=Strict`;
      show();
      document.dispatchEvent(new Event("tuttu:look"));
    });
  }

  // A one-time secret comes after the #, which no server and no log is told.
  const field = document.querySelector("[data-from-fragment]");
  const take = () => {
    if (location.hash.length < 2) return;
    field.value = decodeURIComponent(location.hash.slice(1)).replace(/^secret=/, "");
    history.replaceState(null, "", location.pathname + location.search);
  };
  if (field) {
    take();
    addEventListener("hashchange", take);
  }
  // Numbers over time. What is drawn stands in the page as a table of sums, too; the drawing is swapped with its figure.
  const draw = (figure) => {
    const { at, sent, approved, refused } = JSON.parse(figure.dataset.series);
    const look = getComputedStyle(root);
    const colour = (name) => look.getPropertyValue(name).trim();
    const line = (label, name, dash) => ({ label, stroke: colour(name), width: 2, dash, points: { show: false } });
    const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 16);
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    figure.hidden = false;
    figure.replaceChildren();
    new uPlot({
      width: figure.clientWidth,
      height: 220,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: { y: { range: (_, __, most) => [0, Math.max(most, 1)] } },
      axes: [{ ...axis, values: (_, times) => times.map(clock) }, { ...axis, size: 46 }],
      series: [{ label: "Time (UTC)", value: (_, time) => (time == null ? "–" : clock(time)) }, line("Sent", "--series-1"), line("Proven", "--series-2"), line("Refused", "--series-3", [6, 4])],
    }, [at, sent, approved, refused], figure);
  };
  const drawAll = (which) => document.querySelectorAll(which).forEach(draw);
  // By then the library is there, which is loaded behind this.
  addEventListener("DOMContentLoaded", () => drawAll("[data-series]"));
  document.addEventListener("htmx:afterSwap", () => drawAll("[data-series][hidden]"));
  for (const [target, change] of [[matchMedia("(prefers-color-scheme: dark)"), "change"], [globalThis, "resize"], [document, "tuttu:look"]]) {
    target.addEventListener(change, () => drawAll("[data-series]"));
  }
})();
