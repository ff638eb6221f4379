// Instants are shown on the campaign's clock. Where the reader's shows something else, his own time is told beside.
(() => {
  "use strict";
  const clock = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
  const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  const hours = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

  const tell = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.title = `${whole.format(at)}, your time`;
      const shown = time.textContent.match(/\b\d{2}:\d{2}\b/);
      if (!time.closest(".until") || !shown || shown[0] === hours.format(at)) continue;
      const beside = time.nextElementSibling;
      if (beside && beside.classList.contains("own-time")) {
        beside.textContent = `(${clock.format(at)})`;
        continue;
      }
      const own = document.createElement("span");
      own.className = "own-time";
      own.textContent = `(${clock.format(at)})`;
      time.after(" ", own);
    }
  };

  document.addEventListener("DOMContentLoaded", () => tell(document));
  document.addEventListener("htmx:afterSwap", (event) => tell(event.detail.elt.parentElement ?? document));
})();
