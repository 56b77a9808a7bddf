// Conveniences: every page works without this script, too.
"use strict";

const mine = "thidua:" + (document.body.dataset.who || "") + ":";

// What is typed stays in this browser until the register has it: a lost connection loses nothing.
for (const form of document.querySelectorAll("form[data-keep]")) {
  const key = mine + form.dataset.keep + location.search;
  const fields = () => [...form.elements].filter(
    (one) => one.name && !one.name.startsWith("_form") && one.type !== "password" && one.type !== "hidden" && one.type !== "submit");
  const kept = JSON.parse(localStorage.getItem(key) || "null");
  if (kept && !form.querySelector("[aria-invalid]") && fields().every((one) => !one.value || one.tagName === "SELECT" || one.type === "checkbox")) {
    for (const one of fields()) {
      if (!(one.name in kept)) continue;
      if (one.type === "checkbox") one.checked = kept[one.name]; else one.value = kept[one.name];
    }
  }
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value === "drop") localStorage.removeItem(key);
  });
  form.addEventListener("input", () => {
    const values = {};
    for (const one of fields()) values[one.name] = one.type === "checkbox" ? one.checked : one.value;
    localStorage.setItem(key, JSON.stringify(values));
  });
}
// A receipt names the cycle whose forms were sent: what they kept is removed.
const done = document.querySelector("[data-done]")?.dataset.done;
if (done) for (const key of Object.keys(localStorage)) if (key.startsWith(mine + done)) localStorage.removeItem(key);

// Logging out removes what was typed from this browser.
document.querySelector("form[data-forget]")?.addEventListener("submit", () => {
  for (const key of Object.keys(localStorage)) if (key.startsWith("thidua:")) localStorage.removeItem(key);
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
