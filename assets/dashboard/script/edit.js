// A form of settings of which only some may be changed now: `data-open` names these, with commas between. The others are shown, and
// neither changed nor sent.
(() => {
  "use strict";
  const ALWAYS = ["name", "settings_version"];

  const close = (form) => {
    const open = [...form.dataset.open.split(","), ...ALWAYS];
    const isOpen = (name) => open.includes(name.split(".")[0].replace(/^agent_id$/, "agent"));
    const inside = (root) => [...root.querySelectorAll("[name]:not([data-chooses]), [name][data-sent], [data-name]")].map((field) => field.dataset.name ?? field.name);
    for (const part of form.querySelectorAll("[data-name]")) {
      if (isOpen(part.dataset.name)) continue;
      part.removeAttribute("data-name");
      for (const field of part.querySelectorAll("input, button")) field.disabled = true;
    }
    for (const field of form.elements) {
      if (!field.name || field.disabled) continue;
      if (!("chooses" in field.dataset) || "sent" in field.dataset) {
        field.disabled = !isOpen(field.name);
        continue;
      }
      const choices = [...form.querySelectorAll(`[data-choice^="${field.dataset.chooses}="]`)];
      field.disabled = !choices.flatMap(inside).some(isOpen);
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const form of document.querySelectorAll("form[data-open]")) close(form);
  });
})();
