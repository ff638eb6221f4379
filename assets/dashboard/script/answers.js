// What a form was answered. `data-answers="id"` names a dialog that shows it: `data-member="numbers.new"` stands on what tells a member,
// `data-if="delivered"` and `data-unless` on what is shown only if there is something in it, and `data-rows="refused"` on what has a
// line for each entry of a list, made of the `template` in it. `data-tells="…"` is said once it is done.
//
// A secret is shown this once: it is taken out of the page with the dialog. `data-copies="id"` copies what is in a field, or selects it
// where the browser does not let pages copy.
//
// `data-in-query="region"` stands on a field that the API takes in the address.
(() => {
  "use strict";
  const MOST_ROWS = 200;

  const get = (object, path) => path.split(".").reduce((inner, part) => inner?.[part], object);
  const isThere = (value) => (Array.isArray(value) ? value.length > 0 : Boolean(value));
  const written = (value) => {
    if (value === null || value === undefined) return "–";
    return typeof value === "number" ? value.toLocaleString("en") : String(value);
  };

  const fill = (root, answer) => {
    for (const list of root.querySelectorAll("[data-rows]")) {
      for (const row of list.querySelectorAll("[data-row]")) row.remove();
      const template = list.querySelector("template").content.firstElementChild;
      for (const entry of (get(answer, list.dataset.rows) ?? []).slice(0, MOST_ROWS)) {
        const row = template.cloneNode(true);
        row.dataset.row = "";
        for (const place of row.querySelectorAll("[data-of-row]")) place.textContent = written(get(entry, place.dataset.ofRow));
        list.append(row);
      }
    }
    for (const place of root.querySelectorAll("[data-member]")) {
      const value = written(get(answer, place.dataset.member));
      if (place.matches("input")) place.value = value;
      else place.textContent = value;
    }
    for (const place of root.querySelectorAll("[data-if]")) place.hidden = !isThere(get(answer, place.dataset.if));
    for (const place of root.querySelectorAll("[data-unless]")) place.hidden = isThere(get(answer, place.dataset.unless));
  };

  document.addEventListener("outdial:done", (event) => {
    const { answers, tells } = event.target.dataset;
    if (tells) outdial.tell(tells, "", "well");
    const dialog = answers && document.getElementById(answers);
    if (!dialog) return;
    fill(dialog, event.detail);
    dialog.showModal();
  });

  // It does not bubble.
  document.addEventListener("close", (event) => {
    for (const secret of event.target.querySelectorAll?.("[data-secret]") ?? []) secret.value = "";
    for (const told of event.target.querySelectorAll?.("[data-copied]") ?? []) told.textContent = "";
  }, true);

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copies);
    const told = button.closest("dialog")?.querySelector("[data-copied]");
    field.select();
    let isCopied = false;
    try {
      await navigator.clipboard.writeText(field.value);
      isCopied = true;
    } catch {
      // There is none without HTTPS, and it may be forbidden.
      isCopied = document.execCommand("copy");
    }
    if (told) told.textContent = isCopied ? "Copied." : "It is selected: copy it with Ctrl+C, or ⌘C.";
  });

  const address = (field) => {
    const [path] = field.form.getAttribute("action").split("?");
    const value = field.value.trim();
    field.form.setAttribute("action", value ? `${path}?${field.dataset.inQuery}=${encodeURIComponent(value)}` : path);
  };
  document.addEventListener("input", (event) => {
    if (event.target.dataset.inQuery) address(event.target);
  });

  // Of what is typed anew nothing is left; what is hidden is not reset by the browser.
  document.addEventListener("reset", (event) => {
    for (const typed of event.target.querySelectorAll("[data-instant]")) document.getElementById(typed.dataset.instant).value = "";
    setTimeout(() => {
      for (const field of event.target.querySelectorAll("[data-in-query]")) address(field);
      outdial.choose(event.target);
    });
  });
})();
