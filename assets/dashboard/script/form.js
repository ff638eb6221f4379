// The form of a campaign's settings (`<form data-settings>`), for a new one and for one that is changed: windows of the week,
// times in the campaign's zone, the sample of what is heard, and what was typed, which is kept until it is sent.
(() => {
  "use strict";
  const KEPT = "outdial.draft.";
  const ASKS_AFTER = 500;
  // What is told of a script has to fit into an address, also through proxies.
  const LONGEST_ADDRESS = 7000;

  // A time of the day as the API has it: a window that ends at midnight ends at 24:00.
  const pair = (row) => {
    const [start, end] = [...row.querySelectorAll("input")].map((input) => input.value);
    if (!start && !end) return undefined;
    return [start, end === "00:00" ? "24:00" : end];
  };
  outdial.reads.window = (row) => pair(row);
  outdial.reads.windows = (week) => {
    const days = {};
    for (const day of week.querySelectorAll("[data-day]")) {
      const windows = [...day.querySelectorAll(".window")].map(pair).filter(Boolean);
      if (windows.length > 0) days[day.dataset.day] = windows;
    }
    return days;
  };

  // The instants at which the clock of a zone shows a local time: one, or two where it is set back, or none where it is set forward;
  // then the one as long after the change as was meant is told as `instead`.
  const A_DAY = 86_400_000;
  const instants = (local, timeZone) => {
    const wanted = Date.parse(`${local}Z`);
    const format = new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
    const shown = (at) => {
      const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
      return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
    };
    // By the clock as it goes the day before and the day after: between these it is changed once at most.
    const guesses = [wanted - A_DAY, wanted + A_DAY].map((near) => wanted - (shown(near) - near));
    const found = [...new Set(guesses)].filter((at) => shown(at) === wanted).sort((one, other) => one - other);
    return { found, instead: guesses[0], shown };
  };
  outdial.reads.instant = (field) => {
    try {
      const { found, instead } = instants(field.value, document.getElementById(field.dataset.zone).value);
      return new Date(found[0] ?? instead).toISOString();
    } catch {
      // The zone is none: the API says so.
      return `${field.value.length > 16 ? field.value : `${field.value}:00`}Z`;
    }
  };

  // Where clocks are changed it is said beside the field which time is meant.
  const tellOfClocks = (form) => {
    for (const field of form.querySelectorAll("[data-as=instant]")) {
      const told = document.getElementById(`${field.id}-clocks`);
      if (!told) continue;
      told.textContent = "";
      if (!field.value) continue;
      try {
        const { found, instead, shown } = instants(field.value, document.getElementById(field.dataset.zone).value);
        const clock = (at) => new Date(shown(at)).toISOString().slice(11, 16);
        if (found.length === 2) told.textContent = "Clocks are set back then, and show this time twice: the first is meant.";
        if (found.length === 0) told.textContent = `Clocks are set forward then, and never show this time: ${clock(instead)} is meant.`;
      } catch {
        // The zone is none.
      }
    }
  };

  // Windows of the week.
  const addWindow = (day, [start, end] = ["", ""]) => {
    const row = document.getElementById("window").content.firstElementChild.cloneNode(true);
    const [from, to] = row.querySelectorAll("input");
    [from.value, to.value] = [start, end === "24:00" ? "00:00" : end];
    const name = day.dataset.label;
    from.setAttribute("aria-label", `${name}, from`);
    to.setAttribute("aria-label", `${name}, to`);
    row.querySelector("button").setAttribute("aria-label", `Remove this window of ${name}`);
    day.querySelector(".windows").append(row);
    closed(day);
    return row;
  };
  const closed = (day) => {
    day.querySelector(".closed").hidden = day.querySelector(".window") !== null;
  };
  const fill = (week, windows) => {
    for (const day of week.querySelectorAll("[data-day]")) {
      for (const row of day.querySelectorAll(".window")) row.remove();
      for (const each of windows[day.dataset.day] ?? []) addWindow(day, each);
      closed(day);
    }
  };
  const PRESETS = {
    office: () => Object.fromEntries(["mon", "tue", "wed", "thu", "fri"].map((day) => [day, [["09:00", "17:00"]]])),
    daily: () => Object.fromEntries(["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map((day) => [day, [["09:00", "20:00"]]])),
    monday: (week) => {
      const windows = outdial.reads.windows(week).mon ?? [];
      return Object.fromEntries(["mon", "tue", "wed", "thu", "fri"].map((day) => [day, windows]));
    },
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const day = button.closest("[data-day]");
    if (button.matches("[data-add-window]")) {
      const last = [...day.querySelectorAll(".window")].pop();
      const after = last && pair(last);
      addWindow(day, after ? ["", ""] : ["09:00", "17:00"]).querySelector("input").focus();
    } else if (button.matches("[data-remove-window]")) {
      button.closest(".window").remove();
      closed(day);
      day.querySelector("[data-add-window]").focus();
    } else if (button.dataset.preset) {
      const week = button.closest("form").querySelector("[data-as=windows]");
      fill(week, PRESETS[button.dataset.preset](week));
    } else {
      return;
    }
    button.form?.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // A slider beside its number.
  const mirror = (slider) => {
    const number = document.getElementById(slider.dataset.mirrors);
    const follow = () => { slider.value = number.value; };
    slider.addEventListener("input", () => {
      number.value = slider.value;
      number.dispatchEvent(new Event("input", { bubbles: true }));
    });
    number.addEventListener("input", follow);
    follow();
  };

  // What was typed, by the ids of the fields.
  const typed = (form) => {
    const fields = [...form.elements].filter((field) => field.id && field.type !== "file");
    const values = Object.fromEntries(fields.map((field) => [field.id, ["checkbox", "radio"].includes(field.type) ? field.checked : field.value]));
    const weeks = [...form.querySelectorAll("[data-as=windows]")].map((week) => outdial.reads.windows(week));
    return { values, weeks };
  };
  const restore = (form, { values, weeks }) => {
    for (const [id, value] of Object.entries(values)) {
      const field = document.getElementById(id);
      if (field?.form !== form) continue;
      if (typeof value === "boolean") field.checked = value;
      else field.value = value;
    }
    form.querySelectorAll("[data-as=windows]").forEach((week, place) => fill(week, weeks[place] ?? {}));
  };
  const keep = (form) => {
    try {
      sessionStorage.setItem(KEPT + form.dataset.settings, JSON.stringify(typed(form)));
    } catch {
      // It lasts as long as the page, then.
    }
  };
  const kept = (form) => {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT + form.dataset.settings));
    } catch {
      return null;
    }
  };
  const forget = (form) => {
    try {
      sessionStorage.removeItem(KEPT + form.dataset.settings);
    } catch {
      // There is nothing to forget.
    }
  };

  // What somebody of the list would hear.
  const sample = (form) => {
    const box = form.querySelector("[data-sample]");
    if (!box) return;
    const list = box.dataset.import ?? form.elements.namedItem("import_id")?.value;
    if (!list) {
      box.textContent = "As soon as there is a list, what its people hear is shown here.";
      return;
    }
    let settings;
    try {
      const { agent, agent_id, answering_machine, opt_out_digit } = outdial.collect(form);
      // Nothing is wrong with what is not written yet.
      if (agent?.script?.say?.text === "") agent.script.say.text = "…";
      if (agent) agent.name ??= "";
      settings = JSON.stringify({ agent, agent_id, answering_machine, opt_out_digit });
    } catch {
      return;
    }
    // Who goes on speaking is known to the campaign.
    const campaign = box.dataset.campaign ? `&campaign=${encodeURIComponent(box.dataset.campaign)}` : "";
    const address = `/imports/${encodeURIComponent(list)}/sample?row=${box.dataset.row ?? 0}${campaign}&settings=${encodeURIComponent(settings)}`;
    if (address.length > LONGEST_ADDRESS) {
      box.textContent = "This script is too long for a sample here. It is checked when the campaign is made.";
      return;
    }
    if (box.dataset.asked === address) return;
    box.dataset.asked = address;
    htmx.ajax("GET", address, { source: box, target: box, swap: "innerHTML" }).then(() => columns(form, box));
  };

  // The columns that a script may name, to be put where the cursor is.
  const columns = (form, box) => {
    const place = form.querySelector("[data-columns]");
    const names = box.querySelector("[data-variables]")?.dataset.variables;
    if (!place || !names || place.dataset.shown === names) return;
    place.dataset.shown = names;
    place.replaceChildren(...names.split(" ").map((name) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `{{${name}}}`;
      button.setAttribute("aria-label", `Insert ${name}`);
      button.addEventListener("click", () => {
        const text = document.getElementById("agent.script.say.text");
        text.setRangeText(button.textContent, text.selectionStart, text.selectionEnd, "end");
        text.focus();
        text.dispatchEvent(new Event("input", { bubbles: true }));
      });
      return button;
    }));
  };

  const begin = (form) => {
    const list = document.getElementById("zones");
    if (list && Intl.supportedValuesOf) {
      list.append(...Intl.supportedValuesOf("timeZone").map((zone) => new Option(zone, zone)));
    }
    const zone = form.elements.namedItem("timezone");
    if (zone && "own" in zone.dataset) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;
    for (const week of form.querySelectorAll("[data-as=windows]")) fill(week, JSON.parse(week.dataset.windows));
    outdial.choose(form);
    outdial.remember(form);
    const before = kept(form);
    if (before) restore(form, before);
    for (const slider of form.querySelectorAll("[data-mirrors]")) mirror(slider);
    outdial.choose(form);

    let later;
    const changed = () => {
      keep(form);
      tellOfClocks(form);
      clearTimeout(later);
      later = setTimeout(() => sample(form), ASKS_AFTER);
    };
    form.addEventListener("input", changed);
    form.addEventListener("change", changed);
    form.addEventListener("click", (event) => {
      const another = event.target.closest("[data-another-row]");
      if (!another) return;
      form.querySelector("[data-sample]").dataset.row = another.dataset.anotherRow;
      sample(form);
    });
    form.addEventListener("outdial:done", (event) => done(form, event));
    form.querySelector("[data-start-over]")?.addEventListener("click", () => {
      const dialog = document.querySelector("[data-question]");
      dialog.querySelector("p").textContent = "Forget the list and all that was typed here?";
      dialog.returnValue = "no";
      dialog.addEventListener("close", () => {
        if (dialog.returnValue !== "yes") return;
        forget(form);
        location.reload();
      }, { once: true });
      dialog.showModal();
    });
    tellOfClocks(form);
    sample(form);
    form.dispatchEvent(new CustomEvent("outdial:ready", { bubbles: true }));
  };

  // It is made. Whether it is to be started as well is said by the button; if that is refused, the draft is there all the same.
  const done = async (form, event) => {
    forget(form);
    const { id, button } = event.detail;
    if (!button || !("start" in button.dataset)) return;
    event.preventDefault();
    const answer = await outdial.send("POST", `/api/v1/campaigns/${id}/start`, { data: "{}", type: "application/json" });
    const isStarted = answer.status >= 200 && answer.status < 300;
    if (!isStarted) outdial.tellNext("It is made, and not started.", outdial.sentence(outdial.problem(answer.status, answer.text).detail));
    location.assign(isStarted ? `/campaigns/${id}` : `/campaigns/${id}/review`);
  };

  // What is told on the page that comes next.
  const NEXT = "outdial.tell";
  outdial.tellNext = (...told) => {
    try {
      sessionStorage.setItem(NEXT, JSON.stringify(told));
    } catch {
      // It is seen there anyhow.
    }
  };
  const tellNow = () => {
    try {
      const told = JSON.parse(sessionStorage.getItem(NEXT));
      sessionStorage.removeItem(NEXT);
      if (told) outdial.tell(...told);
    } catch {
      // There is nothing to tell.
    }
  };

  outdial.sample = sample;
  document.addEventListener("DOMContentLoaded", () => {
    tellNow();
    for (const form of document.querySelectorAll("form[data-settings]")) begin(form);
  });
})();
