// Dialogs with forms: `data-opens="id"` opens one, `data-closes` inside closes it, and so does its form once it is done. What the form
// changed is asked for anew: `data-renews` names the element. One that `data-stays` closes by its button only, and not by Escape. `data-leads-to` is where a button leads once it has done its work.
//
// An instant is typed on the reader's clock: `<input type="datetime-local" data-instant="at">` fills the hidden field `at`, and
// `data-elsewhere="at"` tells what the campaign's clock (`data-zone`) shows then.
(() => {
  "use strict";

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
    if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.querySelector("dialog[data-stays][open]")) event.preventDefault();
  });

  document.addEventListener("outdial:done", (event) => {
    const form = event.target;
    form.closest("dialog")?.close();
    if (form.dataset.renews) {
      form.reset();
      document.getElementById(form.dataset.renews)?.dispatchEvent(new CustomEvent("live"));
    }
    if (form.dataset.says && "contacts" in event.detail) {
      const { contacts } = event.detail;
      outdial.tell(contacts === 1 ? "1 contact" : `${contacts.toLocaleString("en")} contacts`, `${form.dataset.says}.`, "well");
    }
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const { successful, elt } = event.detail;
    if (successful && elt.dataset.leadsTo) location.assign(elt.dataset.leadsTo);
  });

  // What somebody has unfolded stays so when what is around it is asked for anew.
  document.addEventListener("DOMContentLoaded", () => {
    if (!("Idiomorph" in window)) return;
    Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) => !(name === "open" && element.localName === "details");
  });

  document.addEventListener("input", (event) => {
    const { instant, zone } = event.target.dataset;
    if (!instant) return;
    const at = new Date(event.target.value);
    const isGood = !Number.isNaN(at.getTime());
    document.getElementById(instant).value = isGood ? at.toISOString() : "";
    const told = document.querySelector(`[data-elsewhere="${instant}"]`);
    if (!told) return;
    const clock = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: zone, timeZoneName: "short" });
    told.textContent = isGood ? `On the campaign’s clock: ${clock.format(at)}` : "";
  });
})();
