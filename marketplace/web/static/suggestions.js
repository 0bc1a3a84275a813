// Completions below the search box: a combobox with a list, as WAI-ARIA describes it. Without this
// script the box is a plain one. Every text is in the page, in its language; nothing is inline (CSP).
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector("input[data-suggestions]");
  if (!box || box.disabled) return;
  const { suggestions: address, label, one, many, also } = box.dataset;
  const kinds = JSON.parse(box.dataset.kinds);
  const form = box.form;

  const list = document.createElement("ul");
  list.id = "suggestions";
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", label);
  list.hidden = true;
  const told = document.createElement("p");
  told.className = "visually-hidden";
  told.setAttribute("role", "status");
  box.parentElement.append(list, told);

  box.type = "text"; // a search field may not be a combobox
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-expanded", "false");

  let items = [];
  let active = -1;
  let timer;
  let asking;

  const mark = (place) => {
    active = place;
    [...list.children].forEach((option, number) => {
      option.setAttribute("aria-selected", String(number === active));
    });
    if (active < 0) {
      box.removeAttribute("aria-activedescendant");
      return;
    }
    box.setAttribute("aria-activedescendant", list.children[active].id);
    list.children[active].scrollIntoView({ block: "nearest" });
  };

  const show = (found) => {
    items = found;
    list.replaceChildren(
      ...items.map((item, number) => {
        const option = document.createElement("li");
        option.id = `suggestion-${number}`;
        option.setAttribute("role", "option");
        const name = document.createElement("span");
        name.textContent = item.matched ? `${item.label} (${also.replace("{name}", item.matched)})` : item.label;
        const kind = document.createElement("span");
        kind.className = "kind";
        kind.textContent = kinds[item.kind];
        option.append(name, " ", kind);
        return option;
      }),
    );
    const isOpen = items.length > 0;
    list.hidden = !isOpen;
    box.setAttribute("aria-expanded", String(isOpen));
    told.textContent = isOpen ? (items.length === 1 ? one : many.replace("{number}", items.length)) : "";
    mark(-1);
  };

  const close = () => {
    clearTimeout(timer);
    if (asking) asking.abort();
    show([]);
  };

  const ask = async () => {
    if (asking) asking.abort();
    const mine = new AbortController();
    asking = mine;
    const query = new URLSearchParams({ q: box.value });
    const country = form.elements.job_country;
    if (country) query.set("job_country", country.value);
    try {
      const answer = await fetch(`${address}?${query}`, {
        headers: { Accept: "application/json" },
        signal: mine.signal,
      });
      // Refused or too many at once: the box goes on as a plain one.
      const found = answer.ok ? (await answer.json()).items : [];
      if (!mine.signal.aborted && document.activeElement === box) show(found);
    } catch (error) {
      if (error.name !== "AbortError") show([]);
    }
  };

  // A chosen value becomes a filter: the words it completes leave the box, its checkbox is ticked.
  const choose = (item) => {
    const words = box.value.trim().split(/\s+/);
    box.value = words.slice(0, words.length - item.typed.split(" ").length).join(" ");
    const ticked = document.getElementById(`facet-${item.kind}-${item.value}`);
    if (ticked) {
      ticked.checked = true;
    } else {
      const filter = document.createElement("input");
      filter.type = "hidden";
      filter.name = item.kind;
      filter.value = item.value;
      document.getElementById("results").append(filter); // replaced with the results
    }
    close();
    form.requestSubmit();
  };

  box.addEventListener("input", () => {
    clearTimeout(timer);
    if (box.value.trim().length < 2) close();
    else timer = setTimeout(ask, 150);
  });
  box.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      const places = items.length + 1; // the box itself is one of them
      mark(((active + 1 + step + places) % places) - 1);
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      choose(items[active]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
  });
  box.addEventListener("blur", close);
  form.addEventListener("submit", close);
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(items[[...list.children].indexOf(option)]);
  });
});
