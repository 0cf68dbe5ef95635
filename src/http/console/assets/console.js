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
})();
