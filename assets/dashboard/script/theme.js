// Light or dark: as the system says, unless somebody has chosen here. It runs before anything is shown.
(() => {
  "use strict";
  const KEY = "outdial.theme";
  const CHOICES = ["system", "light", "dark"];

  const read = () => {
    try {
      const chosen = localStorage.getItem(KEY);
      return CHOICES.includes(chosen) ? chosen : "system";
    } catch {
      return "system";
    }
  };

  const apply = (choice) => {
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
  };

  apply(read());

  document.addEventListener("DOMContentLoaded", () => {
    const control = document.querySelector("[data-theme-switch]");
    if (!control) return;
    const label = control.querySelector("span");
    label.textContent = read();
    control.hidden = false;
    control.addEventListener("click", () => {
      const next = CHOICES[(CHOICES.indexOf(read()) + 1) % CHOICES.length];
      try {
        localStorage.setItem(KEY, next);
      } catch {
        // It holds for this page, then.
      }
      apply(next);
      label.textContent = next;
    });
  });
})();
