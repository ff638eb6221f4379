// The list of a new campaign: dropped or picked, sent with its progress, and shown as it was understood. It can be read otherwise
// (other columns, another country) as long as the page has the file.
(() => {
  "use strict";
  const ADDRESS = "/api/v1/imports";

  const megabytes = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

  const begin = (area) => {
    const picker = area.querySelector("input[type=file]");
    const drop = area.querySelector("[data-drop]");
    const under = area.querySelector("[data-under-way]");
    const bar = under.querySelector("progress");
    const told = under.querySelector("[role=status]");
    const preview = area.querySelector("[data-preview]");
    const chosen = area.querySelector("[data-chosen]");
    const otherwise = area.querySelector("[data-otherwise]");
    const form = document.querySelector("form[data-settings]");
    const list = form.elements.namedItem("import_id");
    let file;

    const look = () => htmx.ajax("GET", `/imports/${encodeURIComponent(list.value)}/preview`, { source: preview, target: preview, swap: "innerHTML" });

    const send = async (options) => {
      outdial.clear(area);
      otherwise.hidden = true;
      under.hidden = false;
      area.setAttribute("aria-busy", "true");
      told.textContent = `Sending ${file.name}…`;
      bar.value = 0;
      const parts = new FormData();
      parts.append("settings", JSON.stringify(options));
      parts.append("file", file);
      const answer = await outdial.send("POST", ADDRESS, { data: parts }, (share, sent) => {
        if (share < 1) {
          bar.value = share;
          told.textContent = `Sending ${file.name}: ${megabytes(sent)} of ${megabytes(file.size)}`;
        } else {
          bar.removeAttribute("value");
          told.textContent = `Reading ${file.name}…`;
        }
      });
      under.hidden = true;
      area.removeAttribute("aria-busy");
      if (answer.status === 401) return outdial.signIn();
      if (answer.status !== 201) return refused(outdial.problem(answer.status, answer.text));
      list.value = JSON.parse(answer.text).id;
      const name = form.elements.namedItem("name");
      const proposed = file.name.replace(/\.[^.]*$/, "").replace(/[_-]+/g, " ").slice(0, 200);
      if (["", area.dataset.proposed].includes(name.value.trim())) name.value = proposed;
      area.dataset.proposed = proposed.trim();
      list.dispatchEvent(new Event("change", { bubbles: true }));
      await look();
      preview.querySelector("h3")?.scrollIntoView({ block: "nearest" });
    };

    // The file stays: which column is which can be said, and it is tried again.
    const refused = (problem) => {
      const said = document.createElement("p");
      said.className = "problem";
      said.dataset.told = "";
      said.setAttribute("role", "alert");
      said.textContent = outdial.sentence(problem.detail ?? problem.title);
      drop.after(said);
      otherwise.hidden = !file;
      said.scrollIntoView({ block: "nearest" });
    };

    const take = (files) => {
      if (files.length === 0) return;
      [file] = files;
      chosen.textContent = `${file.name}, ${megabytes(file.size)}`;
      send({});
    };

    picker.addEventListener("change", () => take(picker.files));
    for (const kind of ["dragenter", "dragover"]) {
      drop.addEventListener(kind, (event) => {
        event.preventDefault();
        drop.classList.add("over");
      });
    }
    for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      take(event.dataTransfer.files);
    });
    // A file that is dropped beside would take the place of the page.
    for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());

    area.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!file) {
        refused({ detail: "choose the file once more to have it read otherwise" });
        picker.focus();
        return;
      }
      send(outdial.collect(event.target));
    });

    // One that is kept no longer has to be chosen again.
    preview.addEventListener("htmx:responseError", () => {
      list.value = "";
      list.dispatchEvent(new Event("change", { bubbles: true }));
      chosen.textContent = "";
      preview.textContent = "";
      refused({ detail: "the list is kept no longer; choose it once more" });
    });
    if (list.value) look();
  };

  document.addEventListener("outdial:ready", () => {
    const area = document.querySelector("[data-list]");
    if (area) begin(area);
  });
})();
