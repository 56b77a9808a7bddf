// The score grid: cells are saved as they are typed, and what others save is shown. Without this script one button does it.
"use strict";

{
  const form = document.getElementById("score-form"), said = form.dataset;
  const table = document.getElementById("score-grid"), hidden = form.elements;
  const asked = location.search.replace(/^\?/, "");
  const withQuery = (url, more = "") => `${url}?${[asked, more].filter(Boolean).join("&")}`;
  const cellAt = (unit, criterion) => said.cell.replace("UNIT", unit).replace("CRITERION", criterion);
  const isCell = (one) => one.name?.split(".").length === 3 && !one.name.startsWith("_");
  const inputs = (path) => [...form.elements].filter((one) => one.name === path);
  const input = (path) => inputs(path).find((one) => one.type !== "hidden");
  const pending = new Map();  // what was typed and is not saved yet, by path
  const unkept = new Map();  // why what stands in a cell cannot be saved, by path, until it is typed anew
  const takes = [];  // what is to be filled in as proposed: a cell, a unit, or all
  let saving = false, leaving = false, timer = 0;

  // What is saved -------------------------------------------------------------------------------------------------

  function fieldsOf(path, body) {
    for (const one of inputs(path)) if (one.type !== "checkbox" || one.checked) body.append(path, one.value);
    for (const one of inputs("_files." + path)) body.append(one.name, one.value);
  }
  function typed(one) {
    pending.set(one.name, one.value);
    unkept.delete(one.name);
    clearTimeout(timer);
    timer = setTimeout(save, 500);
  }
  // One request at a time; what is typed, or taken as proposed, meanwhile goes with the next one.
  async function save() {
    clearTimeout(timer);
    if (saving) return;
    saving = true;
    while ((pending.size || takes.length) && await send(takes.shift() || "")) { /* until all of it is saved */ }
    takes.length = 0;
    saving = false;
  }
  async function send(take) {
    const sent = new Map(pending), body = new URLSearchParams({ _form: hidden._form.value, _revision: hidden._revision.value, _step: "save" });
    for (const path of sent.keys()) fieldsOf(path, body);
    if (take) body.append("_take", take);
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } });
      if (answer.ok && answer.headers.get("content-type").includes("json")) {
        for (const [path, value] of sent) if (pending.get(path) === value) pending.delete(path);
        const state = await answer.json();
        for (const [path, why] of Object.entries(state.unkept)) if (!pending.has(path)) unkept.set(path, why);
        show(state);
        if (take) announce(said.pasted.replace("{count}", state.cells.filter((one) => !sent.has(one.path)).length));
        return true;
      }
      document.getElementById("saved").innerHTML = (await answer.text()).slice(0, 4000);  // a part that our server made
    } catch {
      tell(form, words.offline);
    }
    unsaved();
    return false;
  }
  function unsaved() {
    document.getElementById("saved-at").textContent = said.notSaved;
  }

  // What is shown -------------------------------------------------------------------------------------------------

  function show(state) {
    hidden._revision.value = state.revision;
    hidden._shown.value = state.mark;
    document.getElementById("bar").textContent = state.bar;
    showReady(state);
    if (!pending.size) {
      document.getElementById("saved-at").textContent = unkept.size ? said.notSaved : state.saved;
      document.getElementById("saved").replaceChildren();
    }
    for (const one of state.cells) takeOver(one);
    for (const one of state.conflicts) conflict(one.path, one.value, one.mine, one.text);
    if (state.notes) announce(state.notes);
    for (const [unit, figures] of Object.entries(state.units)) showUnit(unit, figures);
    if (state.reasons !== document.getElementById("reasons")?.dataset.mark) askReasons();
    if (state.version > +hidden._read.value) newer();
  }
  // What the button in the panel would enter. It never stands where another button stood: who clicks twice enters nothing.
  function showReady({ mark, button, ready }) {
    const enter = document.getElementById("enter"), list = document.getElementById("will-list");
    enter.textContent = button;
    enter.disabled = !mark;
    document.getElementById("will-none").hidden = Boolean(mark);
    if ([...list.children].map((one) => one.textContent).join("\n") === ready.join("\n")) return;
    list.replaceChildren(...ready.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  }
  function goToReady() {
    document.getElementById("will").scrollIntoView({ block: "start" });
    document.getElementById("will-head").focus({ preventScroll: true });
  }
  // A cell's value as the server keeps it: of conditions, the ticked ones in lines. References of files stand beside.
  const valueOf = (path) => input(path)?.type === "checkbox"
    ? inputs(path).filter((one) => one.checked).map((one) => one.value).join("\n") : input(path)?.value;
  function put(path, value) {
    const lines = value.split("\n");
    for (const one of inputs(path)) {
      if (one.type === "checkbox") one.checked = lines.includes(one.value);
      else if (one.type !== "hidden") one.value = value;
    }
  }
  function takeOver({ path, value, text, mine }) {
    if (!input(path)) return;
    const isEvidence = path.endsWith(".evidence"), files = value.match(/tep\/[0-9a-f]{64}\/\S+/g) || [];
    const shown = isEvidence ? value.replace(/tep\/[0-9a-f]{64}\/\S+/g, "").trim() : value;
    if (isEvidence && files.join(" ") !== (inputs("_files." + path)[0]?.value || "")) askFiles(path);
    const isOpen = pending.has(path) || unkept.has(path);
    if (valueOf(path) === shown || (mine && isOpen)) return;
    if (isOpen) conflict(path, shown, valueOf(path), text);
    else put(path, shown);
    if (!mine) announce(text);
  }
  // The list of files of a cell, after somebody has added one or taken one out.
  async function askFiles(path) {
    const [unit, criterion] = path.split("."), answer = await fetch(cellAt(unit, criterion));
    if (!answer.ok) return;
    const made = document.createElement("template");
    made.innerHTML = await answer.text();
    const list = made.content.querySelector(".files"), old = list && document.getElementById(list.id);
    if (!old || old.contains(document.activeElement)) return;
    old.replaceWith(list);
    window.htmx?.process(list);
  }
  function conflict(path, value, mine, text) {
    const to = input(path), box = document.createElement("div"), told = document.createElement("p"), button = document.createElement("button");
    pending.delete(path);
    unkept.delete(path);
    put(path, value);
    box.className = "message warning";
    told.textContent = text;
    button.type = "button";
    button.textContent = said.keepMine;
    button.addEventListener("click", () => {
      box.remove();
      put(path, mine);
      typed(to);
      to.focus();
    });
    box.append(told, button);
    document.getElementById("conflicts").append(box);
  }
  function showUnit(unit, figures) {
    const row = table.matches("[data-unit]") ? form : table.querySelector(`tr[data-unit="${unit}"]`);
    for (const place of row.querySelectorAll("[data-of]")) place.textContent = figures[place.dataset.of];
    for (const one of form.querySelectorAll(`[name^="${unit}."]:not([type=hidden])`)) {
      const [, criterion] = one.name.split("."), cell = one.closest("td"), problem = unkept.get(one.name) || figures.problems[one.name];
      const why = document.getElementById(one.id + "-why");
      if (problem) {
        const told = why || document.createElement("span");
        told.id = one.id + "-why";
        told.className = "why-wrong";
        if (told.textContent !== problem) told.textContent = problem;
        if (!why) one.after(told);
        one.setAttribute("aria-invalid", "true");
        one.setAttribute("aria-describedby", told.id);
      } else if (one.hasAttribute("aria-invalid")) {
        why?.remove();
        one.removeAttribute("aria-invalid");
        one.removeAttribute("aria-describedby");
      }
      cell?.classList.toggle("differs", figures.differing.includes(criterion));
    }
  }
  async function askReasons() {
    const place = document.getElementById("reasons");
    const isUnkept = (one) => unkept.has(one.name);
    if (!place || place.contains(document.activeElement) || [...place.querySelectorAll("textarea")].some(isUnkept)) return;
    const answer = await fetch(withQuery(said.reasons));
    if (!answer.ok || place.contains(document.activeElement)) return;
    const made = document.createElement("template");
    made.innerHTML = await answer.text();
    document.getElementById("reasons")?.replaceWith(made.content.querySelector("#reasons"));
  }
  function newer() {
    if (document.getElementById("newer")) return;
    const note = document.createElement("p"), link = document.createElement("a");
    note.id = "newer";
    note.className = "note";
    link.href = location.href;
    link.textContent = said.newer;
    note.append(link);
    document.getElementById("conflicts").before(note);
  }
  async function look() {
    if (document.hidden || leaving) return;
    if (pending.size) { await save(); return; }
    try {
      const asks = withQuery(said.changes, `tu=${hidden._revision.value}&sau=${hidden._read.value}`);
      const answer = await fetch(asks, { headers: { "HX-Request": "true" } });
      if (answer.status === 200 && !saving && !pending.size) show(await answer.json());
    } catch { /* the line is down: what is typed says so when it is saved */ }
  }
  setInterval(look, 4000);
  window.addEventListener("focus", look);
  window.addEventListener("online", look);

  // What people do ------------------------------------------------------------------------------------------------

  form.addEventListener("input", (event) => { if (isCell(event.target)) typed(event.target); });
  form.addEventListener("change", (event) => { if (isCell(event.target) && pending.size) save(); });
  form.addEventListener("focusout", (event) => { if (event.target.closest("#reasons")) setTimeout(look); });
  form.addEventListener("click", (event) => {
    const take = event.target.closest("button[name=_take]");
    if (!take) return;
    event.preventDefault();
    takes.push(take.value);
    save();
  });
  form.addEventListener("submit", async (event) => {
    const step = event.submitter?.id, shown = hidden._shown.value, isSaved = !pending.size && !saving;
    if (!["enter", "look"].includes(step) || (isSaved && (step === "enter" || !shown))) { leaving = true; return; }
    event.preventDefault();
    if (!isSaved) {
      while (saving) await new Promise((done) => { setTimeout(done, 50); });
      await save();
      if (pending.size || unkept.size || document.querySelector("#conflicts > *")) return;
    }
    // Nothing is ready: the server says what is missing. What came to be ready only now is looked at before it is entered.
    if (!hidden._shown.value) form.requestSubmit(document.getElementById("look"));
    else if (step === "enter" && hidden._shown.value === shown) form.requestSubmit(event.submitter);
    else goToReady();
  });
  window.addEventListener("beforeunload", (event) => { if ((pending.size || unkept.size) && !leaving) event.preventDefault(); });

  // The cells by row and column; in a list each row has one.
  const cellsOf = (row) => [...row.querySelectorAll("input.figure, td > input:not([type])")];
  const rows = [...table.querySelectorAll("tbody tr")].filter((row) => cellsOf(row).length);
  const isList = table.matches("[data-unit]");
  const columnOf = (one) => isList ? 0 : one.closest("td").cellIndex;
  const at = (row, column) => isList ? cellsOf(rows[row])[0] : rows[row].cells[column]?.querySelector("input");
  function go(from, down, right) {
    if (isList) {
      const all = rows.flatMap(cellsOf), to = all[all.indexOf(from) + (down || right)];
      to?.focus();
      to?.select();
      return;
    }
    let row = rows.indexOf(from.closest("tr")) + down, column = columnOf(from) + right;
    for (; rows[row]?.cells[column]; row += down, column += right) {
      const to = at(row, column);
      if (!to) continue;
      to.focus();
      to.select();
      return;
    }
  }
  table.addEventListener("keydown", (event) => {
    const one = event.target;
    if (!one.matches("input") || !isCell(one) || one.type === "checkbox") return;
    const all = one.selectionStart === 0 && one.selectionEnd === one.value.length;
    const moves = {
      Enter: event.shiftKey ? [-1, 0] : [1, 0],
      ArrowDown: [1, 0],
      ArrowUp: [-1, 0],
      ArrowRight: !isList && (all || one.selectionStart === one.value.length) && [0, 1],
      ArrowLeft: !isList && (all || one.selectionEnd === 0) && [0, -1],
    };
    if (event.ctrlKey && event.key.toLowerCase() === "d") {
      event.preventDefault();
      takes.push(one.name.split(".").slice(0, 2).join("."));
      save();
    } else if (moves[event.key] && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      go(one, ...moves[event.key]);
    }
  });
  // A block from a spreadsheet: all of it fits, or no cell is changed.
  table.addEventListener("paste", (event) => {
    const one = event.target, text = event.clipboardData?.getData("text") || "";
    const block = text.replace(/\r/g, "").replace(/\n+$/, "").split("\n").map((line) => line.split("\t"));
    const width = Math.max(...block.map((line) => line.length));
    if (!isCell(one) || !one.matches("input") || (block.length < 2 && width < 2)) return;
    event.preventDefault();
    const row = rows.indexOf(one.closest("tr")), column = columnOf(one);
    const last = isList ? 0 : Math.max(...rows.flatMap((each) => [...each.cells].filter((cell) => cell.querySelector("input")).map((cell) => cell.cellIndex)));
    const left = rows.length - row, right = last - column + 1;
    const say = (words_) => {
      const told = words_.replace("{rows}", block.length).replace("{columns}", width).replace("{left}", left).replace("{right}", right);
      tell(form, told);
    };
    if (block.length > left || width > right) { say(said.tooLarge); return; }
    const cells = block.flatMap((line, down) => line.map((value, over) => [at(row + down, column + over), value.trim()]));
    if (cells.some(([to, value]) => !to && value)) { say(said.gap); return; }
    for (const [to, value] of cells) {
      if (!to) continue;
      to.value = value;
      pending.set(to.name, value);
      unkept.delete(to.name);
    }
    announce(said.pasted.replace("{count}", cells.length));
    save();
  });

  // What belongs to the cell that has the focus: earlier rounds, evidence.
  let asking = 0;
  table.addEventListener("focusin", (event) => {
    const one = event.target, card = document.getElementById("cell");
    if (!isCell(one)) return;
    const before = one.parentElement.querySelector("small");
    if (before && !one.hasAttribute("aria-describedby")) {
      before.id ||= one.id + "-before";
      one.setAttribute("aria-describedby", before.id);
    }
    if (!card) return;
    clearTimeout(asking);
    asking = setTimeout(async () => {
      const [unit, criterion] = one.name.split(".");
      const answer = await fetch(cellAt(unit, criterion));
      if (!answer.ok || document.activeElement !== one) return;
      const isTyped = () => [...card.querySelectorAll("textarea")].some((each) => pending.has(each.name) || unkept.has(each.name));
      if (isTyped()) await save();
      if (isTyped()) return;  // what was typed there is not saved yet: the card stays until it is
      card.innerHTML = await answer.text();  // a part that our server made
      card.hidden = false;
      window.htmx?.process(card);
    }, 300);
  });
}
