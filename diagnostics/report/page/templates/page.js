"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);

  // Whatever came from a run becomes a text node or an attribute's value: nothing here makes markup out of text.
  const fill = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  };
  const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
  const draw = (tag, attributes = {}, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  const slug = (word) => word.replaceAll(" ", "-");
  const percent = (share) => `${Math.round(share * 100)}`;

  // ---- Theme: the system's, until a person says otherwise.

  const theme = byId("theme");
  const dark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const nameTheme = () => { theme.textContent = dark() ? "Light" : "Dark"; theme.setAttribute("aria-label", `Switch to the ${dark() ? "light" : "dark"} theme`); };
  theme.hidden = false;
  theme.addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; nameTheme(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
  nameTheme();

  // ---- The matrix.

  const environment = (row) => data.environments[row.e];
  const client = (row) => data.columns[row.c];
  const scenario = (row) => (data.loads ? `${row.s} ${row.l[0]}×${row.l[1]}/${row.l[2]} r${row.l[3]}` : row.s);
  const verdictOf = (cell, column) => (column === 0 ? null : cell?.v ?? "not tried");

  const FILTERS = {
    client: { label: "Client", values: data.columns, of: client },
    scenario: { label: "Scenario", values: unique(data.rows.map(scenario)).sort(), of: scenario },
    fix: { label: "Fix", values: data.fixes.slice(1).map((fix) => fix.name) },
    verdict: { label: "Verdict", values: [...Object.keys(data.signs.verdicts), "not tried"] },
    python: { label: "Python", values: unique(data.rows.map((row) => environment(row).python)).sort(byVersion), of: (row) => environment(row).python },
    environment: {
      label: "Environment", values: unique(data.rows.map((row) => environment(row).label)).sort(byVersion), of: (row) => environment(row).label,
      text: (label) => { const found = data.environments.find((each) => each.label === label); return `${label}: ${found.python}, ${found.has}`; },
    },
  };
  const chosen = Object.fromEntries(Object.keys(FILTERS).map((name) => [name, ""]));
  const lines = [];
  const total = data.rows.reduce((sum, row) => sum + row.cells.filter(Boolean).length, 0);
  let current = null;

  function unique(values) { return [...new Set(values)]; }
  function byVersion(one, other) { return one.localeCompare(other, "en", { numeric: true }); }

  function buildFilters() {
    const form = byId("filters");
    for (const [name, filter] of Object.entries(FILTERS)) {
      const select = make("select", { name, id: `filter-${name}` }, make("option", { value: "" }, "all"),
        filter.values.map((value) => make("option", { value }, filter.text ? filter.text(value) : value)));
      form.append(make("div", {}, make("label", { for: select.id }, filter.label), select));
      select.addEventListener("change", () => { chosen[name] = select.value; applyFilters(); });
    }
    form.append(make("button", { type: "button", id: "reset" }, "Show all"));
    byId("reset").addEventListener("click", () => choose({}));
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  function choose(wanted) {
    for (const name of Object.keys(FILTERS)) {
      chosen[name] = wanted[name] ?? "";
      byId(`filter-${name}`).value = chosen[name];
    }
    applyFilters();
  }

  function cellOf(row, column) {
    const cell = row.cells[column];
    const is = (kind, label, text) => make("div", { role: "gridcell", tabindex: "-1", class: `cell ${kind}`, "aria-label": label }, text);
    if (!cell) return is("v-none empty", "not tried", "–");
    if (column === 0 && cell.y) return is(`baseline y-${cell.y}`, `baseline: ${seen(cell)}, ${cell.k} of ${cell.n} trials`, data.signs.symptoms[cell.y]);
    if (!cell.v) return is("v-none", cell.st ?? "no verdict", "–");
    return is(`v-${slug(cell.v)}`, cell.v, data.signs.verdicts[cell.v]);
  }

  // Rows are boxes and not a table's, because only those can be left out of the layout while nobody looks at them.
  function buildMatrix() {
    const place = byId("grid");
    if (!data.rows.length) { place.append(make("p", {}, "Nothing ran.")); return; }
    heads = data.fixes.map((fix, column) => make("div", { role: "columnheader", title: fix.note }, make("span", {}, column ? fix.name : "baseline")));
    const grid = make("div", { class: "cells", role: "grid", "aria-labelledby": "matrix-title" },
      make("div", { class: "line head", role: "row" }, make("div", { role: "columnheader", class: "name" }, "scenario, environment"), heads));
    let group = null;
    for (const row of data.rows) {
      if (group === null || group.name !== client(row)) {
        group = { name: client(row), lines: [], element: make("div", { class: "line group", role: "row" }, make("div", { role: "rowheader", class: "name" }, client(row))) };
        grid.append(group.element);
      }
      const where = environment(row);
      const name = make("div", { role: "rowheader", class: "name" }, scenario(row), make("small", { title: where.has }, `${where.label} · ${where.python} · ${row.r || where.has}`));
      const cells = row.cells.map((_, column) => cellOf(row, column));
      const line = { row, cells, group, element: make("div", { class: "line", role: "row" }, name, cells), shown: true, dim: cells.map(() => false) };
      cells.forEach((cell, column) => { cell.at = [lines.length, column]; });
      group.lines.push(line);
      lines.push(line);
      grid.append(line.element);
    }
    place.append(grid);
    place.addEventListener("click", (event) => { const cell = event.target.closest(".cell"); if (cell) open(cell); });
    place.addEventListener("keydown", walk);
    point(lines[0].cells[0]);
  }
  let heads = [];
  let columns = data.fixes.map(() => true);

  function applyFilters() {
    const rowFilters = Object.entries(FILTERS).filter(([name, filter]) => filter.of && chosen[name]);
    showColumns(data.fixes.map((fix, column) => column === 0 || !chosen.fix || fix.name === chosen.fix));
    const groups = new Set();
    let rows = 0;
    let matching = 0;
    for (const line of lines) {
      const hits = rowFilters.every(([name, filter]) => filter.of(line.row) === chosen[name]) ? countHits(line) : 0;
      if (hits) { rows += 1; matching += hits; groups.add(line.group); }
      if (line.shown !== hits > 0) { line.shown = hits > 0; line.element.hidden = !line.shown; }
    }
    for (const line of lines) if (line === line.group.lines[0]) line.group.element.hidden = !groups.has(line.group);
    byId("count").textContent = `${matching.toLocaleString("en")} of ${total.toLocaleString("en")} cells, in ${rows.toLocaleString("en")} row${rows === 1 ? "" : "s"}`;
    if (!current || current.hidden || current.parentNode.hidden) {
      const line = lines.find((each) => each.shown);
      if (line) point(line.cells[0]);
    }
  }

  // How many cells of a row are asked for; those that are not, where a verdict is, step back.
  function countHits(line) {
    let hits = 0;
    line.row.cells.forEach((cell, column) => {
      const fits = columns[column] && (!chosen.verdict || verdictOf(cell, column) === chosen.verdict);
      if (fits && (cell || chosen.verdict)) hits += 1;
      const dim = Boolean(chosen.verdict) && column > 0 && !fits;
      if (line.dim[column] !== dim) { line.dim[column] = dim; line.cells[column].classList.toggle("dim", dim); }
    });
    return hits;
  }

  function showColumns(wanted) {
    wanted.forEach((shown, column) => {
      if (columns[column] === shown) return;
      heads[column].hidden = !shown;
      for (const line of lines) line.cells[column].hidden = !shown;
    });
    columns = wanted;
    byId("grid").style.setProperty("--fixes", wanted.filter(Boolean).length - 1);
  }

  function point(cell) {
    current?.setAttribute("tabindex", "-1");
    current = cell;
    cell.setAttribute("tabindex", "0");
  }

  function walk(event) {
    const cell = event.target.closest(".cell");
    if (!cell) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(cell); return; }
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-10, 0], PageDown: [10, 0] }[event.key];
    const edge = { Home: 0, End: data.fixes.length - 1 }[event.key];
    if (!step && edge === undefined) return;
    event.preventDefault();
    const visible = lines.filter((line) => line.shown);
    const there = columns.map((shown, column) => (shown ? column : -1)).filter((column) => column >= 0);
    let [line, column] = [visible.indexOf(lines[cell.at[0]]), there.indexOf(cell.at[1])];
    if (step) {
      line = Math.min(visible.length - 1, Math.max(0, line + step[0]));
      column = Math.min(there.length - 1, Math.max(0, column + step[1]));
    } else column = edge === 0 ? 0 : there.length - 1;
    const next = visible[line].cells[there[column]];
    point(next);
    next.focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // ---- The evidence of a cell.

  const dialog = byId("evidence");
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  function open(element) {
    const [line, column] = element.at;
    const row = lines[line].row;
    const cell = row.cells[column];
    if (!cell) return;
    point(element);
    dialog.replaceChildren(evidence(row, column, cell));
    dialog.showModal();
    dialog.scrollTop = 0;
  }

  function evidence(row, column, cell) {
    const fix = data.fixes[column];
    const where = environment(row);
    const close = make("button", { type: "button", autofocus: true, "aria-label": "Close" }, "✕");
    close.addEventListener("click", () => dialog.close());
    const said = column === 0
      ? make("p", {}, make("span", { class: `said y-${cell.y ?? "none"}` }, cell.y ? seen(cell) : cell.st), " ", cell.y ? data.words.symptoms[cell.y] : data.words.statuses[cell.st])
      : make("p", {}, make("span", { class: `said v-${slug(cell.v ?? "none")}` }, data.signs.verdicts[cell.v] ?? "–", " ", cell.v ?? cell.st), " ", cell.v ? data.words.verdicts[cell.v] : data.words.statuses[cell.st] ?? "");
    const inner = make("div", { class: "inner" },
      make("header", {}, make("h2", { id: "evidence-title" }, column === 0 ? "Baseline, without a fix" : fix.name), close),
      make("p", { class: "facts" }, `${client(row)} · ${scenario(row)} · Python ${where.python} · ${where.label}: ${where.has}`), said,
      column && cell.v ? make("p", {}, `${trials(cell.all)} with the fix, ${trials(row.cells[0]?.all ?? 0)} without.`) : null,
      fix.note && column ? make("p", { class: "note" }, fix.note) : null,
      column ? code(fix) : null,
      make("h3", {}, "Evidence"),
      cell.t === undefined ? make("p", {}, "Nothing was printed, and no exception was raised.") : make("pre", { tabindex: "0", "aria-label": "Evidence" }, data.texts[cell.t]),
      findings(cell), comparison(row, column, cell),
      repeat(row, column));
    const number = timelines.findIndex((each) => each.e === where.label && each.p === row.p && each.s === row.s);
    if (number >= 0) {
      const show = make("button", { type: "button" }, "Show the timeline");
      show.addEventListener("click", () => { dialog.close(); showTimeline(number); byId("timeline").scrollIntoView(); byId("timeline-pick").focus(); });
      inner.append(make("h3", {}, "Timeline of the baseline"), show);
    }
    return inner;
  }

  function seen(cell) { return data.words.names[cell.y] + (cell.re ? ` (${cell.re})` : ""); }

  function trials(number) { return `${number.toLocaleString("en")} trial${number === 1 ? "" : "s"}`; }

  function code(fix) {
    if (!fix.code) return null;
    const block = (name, text) => make("div", {}, make("p", {}, name), make("pre", { tabindex: "0", "aria-label": name }, text));
    return make("details", {}, make("summary", {}, "Code before and after"), block("Before", data.fixes[0].code), block(`With ${fix.name}`, fix.code));
  }

  function comparison(row, column, cell) {
    const baseline = row.cells[0];
    const both = column === 0 ? [cell] : [cell, baseline];
    const account = (index) => (each) => each?.a?.[index]?.toLocaleString("en") ?? "–";
    const facts = [
      ["symptom", (each) => (each?.ys ? Object.entries(each.ys).map(([word, count]) => `${word} ${count}`).join(", ") : each?.y ? seen(each) : each?.st ?? "–")],
      ["trials with a symptom", (each) => (each?.n ? `${each.k} of ${each.n}` : "–")],
      ["95 % interval", (each) => (each?.i ? `${percent(each.i[0])} to ${percent(each.i[1])} %` : "–")],
      ["calls", account(0)], ["calls answered", account(1)], ["requests received", account(2)], ["repeated requests", account(3)],
      ["connections", account(4)], ["seconds", (each) => each?.a?.[5]?.toFixed(3) ?? "–"],
      ["descriptors left, leaked", (each) => (each?.a ? `${each.a[6]}, ${each.a[7]}` : "–")], ["threads left", account(8)],
      ["instrumented trials", (each) => `${each?.w ?? 0}`],
    ];
    return make("table", { class: "plain" }, make("caption", {}, make("h3", {}, "Counts")),
      make("thead", {}, make("tr", {}, make("td"), both.map((_, number) => make("th", { scope: "col", class: "number" }, number || column === 0 ? "baseline" : "with the fix")))),
      make("tbody", {}, facts.map(([name, of]) => make("tr", {}, make("th", { scope: "row" }, name), both.map((each) => make("td", { class: "number" }, of(each)))))));
  }

  function findings(cell) {
    const title = make("h3", {}, "Findings of the sanitizer");
    if (!cell.f) return make("div", {}, title, make("p", {}, cell.w ? "No findings." : "No trial of this cell was instrumented."));
    return make("div", {}, title,
      make("ul", {}, cell.f.map(([kind, severity, count]) => make("li", {}, make("b", {}, `${kind} × ${count}`), ` (${severity}): ${data.words.findings[kind] ?? ""}`))));
  }

  function repeat(row, column) {
    const quote = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
    const words = ["--environment", environment(row).slug, "--provider", row.p, "--scenario", row.s, "--fix", data.fixes[column].name];
    ["--runs", "--calls", "--concurrency", "--retries"].forEach((name, index) => { if (row.l[index] !== data.usual[index]) words.push(name, `${row.l[index]}`); });
    const command = `nox -s repro -- ${words.map(quote).join(" ")} --trials 10`;
    const copy = make("button", { type: "button" }, "Copy");
    const line = make("pre", { tabindex: "0", "aria-label": "Command" }, command);
    copy.addEventListener("click", () => {
      navigator.clipboard?.writeText(command).then(() => { copy.textContent = "Copied"; }, () => getSelection().selectAllChildren(line));
    });
    return make("div", {}, make("h3", {}, "Run it again"), line, copy);
  }

  // ---- The timeline.

  const timelines = data.timelines;
  const KINDS = { T: "threads", L: "loops", C: "clients", X: "connections" };
  const SAID = {
    created: "was created", entered: "began to run", left: "stopped running", closed: "was closed", gone: "is gone", used: "was used", opened: "was opened",
    finalised: "was finalised", collected: "made a pass", cut: "was truncated here:",
  };
  const STEP_LEAST = 3;
  const STEP_MOST = 90;
  const view = { number: -1, step: 12, kinds: new Set(Object.keys(KINDS)), touchedOnly: false, event: 0, model: null };
  const place = (number) => data.sites[number] ?? "";

  function sentence(event) {
    if (event.what === "touched") {
      const by = event.run ? `Code that ran on ${event.run}` : "Code outside a running loop";
      const what = event.x ? `${event.x}, a connection${event.of[0] === "C" ? ` of ${event.of}` : ""}` : event.of;
      return `${by} used ${what}, which belongs to ${event.loop}${event.open === false ? ", closed by then" : ", still open"} – ${event.more}`;
    }
    const what = event.of === "GC" ? "The collector" : event.of === "LOG" ? "The log" : event.of;
    const name = event.name && event.name !== event.of ? ` (${event.name})` : "";
    const on = event.loop ? ` on ${event.loop}${event.open === false ? ", which is closed" : ""}` : "";
    const running = event.run && event.run !== event.of ? ` while ${event.run} runs` : event.of[0] === "L" ? "" : event.run ? "" : ", with no loop running";
    return `${what}${name} ${SAID[event.what] ?? event.what}${on}${running}${event.more ? ` – ${event.more}` : ""}`;
  }

  function modelOf(timeline) {
    const events = timeline.events;
    const lanes = new Map();
    const end = events.length - 1;
    const lane = (kind, key, index, name) => {
      if (!lanes.has(key)) lanes.set(key, { kind, key, name: name ?? "", from: index, to: end, parts: [], marks: [], touched: false, over: null, ended: false });
      const found = lanes.get(key);
      if (name && !found.name) found.name = name;
      return found;
    };
    const running = new Map();
    events.forEach((event, index) => {
      const letter = event.of[0];
      if (event.th) lane("T", `T ${event.th}`, index, event.th);
      if (event.of === "GC" || event.of === "LOG" || !KINDS[letter]) { if (event.th) lanes.get(`T ${event.th}`).marks.push(index); return; }
      const own = lane(letter, event.of, index, event.name);
      own.marks.push(index);
      if (letter === "X") { own.loop ??= event.loop; own.client ??= event.c; }
      if (event.what === "entered") running.set(event.of, { from: index, thread: event.th });
      if (event.what === "left" && running.has(event.of)) {
        const begun = running.get(event.of);
        running.delete(event.of);
        own.parts.push([begun.from, index, event.of]);
        if (begun.thread) lanes.get(`T ${begun.thread}`).parts.push([begun.from, index, event.of]);
      }
      // What only the collector ends is gone first, as far as references go, and is closed or finalised after that.
      if (event.what === "gone" || (own.ended && ["closed", "finalised"].includes(event.what)) || (event.what === "closed" && letter === "X")) { own.to = index; own.ended = true; }
      if (letter === "L" && event.what === "closed") own.over = index;
      if (letter === "C" && (event.what === "closed" || event.what === "finalised")) own.over ??= index;
      if (event.what === "touched") {
        for (const key of [event.of, event.x, event.loop, event.run]) if (key && lanes.has(key)) lanes.get(key).touched = true;
        if (event.x && lanes.has(event.x)) lanes.get(event.x).marks.push(index);
      }
    });
    for (const [name, begun] of running) {
      lanes.get(name).parts.push([begun.from, end, name]);
      if (begun.thread) lanes.get(`T ${begun.thread}`).parts.push([begun.from, end, name]);
    }
    const closed = new Map([...lanes.values()].map((each) => [each.key, each.over]));
    for (const each of lanes.values()) {
      if (each.kind === "X") each.over = closed.get(each.loop) ?? null;
      if (each.over !== null && each.over >= each.to) each.over = null;
    }
    const order = Object.keys(KINDS);
    return { events, lanes: [...lanes.values()].sort((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind) || byVersion(one.key, other.key)) };
  }

  const colour = (name) => `l${Number(/^L(\d+)$/.exec(name ?? "")?.[1] ?? 0) % 6}`;

  function showTimeline(number) {
    view.number = number;
    byId("timeline-pick").value = `${number}`;
    view.model = modelOf(timelines[number]);
    const first = view.model.events.findIndex((event) => event.what === "touched");
    view.event = first >= 0 ? first : 0;
    view.touchedOnly = false;
    byId("touched-only").checked = false;
    byId("event-list").querySelector("ol").replaceChildren(...view.model.events.map((event, index) => {
      const button = make("button", { type: "button" }, `${event.what === "touched" ? "◆ " : ""}${event.n}. ${sentence(event)}`);
      button.addEventListener("click", () => select(index));
      return make("li", {}, button);
    }));
    fit();
    select(view.event);
  }

  function fit() {
    const width = Math.max(240, byId("lanes").clientWidth - Math.min(230, Math.max(104, innerWidth * .24)) - 40);
    zoom(width / Math.max(1, view.model.events.length));
  }

  function zoom(step) {
    const box = byId("lanes").firstElementChild;
    const middle = box ? (box.scrollLeft + box.clientWidth / 2) / view.step : 0;
    view.step = Math.min(STEP_MOST, Math.max(STEP_LEAST, step));
    drawLanes();
    const now = byId("lanes").firstElementChild;
    if (box) now.scrollLeft = middle * view.step - now.clientWidth / 2;
  }

  function drawLanes() {
    const { events, lanes } = view.model;
    const shown = lanes.filter((lane) => view.kinds.has(lane.kind) && (!view.touchedOnly || lane.touched || lane.kind === "T"));
    const height = shown.length > 30 ? 17 : 24;
    const top = 22;
    const x = (index) => 12 + index * view.step;
    const width = x(events.length - 1) + 60;
    const row = new Map(shown.map((lane, number) => [lane.key, top + number * height]));
    const svg = draw("svg", { width, height: top + shown.length * height + 6, viewBox: `0 0 ${width} ${top + shown.length * height + 6}`, "aria-hidden": "true" },
      draw("defs", {}, draw("pattern", { id: "over", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        draw("rect", { width: 6, height: 6, style: null, fill: "var(--bg)" }), draw("rect", { width: 2.5, height: 6, fill: "var(--hatch)" }))));
    shown.forEach((lane, number) => svg.append(draw("rect", { class: `lane ${number % 2 ? "odd" : ""}`, x: 0, y: row.get(lane.key), width, height })));
    const every = Math.max(1, Math.ceil(42 / view.step));
    for (let index = 0; index < events.length; index += every) svg.append(draw("text", { x: x(index), y: 14, "text-anchor": "middle" }, `${events[index].n}`));
    events.forEach((event, index) => {
      if (event.what === "touched") svg.append(draw("line", { class: "touch-line faint", x1: x(index), x2: x(index), y1: top - 4, y2: top + shown.length * height }));
    });
    for (const lane of shown) svg.append(drawLane(lane, row.get(lane.key), height, x));
    svg.append(drawMarks(shown, row, height, x));
    const names = make("div", { class: "names", "aria-hidden": "true" }, shown.map((lane) => {
      const label = make("div", { title: `${lane.key} ${lane.name}` }, make("b", {}, lane.kind === "T" ? "thread" : lane.key), ` ${lane.kind === "X" ? [lane.client, lane.loop].filter(Boolean).join(", ") : lane.name.split(".").pop()}`);
      label.style.height = label.style.lineHeight = `${height}px`;
      return label;
    }));
    const box = make("div", { class: "lanes", tabindex: "0", role: "group", "aria-label": "Timeline. Left and right arrow keys step through the events, plus and minus zoom, 0 fits it to the window." }, names, svg);
    const old = byId("lanes").firstElementChild;
    const had = old === document.activeElement;
    byId("lanes").replaceChildren(box);
    if (had) box.focus();
    listen(box);
    markChosen();
  }

  function drawLane(lane, y, height, x) {
    const part = draw("g");
    const bar = (from, to, kind, inset) => draw("rect", { class: kind, x: x(from), y: y + inset, width: Math.max(2, x(to) - x(from)), height: height - 2 * inset, rx: 2 });
    const open = lane.ended ? lane.to : lane.to + 0.6;
    if (lane.kind === "X") {
      part.append(bar(lane.from, lane.over ?? open, colour(lane.loop), height / 2 - 3));
      if (lane.over !== null) part.append(bar(lane.over, open, "life over", height / 2 - 4));
    } else if (lane.kind !== "T") {
      part.append(bar(lane.from, lane.over ?? open, "life", height / 2 - 3));
      if (lane.over !== null) part.append(bar(lane.over, open, "life over", height / 2 - 3));
    }
    for (const [from, to, loop] of lane.parts) {
      part.append(bar(from, to, colour(loop), height / 2 - 7));
      if (lane.kind === "T" && x(to) - x(from) > 22) part.append(draw("text", { class: "in", x: x(from) + 5, y: y + height / 2 + 3.5 }, loop));
    }
    return part;
  }

  function drawMarks(shown, row, height, x) {
    const { events } = view.model;
    const part = draw("g");
    for (const lane of shown) {
      for (const index of lane.marks) {
        const event = events[index];
        if (event.what === "touched") continue;
        const end = ["closed", "gone", "finalised"].includes(event.what);
        part.append(draw("circle", { class: end ? "mark end" : "mark", cx: x(index), cy: row.get(lane.key) + height / 2, r: height > 20 ? 4.2 : 3.2, "data-event": index }));
      }
    }
    events.forEach((event, index) => {
      if (event.what !== "touched") return;
      const ys = unique([event.of, event.x, event.loop, event.run]).filter((key) => row.has(key)).map((key) => row.get(key) + height / 2);
      if (!ys.length) return;
      part.append(draw("line", { class: "touch-line", x1: x(index), x2: x(index), y1: Math.min(...ys), y2: Math.max(...ys) }));
      for (const y of ys) {
        const size = height > 20 ? 6.5 : 5;
        part.append(draw("path", { class: "touch", d: `M${x(index)} ${y - size}l${size} ${size}l${-size} ${size}l${-size} ${-size}z`, "data-event": index }));
      }
    });
    return part;
  }

  function listen(box) {
    let tip = null;
    const hide = () => { tip?.remove(); tip = null; };
    const over = (event) => event.target.closest("[data-event]");
    box.addEventListener("pointerover", (event) => {
      hide();
      const mark = over(event);
      if (!mark) return;
      tip = make("div", { class: "tip" }, `${view.model.events[mark.dataset.event].n}. ${sentence(view.model.events[mark.dataset.event])}`);
      document.body.append(tip);
      tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 14))}px`;
      tip.style.top = `${Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8)}px`;
    });
    box.addEventListener("pointerleave", hide);
    box.addEventListener("scroll", hide);
    box.addEventListener("click", (event) => { const mark = over(event); if (mark) { hide(); select(Number(mark.dataset.event)); } });
    box.addEventListener("wheel", (event) => { if (event.ctrlKey) { event.preventDefault(); zoom(view.step * (event.deltaY < 0 ? 1.25 : .8)); } }, { passive: false });
    box.addEventListener("keydown", (event) => {
      const act = {
        ArrowRight: () => select(Math.min(view.model.events.length - 1, view.event + 1)), ArrowLeft: () => select(Math.max(0, view.event - 1)),
        "+": () => zoom(view.step * 1.5), "=": () => zoom(view.step * 1.5), "-": () => zoom(view.step / 1.5), 0: fit,
      }[event.key];
      if (act && !event.ctrlKey && !event.metaKey) { event.preventDefault(); act(); }
    });
  }

  function markChosen() {
    const box = byId("lanes").firstElementChild;
    box.querySelector(".chosen")?.remove();
    const svg = box.querySelector("svg");
    const at = 12 + view.event * view.step;
    svg.append(draw("rect", { class: "chosen", x: at - 8, y: 18, width: 16, height: svg.height.baseVal.value - 20, rx: 5, "pointer-events": "none" }));
    const left = box.querySelector(".names").offsetWidth;
    if (at < box.scrollLeft + 20) box.scrollLeft = at - 60;
    else if (at > box.scrollLeft + box.clientWidth - left - 20) box.scrollLeft = at - box.clientWidth + left + 60;
  }

  function select(index) {
    view.event = index;
    markChosen();
    const event = view.model.events[index];
    const kind = event.what === "touched" ? (event.more ?? "").split(":")[0] : null;
    const facts = [event.th ? `thread ${event.th}` : "", event.ms === undefined ? "" : `${event.ms.toFixed(2)} ms after the start`, event.c ? `of ${event.c}` : ""].filter(Boolean).join(" · ");
    const stack = event.stack
      ? make("details", { open: kind !== null }, make("summary", {}, `Stack, innermost first (${event.stack.length} frames)`),
        make("ol", { class: "mono", tabindex: "0", "aria-label": "Stack" }, event.stack.map((frame) => make("li", { class: frame === event.site ? "own" : null }, place(frame)))))
      : null;
    byId("event").classList.toggle("foreign", kind !== null);
    byId("event").replaceChildren(...[
      make("p", {}, make("b", {}, `${kind === null ? "" : "◆ Cross-loop access. "}${event.n}. `), sentence(event)),
      kind && data.words.findings[kind] ? make("p", {}, `${kind}: ${data.words.findings[kind]}.`) : null,
      event.by === undefined ? null : make("p", {}, "By ", make("code", {}, place(event.by)), event.site === undefined || event.site === event.by ? null : [", for ", make("code", {}, place(event.site))]),
      facts ? make("p", { class: "facts" }, facts) : null, stack,
    ].filter(Boolean));
    byId("event-list").querySelectorAll("button").forEach((button, number) => { if (number === index) button.setAttribute("aria-current", "true"); else button.removeAttribute("aria-current"); });
  }

  function buildTimeline() {
    const title = (each) => { const where = data.environments.find((row) => row.label === each.e); return `${each.p} · ${each.s} · ${each.e}, Python ${where?.python ?? "?"} – ${data.words.names[each.y] ?? "no outcome"}`; };
    const pick = make("select", { id: "timeline-pick" }, timelines.map((each, number) => make("option", { value: `${number}` }, title(each))));
    const button = (text, name, act) => { const made = make("button", { type: "button", "aria-label": name, title: name }, text); made.addEventListener("click", act); return made; };
    const box = (id, text, checked, act) => { const input = make("input", { type: "checkbox", id, checked }); input.addEventListener("change", () => act(input.checked)); return make("label", { for: id }, input, ` ${text}`); };
    byId("timeline-controls").append(
      make("div", { class: "pick" }, make("label", { for: pick.id }, "Trial"), pick),
      button("−", "Zoom out", () => zoom(view.step / 1.5)), button("+", "Zoom in", () => zoom(view.step * 1.5)), button("Fit", "Fit the timeline to the window", fit),
      make("div", { role: "group", "aria-label": "Lanes" }, Object.entries(KINDS).map(([kind, name]) => box(`lanes-${name}`, name, true, (on) => { if (on) view.kinds.add(kind); else view.kinds.delete(kind); drawLanes(); })),
        box("touched-only", "only cross-loop access", false, (on) => { view.touchedOnly = on; drawLanes(); })));
    pick.addEventListener("change", () => showTimeline(Number(pick.value)));
    // First the one that tells most in the fewest events: a touch, and a symptom that a person would see.
    const telling = (each) => [each.events.some((event) => event.what === "touched"), ["raised", "logged"].includes(each.y), -each.events.length];
    const more = (one, other) => { const at = one.findIndex((value, index) => value !== other[index]); return at >= 0 && one[at] > other[at]; };
    showTimeline(timelines.reduce((found, each, number) => (more(telling(each), telling(timelines[found])) ? number : found), 0));
    let before = 0;
    addEventListener("beforeprint", () => { before = view.step; view.step = 520 / Math.max(1, view.model.events.length); drawLanes(); });
    addEventListener("afterprint", () => { view.step = before; drawLanes(); });
  }

  // ---- At a glance: a cell of the overview selects its combinations below.

  byId("overview").addEventListener("click", (event) => {
    const button = event.target.closest(".tally");
    if (!button) return;
    choose({ fix: button.dataset.fix, client: button.dataset.column });
    byId("matrix").scrollIntoView();
  });

  // ---- On a phone: one client at a time, a card for each fix.

  const narrow = matchMedia("(max-width: 640px)");
  if (narrow.matches) for (const more of document.querySelectorAll("details.more")) more.open = false;
  addEventListener("beforeprint", () => { for (const each of document.querySelectorAll("details.more, #fixes details")) each.open = true; });

  const judged = (name) => data.rows.reduce((sum, row) => sum + (client(row) === name ? row.cells.filter((cell) => cell?.v).length : 0), 0);

  function buildCards() {
    const tried = data.columns.filter(judged);
    if (!tried.length || !byId("cards")) return;
    const pick = make("select", { id: "card-client" }, tried.map((name) => make("option", { value: name }, name)));
    pick.value = tried.reduce((most, name) => (judged(name) > judged(most) ? name : most));
    const list = make("ul", { class: "cards" });
    const drawCards = () => list.replaceChildren(...data.fixes.slice(1).map((fix, index) => card(fix, index + 1, pick.value)).filter(Boolean));
    pick.addEventListener("change", drawCards);
    byId("cards").append(make("div", {}, make("label", { for: pick.id }, "Client"), pick), list);
    drawCards();
  }

  function card(fix, column, name) {
    const rows = data.rows.filter((row) => client(row) === name && row.cells[column]?.v);
    if (!rows.length) return null;
    const sum = (of) => rows.reduce((total, row) => total + (row.cells[of]?.all ?? 0), 0);
    const counts = Object.keys(data.signs.verdicts).map((word) => [word, rows.filter((row) => row.cells[column].v === word).length]).filter(([, count]) => count);
    const show = make("button", { type: "button" }, "Show its combinations");
    show.addEventListener("click", () => { choose({ fix: fix.name, client: name }); byId("matrix").scrollIntoView(); });
    return make("li", {},
      make("h3", {}, make("code", {}, fix.name)),
      make("p", {}, counts.map(([word, count]) => make("span", { class: `said v-${slug(word)}` }, `${data.signs.verdicts[word]} ${word} ${count}`))),
      make("p", { class: "facts" }, `${rows.length} combination${rows.length === 1 ? "" : "s"}; ${trials(sum(column))} with the fix, ${trials(sum(0))} without`),
      fix.note ? make("p", { class: "note" }, fix.note) : null, code(fix), show);
  }

  buildCards();
  buildFilters();
  buildMatrix();
  applyFilters();
  if (timelines.length && byId("timeline")) buildTimeline();
  document.documentElement.dataset.ready = "true";
})();
