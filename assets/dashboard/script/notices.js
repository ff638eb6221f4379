// What the API refuses is told calmly, and what cannot be undone is asked about. Also what forms need for that: `outdial.tell`.
window.outdial = (() => {
  "use strict";
  const LASTS = 12000;

  const tell = (title, detail, tone = "ill") => {
    const notices = document.querySelector("[data-notices]");
    if (!notices) return;
    const notice = document.createElement("div");
    notice.className = `notice ${tone}`;
    const text = document.createElement("p");
    const strong = document.createElement("strong");
    strong.textContent = title;
    text.append(strong, " ", detail);
    const close = document.createElement("button");
    close.type = "button";
    close.className = "quiet";
    close.textContent = "Close";
    close.addEventListener("click", () => notice.remove());
    notice.append(text, close);
    notices.append(notice);
    while (notices.children.length > 3) notices.firstElementChild.remove();
    setTimeout(() => notice.remove(), LASTS);
  };

  // A text of the API as a sentence.
  const sentence = (text) => (text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "");

  const signIn = () => {
    const here = `${location.pathname}${location.search}`;
    location.assign(here === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(here)}`);
  };

  // The problem (RFC 9457) that an answer holds, or one that says as much as is known.
  const problem = (status, text) => {
    try {
      const read = JSON.parse(text);
      if (read.title) return read;
    } catch {
      // It comes from something in between.
    }
    return { status, title: "It was not done", detail: status ? `the server answered ${status}` : "the server cannot be reached" };
  };

  const refused = (status, text) => {
    if (status === 401) return signIn();
    const { title, detail } = problem(status, text);
    tell(`${title}.`, sentence(detail));
  };

  // What a page asks for by itself is asked for again; only what a person asked for is worth a word.
  const BY_ITSELF = ["live", "load", undefined];
  const isAsked = ({ detail: { requestConfig } }) =>
    requestConfig.verb !== "get" || !BY_ITSELF.includes(requestConfig.triggeringEvent?.type);

  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    if (xhr.getResponseHeader("HX-Redirect")) return;
    if (isAsked(event) || xhr.status === 401) refused(xhr.status, xhr.responseText);
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (isAsked(event)) refused(0, "");
  });

  document.addEventListener("htmx:confirm", (event) => {
    const question = event.detail.question;
    const dialog = document.querySelector("[data-question]");
    if (!question || !dialog) return;
    event.preventDefault();
    dialog.querySelector("p").textContent = question;
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => dialog.returnValue === "yes" && event.detail.issueRequest(true), { once: true });
    dialog.showModal();
  });

  return { tell, sentence, problem, signIn };
})();
