// Conveniences: every page works without this script, too.
"use strict";

const mine = "thidua:" + (document.body.dataset.who || "") + ":";
const words = document.body.dataset;

// Rows of lists in forms: one or several are added in the page and taken out there; without this script by the server.
const listOf = (one) => one.closest("[data-rows]");
const nameOf = (list) => list.dataset.name || list.querySelector("legend").firstChild.textContent.trim();
const rowsOf = (list) => [...list.querySelectorAll(":scope > .entry")];
// The number of the row that an input stands in, by its name.
const rowIn = (name, path) => +name.slice(path.length).split(".")[0];
function addRow(list) {
  const template = list.querySelector(":scope > template"), path = list.dataset.rows + ".";
  const used = [...list.querySelectorAll("[name]")].map((one) => one.name)
    .filter((name) => name.startsWith(path)).map((name) => rowIn(name, path));
  const made = document.createElement("template");
  made.innerHTML = template.innerHTML.replaceAll(template.dataset.index, String(Math.max(-1, ...used.filter(Number.isInteger)) + 1));
  const row = made.content.firstElementChild;
  template.before(row);
  window.htmx?.process(row);
  return row;
}
function counted(list) {
  rowsOf(list).forEach((row, at) => {
    for (const one of row.querySelectorAll(".nth")) if (listOf(one) === list) one.textContent = at + 1;
  });
}
const firstInput = (row) => row.querySelector("input:not([type=hidden]):not([type=file]), select, textarea");
function announce(text) {
  const place = document.getElementById("said");
  place.textContent = "";
  setTimeout(() => { place.textContent = text; }, 50);  // said anew, also where it is the same sentence
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=_more], button[name=_less]"), list = button && listOf(button);
  if (!list?.querySelector(":scope > template")) return;
  event.preventDefault();
  const name = nameOf(list);
  if (button.name === "_more") {
    const count = +(button.value.split(" ")[1] || 1);
    const added = Array.from({ length: count }, () => addRow(list));
    counted(list);
    firstInput(added[0])?.focus();
    announce((count > 1 ? words.rowsAdded : words.rowAdded).replace("{what}", name).replace("{count}", count));
  } else {
    const row = button.closest(".entry"), next = row.nextElementSibling;
    row.remove();
    counted(list);
    (next?.matches(".entry") ? next.querySelector(":scope > .out") : list.querySelector(":scope > .more-rows > button")).focus();
    announce(words.rowRemoved.replace("{what}", name));
  }
  list.dispatchEvent(new Event("input", { bubbles: true }));  // the form saves itself
});
// Lines that are pasted into a row, as from a spreadsheet, go into rows: a cell for each input.
document.addEventListener("paste", (event) => {
  const input = event.target, list = input.matches?.("input:not([type=hidden])") && listOf(input);
  const lines = (event.clipboardData?.getData("text") || "").replace(/\r/g, "").replace(/\n+$/, "").split("\n");
  if (!list || lines.length < 2) return;
  event.preventDefault();
  let row = input.closest(".entry");
  const inputsOf = (one) => [...one.querySelectorAll("input:not([type=hidden]):not([type=file]), select, textarea")];
  const at = inputsOf(row).indexOf(input);
  for (const line of lines) {
    row ??= addRow(list);
    line.split("\t").forEach((cell, n) => { const to = inputsOf(row)[at + n]; if (to) to.value = cell.trim(); });
    row = row.nextElementSibling?.matches(".entry") ? row.nextElementSibling : null;
  }
  counted(list);
  announce(words.rowsAdded.replace("{what}", nameOf(list)).replace("{count}", lines.length));
  list.dispatchEvent(new Event("input", { bubbles: true }));
});
// Rows that this browser kept and the page does not have are made before what was typed is put back.
function makeRows(form, kept) {
  for (let changed = true; changed;) {
    changed = false;
    for (const list of form.querySelectorAll("[data-rows]")) {
      const path = list.dataset.rows + ".";
      const wanted = Math.max(-1, ...Object.keys(kept).filter((name) => name.startsWith(path) && kept[name])
        .map((name) => rowIn(name, path)).filter(Number.isInteger));
      const has = (n) => [...list.querySelectorAll("[name]")].some((one) => `${one.name}.`.startsWith(`${path}${n}.`));
      for (let before = -1; wanted >= 0 && !has(wanted) && before !== rowsOf(list).length;) {
        before = rowsOf(list).length;
        addRow(list);
        changed = true;
      }
      counted(list);
    }
  }
}

// What is typed stays in this browser until the register has it: a lost connection loses nothing.
for (const form of document.querySelectorAll("form[data-keep]")) {
  const key = mine + form.dataset.keep + location.search;
  const fields = () => [...form.elements].filter(
    (one) => one.name && !one.name.startsWith("_form") && !["password", "hidden", "submit", "file"].includes(one.type));
  const valueOf = (one) => one.type === "checkbox" ? one.checked : one.value;
  const typed = () => JSON.stringify(Object.fromEntries(fields().map((one) => [one.name, valueOf(one)])));
  const restore = (kept) => {
    makeRows(form, kept);
    for (const one of fields()) {
      if (!(one.name in kept)) continue;
      if (one.type === "checkbox") one.checked = kept[one.name]; else one.value = kept[one.name];
    }
  };
  const kept = JSON.parse(localStorage.getItem(key) || "null");
  if (kept && !form.querySelector("[aria-invalid]")) {
    const lacks = Object.keys(kept).some((name) => kept[name] && /\.\d+(\.|$)/.test(name) && !form.elements[name]);
    if (fields().every((one) => !one.value || one.tagName === "SELECT" || one.type === "checkbox")) restore(kept);
    else if (fields().some((one) => one.name in kept && kept[one.name] !== valueOf(one)) || lacks) offer(form, () => restore(kept));
  }
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value === "drop") localStorage.removeItem(key);
  });
  form.addEventListener("input", () => {
    try { localStorage.setItem(key, typed()); } catch { tell(form, words.storageFull); }
  });
  // What has been put right is marked no more. Of an input that is wrong still, the page says what is wrong with it now.
  form.addEventListener("htmx:afterSwap", () => {
    const list = form.querySelector("#saved [data-still-wrong]"), wrong = new Map();
    if (!list && !form.querySelector("#saved [data-fine]")) return;
    for (const one of list?.children ?? []) wrong.set(one.dataset.input, one);
    const place = document.getElementById("loi");
    for (const link of place?.querySelectorAll("a[href^='#']") ?? []) {
      const found = wrong.get(link.hash.slice(1));
      if (found) link.textContent = found.dataset.told; else (link.closest("li") ?? place).remove();
    }
    if (!list || (place?.querySelector("ul") && !place.querySelector("li"))) place?.remove();
    for (const why of form.querySelectorAll(".why-wrong")) {
      const id = why.id.slice(0, -"-why".length), input = document.getElementById(id);
      if (wrong.has(id)) { why.textContent = wrong.get(id).textContent; continue; }
      why.parentElement.closest(".faulty")?.classList.remove("faulty");
      why.remove();
      input?.removeAttribute("aria-invalid");
      input?.removeAttribute("aria-describedby");
    }
  });
  // The register has it: the copy goes, unless more was typed meanwhile.
  let sent = "";
  form.addEventListener("htmx:beforeRequest", () => { sent = typed(); });
  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt === form && event.detail.successful && localStorage.getItem(key) === sent) localStorage.removeItem(key);
  });
}

// A page that saves itself says at once when it could not, and tries again when the line or the person is back.
const sending = (form) => form.matches("[hx-post]") || form.querySelector("input[hx-post]");
for (const form of [...document.forms].filter(sending)) {
  let failed = false;
  const chosen = () => [...form.querySelectorAll("input[type=file][hx-post]")].filter((one) => one.files.length);
  const again = () => {
    if (!failed) return;
    form.dispatchEvent(new Event("input", { bubbles: true }));
    for (const one of chosen()) one.dispatchEvent(new Event("change", { bubbles: true }));
  };
  form.addEventListener("htmx:beforeSwap", (event) => {
    failed = event.detail.xhr.status >= 400;
    if (!failed) return;
    if (event.detail.serverResponse.includes("data-autosave-failed")) event.detail.shouldSwap = true;
    else tell(form, words.notSaved);
  });
  // A file is sent once, when it is chosen, by its own input: what is saved at pauses of typing leaves files out.
  form.addEventListener("htmx:configRequest", (event) => {
    for (const name of [...event.detail.formData.keys()]) {
      if (name === "_offline" || (name.startsWith("_file.") && name !== event.detail.elt.name)) event.detail.formData.delete(name);
    }
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    form.addEventListener(name, () => { failed = true; tell(form, words.offline); });
  }
  window.addEventListener("online", again);
  window.addEventListener("focus", again);
}
// Several files are sent one after another, each as if it alone had been chosen: a request holds one of the greatest size.
document.addEventListener("change", (event) => {
  const input = event.target;
  if (!input.matches?.("input[type=file][hx-post]") || input.files.length < 2) return;
  event.stopPropagation();
  const place = input.closest(".files").id, all = [...input.files];
  const next = (number) => {
    const one = document.querySelector(`#${place} input[type=file]`);
    if (!one || number > all.length) return;
    const chosen = new DataTransfer(), words_ = document.querySelector(`#${place} [data-sending]`);
    chosen.items.add(all[number - 1]);
    one.files = chosen.files;
    if (words_) words_.textContent = words_.dataset.sending.replace("{number}", number).replace("{all}", all.length);
    // When its answer stands in the page: a line that was down is tried again, and the rest goes on after it.
    const settled = (answer) => {
      if (answer.target.id !== place) return;
      document.removeEventListener("htmx:afterSettle", settled);
      if (!answer.target.querySelector("[data-autosave-failed]")) next(number + 1);
    };
    document.addEventListener("htmx:afterSettle", settled);
    one.dispatchEvent(new Event("change", { bubbles: true }));
  };
  next(1);
}, true);
document.addEventListener("htmx:xhr:progress", (event) => {
  const bar = event.target.closest?.(".files")?.querySelector("progress");
  if (bar && event.detail.lengthComputable) bar.value = 100 * event.detail.loaded / event.detail.total;
});
function tell(form, text) {
  const place = form.querySelector("#saved");
  if (!place || !text) return;
  const said = document.createElement("p");
  said.className = "message wrong";
  said.setAttribute("role", "alert");
  said.textContent = text;
  place.replaceChildren(said);
}
function offer(form, restore) {
  const note = document.createElement("p"), button = document.createElement("button");
  note.className = "note";
  button.type = "button";
  button.textContent = words.restore;
  button.addEventListener("click", () => {
    restore();
    note.remove();
    form.dispatchEvent(new Event("input", { bubbles: true }));
  });
  note.append(words.unsaved + " ", button);
  form.before(note);
}

// A password is typed for sending: it is no change of the form, and saves nothing.
for (const box of document.querySelectorAll(".confirm")) {
  for (const name of ["input", "change"]) box.addEventListener(name, (event) => event.stopPropagation());
}

// A page that the browser kept for its Back is asked for anew: its reader may have logged out since.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  document.body.hidden = true;
  location.replace(location.pathname + location.search);
});

// A receipt names the cycle whose forms were sent: what they kept is removed.
const done = document.querySelector("[data-done]")?.dataset.done;
if (done) for (const key of Object.keys(localStorage)) if (key.startsWith(mine + done)) localStorage.removeItem(key);

// A password that is chosen can be looked at while it is typed; it is then typed once.
for (const one of document.querySelectorAll("[data-scripted]")) one.hidden = false;
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-shows]");
  if (!button) return;
  const field = document.getElementById(button.dataset.shows), shown = field.type === "password";
  field.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", String(shown));
});

// Copying a text that is ready for a chat.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  navigator.clipboard?.writeText(field.value);
});

// A link that fills in a field of this page; without this script it leads to the page with the field filled in.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-fill]"), field = link && document.getElementById(link.dataset.fill);
  if (!field) return;
  event.preventDefault();
  field.value = link.dataset.value;
  field.closest("form").querySelector("textarea")?.focus();
});

// The slider over the acts of a cycle moves its form along.
for (const slider of document.querySelectorAll("input[type=range][data-go]")) {
  slider.addEventListener("change", () => slider.form.requestSubmit());
}
// What was chosen stands beside our own button for files.
document.addEventListener("change", ({ target }) => {
  const told = target.matches?.("input[type=file]") && target.closest(".pick-file")?.querySelector(".chosen");
  if (told) told.textContent = [...target.files].map((one) => one.name).join("; ");
});
document.addEventListener("change", ({ target }) => {
  if (!target.dataset.all) return;
  for (const one of document.querySelectorAll(`input[name="${target.dataset.all}"]`)) one.checked = target.checked;
});

// Whoever opens what asks for a reason goes on typing it.
document.addEventListener("click", ({ target }) => {
  const part = target.closest("summary")?.parentElement, field = part?.dataset.focus;
  if (field && !part.open) setTimeout(() => document.getElementById(field)?.focus());
});

// An answer that is given in its line: where the part of the page does not come, the form is sent as without a script.
const whole = (event) => {
  const button = event.detail.requestConfig?.elt ?? event.detail.elt, part = button?.closest("[hx-select]");
  if (!part || !button.form) return;
  const came = event.detail.xhr?.status === 200 && event.detail.xhr.responseText.includes(` id="${part.id}"`);
  if (came) return;
  event.detail.shouldSwap = false;
  button.form.requestSubmit(button);
};
for (const name of ["htmx:beforeSwap", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, whole);

// A button that prints: a browser without this script prints by its own menu.
for (const one of document.querySelectorAll("[data-print]")) {
  one.hidden = false;
  one.addEventListener("click", () => window.print());
}
