// Forms that ask the API. `<form data-api="POST" action="/api/v1/agents" data-then="/agents">` sends its fields as a JSON
// object: `name="script.say"` is a member of a member; `data-as` says what a text is: `number`, `json`, `lines` (a list), or
// `boolean` of a select; a checkbox is true or false. What is empty is left out, or null with `data-empty="null"`. A form with a
// file is sent as multipart: the file, and the other fields as `settings`. `{id}` in `data-then` is a member of the answer.
//
// What is refused is told at the field that it is about, or else above the form. What was typed stays.
(() => {
  "use strict";

  const put = (object, path, value) => {
    const parts = path.split(".");
    const last = parts.pop();
    parts.reduce((inner, part) => (inner[part] ??= {}), object)[last] = value;
  };

  const read = (field) => {
    if (field.type === "checkbox") return field.checked;
    const text = field.value;
    if (text.trim() === "") return field.dataset.empty === "null" ? null : undefined;
    switch (field.dataset.as) {
      case "number": return Number(text);
      case "boolean": return text === "true";
      case "json": return JSON.parse(text);
      case "lines": return text.split("\n").map((line) => line.trim()).filter(Boolean);
      default: return text;
    }
  };

  const fields = (form) => [...form.elements].filter((field) => field.name && !field.disabled && field.type !== "file" && (field.type !== "radio" || field.checked));

  const clear = (form) => {
    for (const field of form.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
      field.setAttribute("aria-describedby", (field.getAttribute("aria-describedby") ?? "").replace(`${field.id}-problem`, "").trim());
    }
    for (const told of form.querySelectorAll(".problem")) told.remove();
  };

  const problemText = (text, id) => {
    const told = document.createElement("p");
    told.className = "problem";
    told.setAttribute("role", "alert");
    told.textContent = text;
    if (id) told.id = id;
    return told;
  };

  // The field whose path the problem begins with: the longest one.
  const about = (form, detail) => {
    const named = fields(form).filter((field) => detail.startsWith(field.name) && !/[\w.]/.test(detail[field.name.length] ?? " "));
    return named.sort((one, other) => other.name.length - one.name.length)[0];
  };

  const show = (form, problem) => {
    const text = outdial.sentence(problem.detail ?? problem.title);
    const field = about(form, problem.detail ?? "");
    if (!field) {
      const told = problemText(text);
      form.prepend(told);
      told.scrollIntoView({ block: "center" });
      return;
    }
    const told = problemText(text, `${field.id}-problem`);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `${told.id} ${field.getAttribute("aria-describedby") ?? ""}`.trim());
    field.after(told);
    field.focus();
  };

  const body = (form) => {
    const object = {};
    for (const field of fields(form)) {
      const value = read(field);
      if (value !== undefined) put(object, field.name, value);
    }
    const file = form.querySelector("input[type=file]")?.files[0];
    if (!file) return { data: JSON.stringify(object), type: "application/json" };
    const parts = new FormData();
    parts.append("settings", JSON.stringify(object));
    parts.append("file", file);
    return { data: parts };
  };

  // Sends by XMLHttpRequest, which tells how far an upload is.
  const send = (method, address, { data, type }, progress) => new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.setRequestHeader("X-CSRF-Token", document.querySelector("meta[name=csrf-token]").content);
    request.setRequestHeader("Accept", "application/json");
    if (type) request.setRequestHeader("Content-Type", type);
    if (progress) request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
    request.addEventListener("loadend", () => done({ status: request.status, text: request.responseText }));
    request.send(data);
  });

  const submit = async (form, button) => {
    clear(form);
    let sent;
    try {
      sent = body(form);
    } catch (error) {
      return show(form, { detail: `expected JSON: ${error.message}` });
    }
    if (button) button.disabled = true;
    const bar = form.querySelector("progress");
    const answer = await send(form.dataset.api, form.getAttribute("action"), sent, bar && ((share) => { bar.value = share; }));
    if (button) button.disabled = false;
    if (answer.status === 401) return outdial.signIn();
    if (answer.status < 200 || answer.status >= 300) return show(form, outdial.problem(answer.status, answer.text));
    const made = answer.text ? JSON.parse(answer.text) : {};
    const event = new CustomEvent("outdial:done", { bubbles: true, cancelable: true, detail: made });
    if (!form.dispatchEvent(event) || !form.dataset.then) return;
    location.assign(form.dataset.then.replace(/\{(\w+)\}/g, (_, member) => encodeURIComponent(made[member])));
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.api) return;
    event.preventDefault();
    submit(form, event.submitter);
  });

  outdial.send = send;

  // A filter that is empty is none, also in the address.
  document.addEventListener("htmx:configRequest", ({ detail: { verb, parameters } }) => {
    if (verb !== "get") return;
    for (const [name, value] of Object.entries(parameters)) if (value === "") delete parameters[name];
  });
})();
