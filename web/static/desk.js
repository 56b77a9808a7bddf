// Conveniences: every page works without this script, too.
"use strict";

const mine = "thidua:" + (document.body.dataset.who || "") + ":";
const words = document.body.dataset;

// What is typed stays in this browser until the register has it: a lost connection loses nothing.
for (const form of document.querySelectorAll("form[data-keep]")) {
  const key = mine + form.dataset.keep + location.search;
  const fields = () => [...form.elements].filter(
    (one) => one.name && !one.name.startsWith("_form") && !["password", "hidden", "submit", "file"].includes(one.type));
  const valueOf = (one) => one.type === "checkbox" ? one.checked : one.value;
  const typed = () => JSON.stringify(Object.fromEntries(fields().map((one) => [one.name, valueOf(one)])));
  const restore = (kept) => {
    for (const one of fields()) {
      if (!(one.name in kept)) continue;
      if (one.type === "checkbox") one.checked = kept[one.name]; else one.value = kept[one.name];
    }
  };
  const kept = JSON.parse(localStorage.getItem(key) || "null");
  if (kept && !form.querySelector("[aria-invalid]")) {
    if (fields().every((one) => !one.value || one.tagName === "SELECT" || one.type === "checkbox")) restore(kept);
    else if (fields().some((one) => one.name in kept && kept[one.name] !== valueOf(one))) offer(form, () => restore(kept));
  }
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value === "drop") localStorage.removeItem(key);
  });
  form.addEventListener("input", () => {
    try { localStorage.setItem(key, typed()); } catch { tell(form, words.storageFull); }
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
      if (name.startsWith("_file.") && name !== event.detail.elt.name) event.detail.formData.delete(name);
    }
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    form.addEventListener(name, () => { failed = true; tell(form, words.offline); });
  }
  window.addEventListener("online", again);
  window.addEventListener("focus", again);
}
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

// The slider over the acts of a cycle moves its form along.
for (const slider of document.querySelectorAll("input[type=range][data-go]")) {
  slider.addEventListener("change", () => slider.form.requestSubmit());
}
for (const box of document.querySelectorAll("[data-all]")) {
  box.addEventListener("change", () => {
    for (const one of document.querySelectorAll(`input[name="${box.dataset.all}"]`)) one.checked = box.checked;
  });
}

// A button that prints: a browser without this script prints by its own menu.
for (const one of document.querySelectorAll("[data-print]")) {
  one.hidden = false;
  one.addEventListener("click", () => window.print());
}
