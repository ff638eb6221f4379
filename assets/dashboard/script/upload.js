// The list of a new campaign: dropped or picked, sent with its progress, and shown as it was understood. It can be read otherwise
// (other columns, another country) as long as the server keeps the file, or the page has it.
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

    // While a list is on its way or is being read, no campaign is made of the one before.
    const isUnderWay = (is) => {
      under.hidden = !is;
      if (is) area.setAttribute("aria-busy", "true");
      else area.removeAttribute("aria-busy");
    };

    // Whether something else was chosen than the list was read by.
    const isOtherwise = (field) => {
      if (!field.matches("select")) return field.matches("input") && field.value !== field.defaultValue;
      const options = [...field.options];
      return !(options.find((option) => option.defaultSelected) ?? options[0]).selected;
    };

    // What the list came to, and what it is called where nothing else was typed.
    const understood = async (id, proposed) => {
      list.value = id;
      if (proposed !== undefined) {
        const name = form.elements.namedItem("name");
        if (["", area.dataset.proposed].includes(name.value.trim())) name.value = proposed;
        area.dataset.proposed = proposed.trim();
      }
      list.dispatchEvent(new Event("change", { bubbles: true }));
      await look();
      preview.querySelector("h3")?.scrollIntoView({ block: "nearest" });
    };

    // The server reads the file that it keeps. Where it keeps it no longer, it is sent again, if the page has it.
    const readOtherwise = async (options) => {
      outdial.clear(area);
      isUnderWay(true);
      bar.removeAttribute("value");
      told.textContent = "Reading the list otherwise…";
      const address = `${ADDRESS}/${encodeURIComponent(list.value)}/again`;
      const answer = await outdial.send("POST", address, { data: JSON.stringify(options), type: "application/json" });
      isUnderWay(false);
      if (answer.status === 201) return understood(JSON.parse(answer.text).id);
      if (answer.status === 401) return outdial.signIn();
      const problem = outdial.problem(answer.status, answer.text);
      const isGone = answer.status === 404 || problem.type?.endsWith(":file-not-kept");
      if (isGone && file) return send(options);
      refused(isGone ? { detail: "the list is kept no longer; choose it once more" } : problem);
      if (isGone) picker.focus();
    };

    const look = () => htmx.ajax("GET", `/imports/${encodeURIComponent(list.value)}/preview`, { source: preview, target: preview, swap: "innerHTML" });

    const send = async (options) => {
      outdial.clear(area);
      otherwise.hidden = true;
      isUnderWay(true);
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
      isUnderWay(false);
      if (answer.status === 401) return outdial.signIn();
      if (answer.status !== 201) return refused(outdial.problem(answer.status, answer.text), true);
      const proposed = file.name.replace(/\.[^.]*$/, "").replace(/[_-]+/g, " ").slice(0, 200);
      await understood(JSON.parse(answer.text).id, proposed);
    };

    // The file stays: which column is which can be said, and it is tried again.
    const refused = (problem, isOfSending = false, beside = drop) => {
      const said = document.createElement("p");
      said.className = "problem";
      said.dataset.told = "";
      said.setAttribute("role", "alert");
      said.textContent = outdial.sentence(problem.detail ?? problem.title);
      beside.after(said);
      otherwise.hidden = !isOfSending;
      said.scrollIntoView({ block: "nearest" });
    };

    // What was there before is not what is meant any more, whatever becomes of this one.
    const forget = () => {
      list.value = "";
      list.dispatchEvent(new Event("change", { bubbles: true }));
      preview.textContent = "";
    };

    const take = (files) => {
      if (files.length === 0) return;
      [file] = files;
      forget();
      chosen.textContent = `${file.name}, ${megabytes(file.size)}`;
      send({});
    };

    picker.addEventListener("change", () => {
      take(picker.files);
      // The same file can be chosen once more.
      picker.value = "";
    });
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
      const options = outdial.collect(event.target);
      if (event.target === otherwise) send(options);
      else readOtherwise(options);
    });

    // A campaign is made of what is shown, and of nothing that was chosen and not looked at.
    form.addEventListener("submit", (event) => {
      const mapping = preview.querySelector("form");
      const isUnread = mapping && [...mapping.elements].some(isOtherwise);
      if (!area.hasAttribute("aria-busy") && !isUnread) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      outdial.clear(area);
      if (isUnread) {
        mapping.closest("details").open = true;
        refused({ detail: "the list is not read yet as you chose under “How it was read”: press “Read it so”, and look at it" }, false, mapping.lastElementChild);
        mapping.querySelector("button").focus();
      } else {
        refused({ detail: "the list is still on its way; wait until it is shown" });
      }
    }, true);

    // One that is kept no longer has to be chosen again.
    preview.addEventListener("htmx:responseError", () => {
      forget();
      chosen.textContent = "";
      refused({ detail: "the list is kept no longer; choose it once more" });
    });
    preview.addEventListener("htmx:sendError", () => refused({ detail: "the list is there, and the server cannot be reached to show it; load the page anew, nothing typed is lost" }));
    if (list.value) look();
  };

  document.addEventListener("outdial:ready", () => {
    const area = document.querySelector("[data-list]");
    if (area) begin(area);
  });
})();
