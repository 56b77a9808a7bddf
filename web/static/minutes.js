// Minutes: what is typed is saved cell by cell, and what others save is shown. Without this script each button saves.
"use strict";

{
  const form = document.getElementById("minutes"), said = form.dataset, hidden = form.elements;
  const pending = new Set();  // the paths of cells that were typed in and are not saved yet
  const flying = new Set();  // of cells whose values are on their way
  const written = new Map();  // what this page has saved: for each path the value as it is kept, and in words
  const refused = new Map();  // why what stands in an input cannot be kept, by its id, with the path of its cell
  const bases = new Map();  // what stood in a cell when it was last the same as what is kept, as it would be sent
  const presses = [];  // buttons that wait until what was typed is saved
  const query = location.search.replace(/^\?/, "");
  const cellOf = (one) => one.closest?.("[data-cell]");
  const cell = (path) => [...form.querySelectorAll("[data-cell]")].find((one) => one.dataset.cell === path);
  const inputsIn = (box) => [...box.querySelectorAll("input:not([type=file]), select, textarea")].filter((one) => one.name);
  let saving = false, leaving = false, composing = false, timer = 0, unkept = "", saved = document.getElementById("saved-at").textContent;

  // What is saved -------------------------------------------------------------------------------------------------

  function typed(one) {
    const box = cellOf(one);
    if (!box || one.type === "file" || one.type === "password") return;
    pending.add(box.dataset.cell);
    for (const [id, { path }] of refused) if (path === box.dataset.cell) refused.delete(id);
    notSaved();
    clearTimeout(timer);
    timer = setTimeout(save, one.matches("select, [type=checkbox]") ? 50 : 500);
  }
  // Only what was kept is told to be saved: from the first key until the answer it is not.
  const notSaved = () => { document.getElementById("saved-at").textContent = said.notSaved; };
  // One request at a time, a look at what others write among them: what is typed or pressed meanwhile goes with the next.
  async function save() {
    clearTimeout(timer);
    if (saving) return;
    saving = true;
    try {
      while ((pending.size || presses.length) && await send(presses.shift())) { /* until all of it is saved */ }
    } finally {
      for (const one of presses.splice(0)) one.failed();
      saving = false;
    }
  }
  const settled = async () => { for (await save(); saving;) await new Promise((done) => { setTimeout(done, 50); }); };
  const isBox = (one) => ["checkbox", "radio"].includes(one.type);
  function partOf(box) {
    const part = new URLSearchParams();
    for (const one of inputsIn(box)) if (!isBox(one) || one.checked) part.append(one.name, one.value);
    return part;
  }
  const noteBase = (box) => { bases.set(box.dataset.cell, partOf(box).toString()); };
  // What was typed or ticked while the page was still loading is no base: it is not saved yet.
  const served = (one) => (one.matches("select") ? ([...one.options].find((option) => option.defaultSelected) || one.options[0])?.value ?? "" : one.defaultValue);
  const isChanged = (one) => (isBox(one) ? one.checked !== one.defaultChecked : one.value !== served(one));
  for (const box of form.querySelectorAll("[data-cell]")) {
    const part = new URLSearchParams();
    for (const one of inputsIn(box)) if (!isBox(one) || one.defaultChecked) part.append(one.name, isBox(one) ? one.value : served(one));
    bases.set(box.dataset.cell, part.toString());
    for (const one of inputsIn(box)) if (one.type !== "hidden" && isChanged(one)) typed(one);
  }
  async function send(button) {
    const sent = new Map();
    const body = new URLSearchParams({ _form: hidden._form.value, _revision: hidden._revision.value, _step: "save" });
    for (const path of pending) {
      const box = cell(path), part = box ? partOf(box) : new URLSearchParams();
      for (const [name, value] of part) body.append(name, value);
      if (bases.has(path) && [...part.keys()].some((name) => name.startsWith(path + "."))) body.append("_base." + path, bases.get(path));
      sent.set(path, part.toString());
    }
    if (button) body.append(button.name, button.value);
    const anew = [...sent.keys()].some((path) => cell(path)?.matches("[data-anew]"));
    for (const path of pending) flying.add(path);
    pending.clear();
    let state = null;
    try {
      const keepalive = body.toString().length < 60000;  // so that it arrives although the page is left
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body, keepalive, headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(60000) });
      if (answer.ok && answer.headers.get("content-type")?.includes("json")) state = await answer.json();
      else document.getElementById("saved").innerHTML = (await answer.text()).slice(0, 4000);  // a part that our server made
    } catch {
      tell(form, words.offline);
    }
    flying.clear();
    if (state) {
      button?.done();
      const lost = [...state.conflicts.map((one) => one.path), ...Object.keys(state.refused).map((id) => cellOf(document.getElementById(id) || form)?.dataset.cell)];
      for (const [path, part] of sent) if (!lost.includes(path)) bases.set(path, part);
      for (const [id, text] of Object.entries(state.refused)) {
        const path = cellOf(document.getElementById(id) || form)?.dataset.cell;
        if (path && !pending.has(path)) refused.set(id, { text, path });
      }
      await show(state, anew);
      return true;
    }
    button?.failed();
    for (const path of sent.keys()) pending.add(path);
    notSaved();
    return false;
  }

  // What is shown -------------------------------------------------------------------------------------------------

  async function show(state, anew = false) {
    if (state.over) { tell(form, said.over); leaving = true; return; }
    const present = document.getElementById("present"), count = document.getElementById("attending-count");
    present.textContent = state.present;
    present.hidden = !state.present;
    if (count) count.textContent = "· " + state.attending;
    for (const one of state.conflicts) conflict(one);
    for (const one of state.told) replaced(one);
    for (const one of state.written) written.set(one.path, one);
    if (state.announce) announce(state.announce);
    const others = [...state.changed, ...state.conflicts.map((one) => one.path), ...state.merged];
    if (state.merged.length) announce(said.merged);
    const isShown = !(state.anew || others.length || anew) || await refresh(state.focus, others);
    // What somebody else has changed and this page does not show stays unread: saving it is told as a conflict.
    if (isShown && !state.changed.some((path) => pending.has(path))) hidden._revision.value = state.revision;
    saved = state.saved;
    unkept ||= state.unkept;  // what it belongs to is gone until the page is loaded again
    tellSaved();
    for (const [id, text, kind] of state.votes) chip(id, text, kind);
    const wrong = document.getElementById("wrong-votes");
    if (wrong && state.wrong !== null) wrong.hidden = !state.wrong;
    faults(new Map([...state.faults, ...[...refused].map(([id, { text }]) => [id, text])]));
  }
  function tellSaved() {
    if (pending.size || refused.size || unkept || document.querySelector("#conflicts > *")) { notSaved(); tell(form, unkept); return; }
    document.getElementById("saved-at").textContent = saved;
    document.getElementById("saved").replaceChildren();
  }
  function chip(id, text, kind) {
    const place = document.getElementById(id);
    if (!place) return;
    place.textContent = text;
    if (place.matches(".chip")) place.className = "chip " + kind;
    if (place.matches(".chip, .note")) place.hidden = !text;
  }
  function faults(found) {
    for (const why of form.querySelectorAll("#part .why-wrong")) {
      const id = why.id.replace(/-why$/, ""), one = document.getElementById(id);
      if (found.has(id)) continue;
      why.remove();
      one?.removeAttribute("aria-invalid");
      one?.removeAttribute("aria-describedby");
    }
    for (const [id, text] of found) {
      const one = document.getElementById(id);
      if (!one) continue;
      const why = document.getElementById(id + "-why") || document.createElement("p");
      why.id = id + "-why";
      why.className = "why-wrong";
      if (why.textContent !== text) why.textContent = text;
      if (!why.isConnected) {
        if (one.matches("tbody")) one.querySelector(".more-rows td").append(why); else if (one.matches("tr")) one.cells[0].append(why); else if (one.matches("fieldset, section")) one.append(why); else one.after(why);
      }
      if (one.matches("input, select, textarea")) one.setAttribute("aria-invalid", "true");
      one.setAttribute("aria-describedby", why.id);
    }
  }
  function conflict({ path, value, text }) {
    const box = document.createElement("div"), told = document.createElement("p");
    const button = document.createElement("button");
    for (const one of document.querySelectorAll("#conflicts > *")) if (one.dataset.of === path) one.remove();
    box.dataset.of = path;
    box.className = "message warning";
    told.textContent = text;
    button.name = "_mine";
    button.value = path + " " + value;
    button.textContent = said.keepMine;
    box.append(told, button);
    canLeave(box);
    document.getElementById("conflicts").append(box);
    box.scrollIntoView({ block: "nearest" });
  }
  function canLeave(box) {
    const theirs = document.createElement("button");
    theirs.type = "button";
    theirs.textContent = said.keepTheirs;
    theirs.addEventListener("click", () => { box.remove(); tellSaved(); });
    box.append(" ", theirs);
  }
  for (const box of document.querySelectorAll("#conflicts > *")) canLeave(box);
  // Whether a cell of several inputs still holds all that this page had saved there: rows may stand elsewhere by now.
  function holds(value, own) {
    const read = (text) => { try { return Object.entries(JSON.parse(text)); } catch { return []; } };
    const rowsOf = (pairs) => {
      const rows = new Map();
      for (const [name, one] of pairs) {
        const parts = name.split("."), at = parts.findIndex((part) => /^\d+$/.test(part)), row = at < 0 ? "" : parts.slice(0, at + 1).join(".");
        rows.set(row, [...(rows.get(row) || []), [at < 0 ? name : [...parts.slice(0, at), ...parts.slice(at + 1)].join("."), one]]);
      }
      return [...rows].map(([row, pairs_]) => (row ? JSON.stringify(pairs_) : pairs_)).flatMap((one) => (typeof one === "string" ? [one] : one.map((pair) => JSON.stringify(pair))));
    };
    const left = rowsOf(read(value)), mine = rowsOf(read(own));
    return own.startsWith("{") && mine.every((one) => { const at = left.indexOf(one); if (at >= 0) left.splice(at, 1); return at >= 0; });
  }
  // Somebody has written another value over one that this page had saved: both are told, and one's own can be kept.
  function replaced({ path, value, text }) {
    const own = written.get(path);
    if (!own || own.value === value || holds(value, own.value)) return;
    written.delete(path);
    conflict({ path, value: own.value, text: said.replaced.replace("{told}", () => text).replace("{mine}", () => own.text) });
  }
  // The part as the server shows it now. What somebody is typing in stays as it is.
  async function refresh(focus, but = []) {
    const answer = await fetch(location.pathname + location.search, { signal: AbortSignal.timeout(15000) }).catch(() => null);
    if (!answer?.ok || answer.redirected) return false;
    const made = new DOMParser().parseFromString(await answer.text(), "text/html"), part = made.getElementById("part");
    if (!part) return false;
    // A colleague has taken out what somebody types in: it is sent first, and comes back as a conflict with both values.
    const has = new Set([...part.querySelectorAll("[data-cell]")].map((one) => one.dataset.cell));
    if (composing || [...pending].some((path) => cell(path) && !has.has(path))) return false;
    const active = document.activeElement, at = active?.selectionStart ?? null, own = active && form.contains(active) ? cellOf(active) : null;
    const stays = new Set([...pending, ...flying, ...[...refused.values()].map((one) => one.path)]);
    if (own && !but.includes(own.dataset.cell) && !own.matches("[data-anew]")) stays.add(own.dataset.cell);
    for (const one of part.querySelectorAll("[data-cell]")) {
      const live = stays.has(one.dataset.cell) && cell(one.dataset.cell);
      if (live) one.replaceWith(live); else noteBase(one);
    }
    const open = [...form.querySelectorAll("#part details[open] > summary")].map((one) => one.textContent);
    for (const one of part.querySelectorAll("details:not(.take-out) > summary")) if (open.includes(one.textContent)) one.parentElement.open = true;
    document.getElementById("part").replaceWith(document.adoptNode(part));
    document.getElementById("parts").replaceWith(document.adoptNode(made.getElementById("parts")));
    window.htmx?.process(document.getElementById("part"));
    const target = focus && document.getElementById(focus);
    if (target) {
      target.scrollIntoView({ block: "nearest" });
      (firstInput(target) || target).focus();
    } else if (active && active !== document.activeElement) {
      const back = active.isConnected ? active : active.id && document.getElementById(active.id) || [...form.elements].find((one) => one.name === active.name && one.value === active.value);
      back?.focus();
      if (at !== null) try { back?.setSelectionRange(at, at); } catch { /* an input without a cursor */ }
    }
    return true;
  }
  async function look() {
    if (document.hidden || leaving || saving) return;
    if (pending.size) { await save(); return; }
    saving = true;
    try {
      const url = `${said.changes}?${[query, `tu=${hidden._revision.value}`].filter(Boolean).join("&")}`;
      const answer = await fetch(url, { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(15000) });
      if (answer.status === 200) await show(await answer.json());
    } catch { /* the line is down: what is typed says so when it is saved */ }
    saving = false;
    if (pending.size || presses.length) await save();
  }
  setInterval(look, 4000);
  window.addEventListener("focus", look);
  window.addEventListener("online", look);

  // What people do ------------------------------------------------------------------------------------------------

  // An input that is put elsewhere in the page loses the letters that an input method is still putting together.
  form.addEventListener("compositionstart", () => { composing = true; });
  document.addEventListener("compositionend", () => { composing = false; }, true);
  document.addEventListener("focusout", () => { composing = false; });
  form.addEventListener("input", (event) => typed(event.target));
  form.addEventListener("change", (event) => typed(event.target));
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=_add], button[name=_out], button[name=_back], button[name=_all], button[name=_mine], button[name=_less], button[name=_remove]");
    if (!button || (button.name === "_less" && !confirm(said.sure))) { if (button) { event.preventDefault(); event.stopPropagation(); } return; }
    event.preventDefault();
    event.stopPropagation();
    if (button.name === "_less" || button.name === "_remove") pending.add(cellOf(button).dataset.cell);
    const box = button.name === "_mine" ? button.closest(".message") : null;
    const failed = () => { if (box) box.hidden = false; };
    presses.push({ name: button.name, value: button.value, done: () => { box?.remove(); }, failed });
    if (box) box.hidden = true;
    notSaved();
    save();
  });
  // Enter goes on to the next input: a form that is saved as one types needs no sending.
  form.addEventListener("keydown", (event) => {
    const one = event.target;
    if (event.key !== "Enter" || !one.matches("input:not([type=checkbox]):not([type=password]), select") || !cellOf(one)) return;
    event.preventDefault();
    const all = [...form.querySelectorAll("#part :is(input:not([type=hidden]):not([type=file]), select, textarea)")].filter((each) => each.offsetParent);
    const next = all[all.indexOf(one) + (event.shiftKey ? -1 : 1)];
    next?.focus();
    next?.select?.();
  });
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("#parts a");
    if (!link || (!pending.size && !saving)) return;
    event.preventDefault();
    await settled();
    const open = document.querySelector("#conflicts > *");
    if (open) open.scrollIntoView({ block: "nearest" });
    else if (!pending.size) location.href = link.href;
  });
  form.addEventListener("submit", async (event) => {
    if (!pending.size && !saving) { leaving = true; return; }
    event.preventDefault();
    await settled();
    const open = document.querySelector("#conflicts > *");
    if (open) open.scrollIntoView({ block: "nearest" });
    else if (!pending.size) form.requestSubmit(event.submitter);
  });
  window.addEventListener("beforeunload", (event) => { if ((pending.size || flying.size || refused.size || presses.length) && !leaving) event.preventDefault(); });
  // Back can show the page as it was left: what the same person has saved since is not in it.
  window.addEventListener("pageshow", (event) => {
    leaving = false;
    if (event.persisted) settled().then(() => { if (!pending.size && !refused.size) location.reload(); });
  });
}
