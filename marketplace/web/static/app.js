// The little that needs JavaScript; every page works without it. No inline code (strict CSP).
"use strict";

document.documentElement.classList.add("js");

// htmx sends the form token of the page with each change.
document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector('meta[name="csrf-token"]');
  if (token) event.detail.headers["X-CSRFToken"] = token.content;
});

document.addEventListener("DOMContentLoaded", () => {
  // A form is sent once: a second press of the button changes nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent === "yes") {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
  });

  // Fields change the page at once where that is all they do; their button is for those without script.
  for (const field of document.querySelectorAll("[data-submit-on-change]")) {
    field.addEventListener("change", () => field.form.requestSubmit());
  }

  // <button data-open="id"> opens a <dialog>; without script the same button sends its form.
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    const dialog = opener && document.getElementById(opener.dataset.open);
    if (dialog && dialog.showModal) {
      event.preventDefault();
      dialog.showModal();
    }
    const closer = event.target.closest("[data-close]");
    if (closer) closer.closest("dialog").close();
  });

  // What is wrong with a form is read first.
  const summary = document.querySelector('[role="alert"]');
  if (summary) {
    summary.tabIndex = -1;
    summary.focus();
  }
});

// Two minutes before a session ends for want of use the page says so; one key press extends it.
// Any answer of the server extends it too, in whichever tab.
document.addEventListener("DOMContentLoaded", () => {
  const warning = document.getElementById("session-end");
  if (!warning || !warning.showModal) return;
  const tabs = new BroadcastChannel("session-used");
  let timer;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => warning.showModal(), warning.dataset.seconds * 1000);
  };
  const used = () => {
    wait();
    tabs.postMessage("used");
  };
  tabs.addEventListener("message", () => {
    wait();
    if (warning.open) warning.close("used elsewhere");
  });
  document.addEventListener("htmx:afterRequest", used);
  warning.addEventListener("close", async () => {
    if (warning.returnValue === "used elsewhere") {
      warning.returnValue = "";
      return;
    }
    const answer = await fetch("/api/v1/me", { headers: { Accept: "application/json" } });
    if (answer.status === 401) location.reload();
    else used();
  });
  used();
});

// Back to a page the browser kept: its forms may be sent again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// The filters stand open on a desk. CSS sees to it where it can; older browsers are told here.
const unfoldsByStyle = CSS.supports("selector(::details-content)");
const isDesk = window.matchMedia("(min-width: 992px)");
const unfoldFilters = () => {
  const filters = document.getElementById("filters");
  if (filters && isDesk.matches && !unfoldsByStyle) filters.open = true;
};
document.addEventListener("DOMContentLoaded", unfoldFilters);
isDesk.addEventListener("change", unfoldFilters);

// On a phone they stay unfolded while they are being chosen.
let filtersOpen = false;
document.addEventListener("htmx:beforeSwap", () => {
  filtersOpen = document.getElementById("filters")?.open ?? false;
});
document.addEventListener("htmx:afterSwap", () => {
  const filters = document.getElementById("filters");
  if (filters) filters.open = filtersOpen;
  unfoldFilters();
});
