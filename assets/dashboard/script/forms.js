// Forms that ask the API. `<form data-api="POST" action="/api/v1/agents" data-then="/agents">` sends its fields as a JSON
// object: `name="script.say"` is a member of a member; `data-as` says what a text is: `number`, `json`, `lines` (a list),
// `list` and `numbers` (a list with commas between), `pairs` (an object, `name=value` a line), or `boolean` of a select; a checkbox
// is true or false, or with `data-as="member"` its value is in a list or not. What is empty is left out, or is the JSON in
// `data-empty`. An element that is no field, but has `data-name` and `data-as`, is read as a whole; other parts of the script add
// what it can be to `outdial.reads`. With `data-within="agent"` the names begin with that, which is not sent. A form with a file is
// sent as multipart: the file, and the other fields as `settings`. With `data-once` what was sent twice is made once. With
// `data-api="PATCH"` only what was changed is sent. `{id}` in `data-then`, of the form or of the button, is a member of the answer.
//
// Of a choice only the chosen one's fields are sent and shown: `data-chooses="kind"` stands on the select or the radios, which are
// themselves sent only with `data-sent`, and `data-choice="kind=say"`, with blanks between several, on the `fieldset`.
//
// What is refused is told at the field that it is about, or at the element that names the problem's type in `data-problems`, or
// else above the form. That element may say it in words of its own, in `data-` and the type. What was typed stays.
(() => {
  "use strict";

  const put = (object, path, value) => {
    const parts = path.split(".");
    const last = parts.pop();
    parts.reduce((inner, part) => (inner[part] ??= {}), object)[last] = value;
  };
  const get = (object, path) => path.split(".").reduce((inner, part) => inner?.[part], object);

  const separated = (text) => text.split(",").map((part) => part.trim()).filter(Boolean);
  const reads = {
    number: ({ value }) => Number(value),
    boolean: ({ value }) => value === "true",
    json: ({ value }) => JSON.parse(value),
    lines: ({ value }) => value.split("\n").map((line) => line.trim()).filter(Boolean),
    list: ({ value }) => separated(value),
    numbers: ({ value }) => separated(value).map(Number),
    pairs: ({ value }) => Object.fromEntries(reads.lines({ value }).map((line) => {
      const [name, ...rest] = line.split("=");
      return [name.trim(), rest.join("=").trim()];
    })),
  };

  const read = (field) => {
    if (field.type === "checkbox") return field.checked;
    const { as, empty } = field.dataset;
    if (field.value?.trim() === "") return empty === undefined ? undefined : JSON.parse(empty);
    return as ? reads[as](field) : field.value;
  };

  const nameOf = (field) => {
    const name = field.dataset.name ?? field.name;
    const within = field.closest("form")?.dataset.within;
    return within && name.startsWith(`${within}.`) ? name.slice(within.length + 1) : name;
  };

  const isSent = (field) => {
    if (field.matches(":disabled, fieldset:disabled *")) return false;
    const needed = field.dataset.needs && document.getElementById(field.dataset.needs);
    return !needed || needed.value.trim() !== "";
  };
  const isField = (field) => field.name && field.type !== "file" && (!("chooses" in field.dataset) || "sent" in field.dataset) && (field.type !== "radio" || field.checked);
  const fields = (form) => [...form.elements].filter(isField).concat(...form.querySelectorAll("[data-name]")).filter(isSent);

  // The fields as one object.
  const collect = (form) => {
    const object = {};
    for (const field of fields(form)) {
      const name = nameOf(field);
      if (field.dataset.as === "member") {
        if (!get(object, name)) put(object, name, []);
        if (field.checked) get(object, name).push(field.value);
        continue;
      }
      const value = read(field);
      if (value !== undefined) put(object, name, value);
    }
    return object;
  };

  const clear = (form) => {
    for (const field of form.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
      field.setAttribute("aria-describedby", (field.getAttribute("aria-describedby") ?? "").replace(`${field.id}-problem`, "").trim());
    }
    for (const told of document.querySelectorAll(".problem[data-told]")) told.remove();
  };

  const problemText = (text, id) => {
    const told = document.createElement("p");
    told.className = "problem";
    told.dataset.told = "";
    told.setAttribute("role", "alert");
    told.textContent = text;
    if (id) told.id = id;
    return told;
  };

  // The field that a sentence begins with, as in `caps: per_day is 0` or `agent.script.say.text: …`: the one of the longest path,
  // or else the first inside of what is named. What names the field itself is left out of the sentence.
  const about = (form, detail) => {
    const all = fields(form);
    for (const begins of [/^([\w.-]+): ([\w.-]+)(?= )/, /^([\w.-]+)(?:\[\d+\])?(?=[ :])/]) {
      const [words, ...path] = begins.exec(detail) ?? [];
      if (!words) continue;
      const named = path.filter(Boolean).join(".");
      // `timezone: unknown …`: the second word is a member only where there is one.
      const isNamed = (name) => (named === name || named.startsWith(`${name}.`)) && (path.length === 1 || name.length > path[0].length);
      const around = all.filter((field) => isNamed(nameOf(field)));
      const inside = all.filter((field) => field.type !== "hidden" && nameOf(field).startsWith(`${named}.`));
      const rest = detail.slice(words.length);
      const [found] = around.sort((one, other) => nameOf(other).length - nameOf(one).length);
      if (found) return { field: found, text: rest.startsWith(": ") ? rest.slice(2) : `it${rest}` };
      if (inside.length > 0) return { field: inside[0], text: detail };
    }
    return undefined;
  };

  const reveal = (element) => {
    for (let closed = element.closest("details:not([open])"); closed; closed = closed.parentElement.closest("details:not([open])")) closed.open = true;
    element.scrollIntoView({ block: "center" });
  };

  const show = (form, problem) => {
    const detail = problem.detail ?? problem.title;
    const found = about(form, detail);
    if (!found) {
      const type = (problem.type ?? "").split(":").pop() || "problem";
      const place = document.querySelector(`[data-problems~="${CSS.escape(type)}"]`) ?? form;
      const told = problemText(place.getAttribute(`data-${type}`) ?? outdial.sentence(detail));
      place.prepend(told);
      reveal(told);
      return;
    }
    const { field, text } = found;
    const told = problemText(outdial.sentence(text), `${field.id}-problem`);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `${told.id} ${field.getAttribute("aria-describedby") ?? ""}`.trim());
    const seen = field.type === "hidden" ? field.parentElement : field;
    (seen.closest(".unit, .check") ?? seen).after(told);
    reveal(told);
    field.focus({ preventScroll: true });
  };

  // What a form of changes held at first. Of these only what is changed is sent: what is not touched here may be somebody else's.
  const first = new WeakMap();
  const remember = (form) => first.set(form, collect(form));
  const changed = (form, object) => {
    const before = first.get(form);
    if (form.dataset.api !== "PATCH" || !before) return object;
    const isChanged = ([name, value]) => name === "settings_version" || JSON.stringify(value) !== JSON.stringify(before[name]);
    return Object.fromEntries(Object.entries(object).filter(isChanged));
  };

  const body = (form) => {
    const object = changed(form, collect(form));
    const file = form.querySelector("input[type=file]")?.files[0];
    if (!file) return { data: JSON.stringify(object), type: "application/json" };
    const parts = new FormData();
    parts.append("settings", JSON.stringify(object));
    parts.append("file", file);
    return { data: parts };
  };

  // Sends by XMLHttpRequest, which tells how far an upload is.
  const send = (method, address, { data, type, once }, progress) => new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.setRequestHeader("X-CSRF-Token", document.querySelector("meta[name=csrf-token]").content);
    request.setRequestHeader("Accept", "application/json");
    if (type) request.setRequestHeader("Content-Type", type);
    if (once) request.setRequestHeader("Idempotency-Key", once);
    if (progress) request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total, event.loaded));
    request.addEventListener("loadend", () => done({ status: request.status, text: request.responseText }));
    request.send(data);
  });

  // A name for what is sent, which stays as long as that stays. Random UUIDs are given over HTTPS only.
  const names = new WeakMap();
  const nameFor = (form, data) => {
    const before = names.get(form);
    if (before?.data === data) return before.name;
    const name = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    names.set(form, { data, name });
    return name;
  };

  const submit = async (form, button) => {
    clear(form);
    let sent;
    try {
      sent = body(form);
    } catch (error) {
      return show(form, { detail: `expected JSON: ${error.message}` });
    }
    if ("once" in form.dataset) sent.once = nameFor(form, sent.data);
    const buttons = [...form.querySelectorAll("button:not([type=button])")].filter((one) => !one.disabled);
    for (const one of buttons) one.disabled = true;
    const bar = form.querySelector("progress");
    const answer = await send(form.dataset.api, form.getAttribute("action"), sent, bar && ((share) => { bar.value = share; }));
    for (const one of buttons) one.disabled = false;
    if (answer.status === 401) return outdial.signIn();
    if (answer.status < 200 || answer.status >= 300) return show(form, outdial.problem(answer.status, answer.text));
    const made = answer.text ? JSON.parse(answer.text) : {};
    const event = new CustomEvent("outdial:done", { bubbles: true, cancelable: true, detail: { ...made, button } });
    const then = button?.dataset.then ?? form.dataset.then;
    if (!form.dispatchEvent(event) || !then) return;
    location.assign(then.replace(/\{(\w+)\}/g, (_, member) => encodeURIComponent(made[member])));
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.api) return;
    event.preventDefault();
    submit(form, event.submitter);
  });

  // Shows and sends of each choice what is chosen.
  const choose = (root) => {
    for (const chooser of root.querySelectorAll("[data-chooses]")) {
      if (chooser.type === "radio" && !chooser.checked) continue;
      for (const choice of root.querySelectorAll(`[data-choice^="${chooser.dataset.chooses}="]`)) {
        const values = choice.dataset.choice.slice(chooser.dataset.chooses.length + 1).split(" ");
        const isChosen = values.includes(chooser.value);
        choice.hidden = !isChosen;
        choice.disabled = !isChosen;
      }
    }
  };
  document.addEventListener("change", (event) => {
    if ("chooses" in event.target.dataset) choose(event.target.form ?? document);
  });
  document.addEventListener("DOMContentLoaded", () => choose(document));

  // A filter that is empty is none, also in the address.
  document.addEventListener("htmx:configRequest", ({ detail: { verb, parameters } }) => {
    if (verb !== "get") return;
    for (const [name, value] of Object.entries(parameters)) if (value === "") delete parameters[name];
  });

  Object.assign(outdial, { send, reads, collect, choose, remember, show, clear });
})();
