// What is shown moves by itself. One stream of events (`/api/v1/events`) does for all tabs of a browser, because a browser has six
// connections to a host over HTTP/1.1: the tab that holds a lock reads it and tells the others. Without locks (they need HTTPS
// or this very machine) each tab that is looked at has its own.
//
// An event names a campaign. Elements that show it, or a list that it changes, have a word for it in `data-live`, and ask for
// themselves anew: `campaign:<id>`, `campaigns` for what is told of any campaign but its progress, `calls` for anything at all.
// Whatever was missed while the stream was broken is made up for by asking for everything anew.
(() => {
  "use strict";
  const ADDRESS = "/api/v1/events";
  // An element asks for itself so often at most, in milliseconds; where there are many, all of them ten times a second together.
  // `data-every` makes it rarer.
  const AT_MOST_EVERY = 500;
  const EACH_ADDS = 100;
  const AGAIN_AFTER = [1000, 2000, 5000, 10000];
  const SAID_AFTER = 1500;

  const refreshed = new Map();
  const waiting = new Map();
  let missed = new Set();

  const refresh = (element) => {
    const name = element.id || element.dataset.live;
    const all = document.querySelectorAll("[data-live]").length;
    const every = Math.max(AT_MOST_EVERY, EACH_ADDS * all, Number(element.dataset.every ?? 0));
    const rest = (refreshed.get(name) ?? -every) + every - performance.now();
    if (rest > 0) {
      if (!waiting.has(name)) {
        waiting.set(name, setTimeout(() => {
          waiting.delete(name);
          const there = element.isConnected ? element : document.getElementById(element.id);
          if (there) refresh(there);
        }, rest));
      }
      return;
    }
    refreshed.set(name, performance.now());
    element.dispatchEvent(new CustomEvent("live"));
  };

  const ALL = "*";
  const changed = (words) => {
    if (document.hidden) {
      for (const word of words) missed.add(word);
      return;
    }
    for (const element of document.querySelectorAll("[data-live]")) {
      const own = element.dataset.live.split(" ");
      if (words.includes(ALL) || own.some((word) => words.includes(word))) refresh(element);
    }
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden || missed.size === 0) return;
    const words = [...missed];
    missed = new Set();
    changed(words);
  });

  // What was done by a button of the page is seen at once, whether or not there is a stream. A page that
  // the button leads away from is not asked for: what it showed may be gone.
  document.addEventListener("htmx:afterRequest", (event) => {
    const { requestConfig, successful, elt } = event.detail;
    if (!successful || requestConfig.verb === "get" || elt.dataset.leadsTo) return;
    const around = elt.closest("[data-live]");
    if (around) changed(around.dataset.live.split(" "));
  });

  // A button that has done its work may be gone: then the focus goes to what stands in its place, and not to the beginning of the
  // page.
  let pressed;
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { requestConfig, elt } = event.detail;
    if (requestConfig.verb !== "get") pressed = elt.closest("[data-live]")?.id;
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!pressed || document.activeElement !== document.body) return;
    const around = document.getElementById(pressed);
    const next = around?.querySelector("button:not(:disabled)") ?? around?.querySelector("a[href]");
    pressed = undefined;
    next?.focus({ preventScroll: true });
  });

  // Whether the stream is there. That it is not is said when it lasts.
  let saying;
  const connected = (is) => {
    const sign = document.querySelector("[data-connection]");
    clearTimeout(saying);
    if (!sign) return;
    if (is) sign.textContent = "";
    else saying = setTimeout(() => { sign.textContent = "Reconnecting…"; }, SAID_AFTER);
  };

  const channel = "BroadcastChannel" in window ? new BroadcastChannel("outdial") : undefined;
  const tell = (message) => {
    hear(message);
    channel?.postMessage(message);
  };
  const hear = ({ words, connected: is }) => {
    if (words) changed(words);
    if (is !== undefined) connected(is);
  };
  channel?.addEventListener("message", (event) => hear(event.data));

  // Follows the stream until it is told to stop.
  const follow = (kinds) => {
    let source;
    let tries = 0;
    let wasBroken = false;
    let again;
    const open = () => {
      source = new EventSource(`${ADDRESS}?kinds=${kinds}`);
      source.addEventListener("open", () => {
        tries = 0;
        tell(wasBroken ? { connected: true, words: [ALL] } : { connected: true });
        wasBroken = false;
      });
      source.addEventListener("error", () => {
        wasBroken = true;
        tell({ connected: false });
        if (source.readyState !== EventSource.CLOSED) return;
        again = setTimeout(reopen, AGAIN_AFTER[Math.min(tries++, AGAIN_AFTER.length - 1)]);
      });
      for (const kind of kinds.split(",")) {
        source.addEventListener(kind, (event) => {
          const told = JSON.parse(event.data);
          const words = ["calls"];
          if (kind !== "campaign.deleted") words.push(`campaign:${told.campaign_id ?? told.campaign?.id}`);
          if (told.campaign) words.push("campaigns");
          tell({ words });
        });
      }
    };
    // A stream that was refused says not why: whoever has been signed out learns it so.
    const reopen = async () => {
      const me = await fetch("/api/v1/me").catch(() => undefined);
      if (me?.status === 401) return outdial.signIn();
      open();
    };
    open();
    return () => {
      clearTimeout(again);
      source.close();
    };
  };

  const alone = (kinds) => {
    let stop = document.hidden ? undefined : follow(kinds);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) {
        stop?.();
        stop = undefined;
      } else if (!stop) {
        stop = follow(kinds);
        changed([ALL]);
      }
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    const kinds = document.body.dataset.follows;
    if (!kinds) return;
    if (!navigator.locks || !channel) return alone(kinds);
    // It is held for as long as the page is there.
    navigator.locks.request("outdial.events", () => {
      const stop = follow(kinds);
      return new Promise(() => addEventListener("pagehide", stop));
    });
  });
})();
