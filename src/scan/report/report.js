// Rows of the report: a page of them at a time, sorted, filtered, opened. Text becomes nodes, never markup.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const [MIRNA, TARGET, START, END, TYPE, P, COUNTS, DRAWING, PLACE, FDR] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const SVG = "http://www.w3.org/2000/svg";
const SIZE = 100; // rows of a page
const body = document.querySelector("#sites tbody");
const heads = [...document.querySelectorAll("#sites th")];
const ids = { mirna: (r) => data.mirnas[r[MIRNA]], target: (r) => data.targets[r[TARGET]][0], genome: (r) => r[PLACE] ?? "" };
const numbers = { start: (r) => r[START], type: (r) => data.types[r[TYPE]][1], probability: (r) => r[P] };
const fresh = { sort: "probability", order: "falling", find: "", type: "", least: "0", page: "1" };
const opened = new Set();
const byTarget = new Map();
data.rows.forEach((row, n) => (byTarget.has(row[TARGET]) ? byTarget.get(row[TARGET]).push(n) : byTarget.set(row[TARGET], [n])));
let state = { ...fresh };
let shown = [];

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawn(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function choose() {
  const find = state.find.toLowerCase().split(/\s+/).filter(Boolean);
  const least = Number(state.least) * 1e6;
  shown = [];
  data.rows.forEach((row, n) => {
    const name = (ids.mirna(row) + " " + ids.target(row)).toLowerCase();
    const kind = String(data.types[row[TYPE]][1]);
    if (row[P] >= least && (!state.type || kind === state.type) && find.every((word) => name.includes(word))) shown.push(n);
  });
  const sign = state.order === "rising" ? 1 : -1;
  const number = numbers[state.sort];
  const id = ids[state.sort];
  const compare = number ? (a, b) => number(a) - number(b) : (a, b) => (id(a) < id(b) ? -1 : id(a) > id(b) ? 1 : 0);
  shown.sort((a, b) => sign * compare(data.rows[a], data.rows[b]) || a - b);
}

function drawing(row) {
  const [mirna, bars, target] = row[DRAWING];
  const [wc, gu, mismatch] = row[COUNTS];
  const says = `${data.types[row[TYPE]][0]}  p=${(row[P] / 1e6).toFixed(3)}`;
  if (!mirna) return "nothing pairs here";
  return `miRNA  3' ${mirna} 5'   ${ids.mirna(row)}\n          ${bars}      ${says}\n`
    + `target 5' ${target} 3'   ${ids.target(row)} ${row[START]}-${row[END]}\n`
    + `\nWatson-Crick pairs ${wc}, wobbles ${gu}, mismatches ${mismatch}`
    + (row[FDR] === null ? "" : `\nfalse-discovery rate against shuffled 3'UTRs ${row[FDR]}`);
}

// Sites of this miRNA stand above the transcript, those of others hang below; the stronger the kind, the longer the mark.
function map(row) {
  const [left, width, axis] = [10, 880, 56];
  const length = data.targets[row[TARGET]][1];
  const x = (base) => left + (width * (base - 0.5)) / length;
  const svg = drawn("svg", { viewBox: "0 0 900 110", class: "figure map", role: "img" });
  const put = (name, attributes, text) => svg.append(drawn(name, attributes, text));
  const sites = byTarget.get(row[TARGET]).map((n) => data.rows[n]);
  const own = sites.filter((site) => site[MIRNA] === row[MIRNA]).length;
  svg.append(drawn("title", {}, `Sites on ${ids.target(row)}: ${own} of ${ids.mirna(row)}, ${sites.length - own} of others`));
  put("path", { class: "axis", d: `M${left} ${axis}H${left + width}` });
  for (const base of ticks(length)) {
    put("path", { class: "axis", d: `M${x(base)} ${axis - 3}v6` });
    put("text", { class: "tick", x: x(base), y: 106, "text-anchor": base === 1 ? "start" : base === length ? "end" : "middle" }, base);
  }
  // short marks lie on long ones, and the opened row's on all
  const front = (site) => (site === row ? data.kinds.length : data.types[site[TYPE]][1]);
  for (const site of [...sites].sort((a, b) => front(a) - front(b))) {
    const mine = site[MIRNA] === row[MIRNA];
    const kind = data.types[site[TYPE]][1];
    const height = 30 - 4 * kind;
    const from = x(site[START]);
    const mark = drawn("rect", { class: `bar s${kind}`, x: from, y: mine ? axis - 1 - height : axis + 1,
      width: Math.max(2.5, x(site[END]) - from), height });
    mark.append(drawn("title", {}, `${ids.mirna(site)} ${site[START]}-${site[END]} ${data.types[site[TYPE]][0]} p=${(site[P] / 1e6).toFixed(3)}`));
    svg.append(mark);
  }
  const from = x(row[START]);
  put("rect", { class: "here", x: from - 3, y: 22, width: Math.max(2.5, x(row[END]) - from) + 6, height: 34 });
  const end = row[START] > length / 2;
  put("text", { class: "label", x: end ? from + 4 : from - 3, y: 15, "text-anchor": end ? "end" : "start" }, `${row[START]}-${row[END]}`);
  const key = node("p", { class: "faint key" }, `Above the line ${own} of ${ids.mirna(row)}, below ${sites.length - own} of other miRNAs, of the sites on this page. `);
  for (const kind of new Set(sites.map((site) => data.types[site[TYPE]][1]).sort()))
    key.append(node("span", { class: "named" }, node("span", { class: `kind s${kind}` }), data.kinds[kind]), " ");
  return [svg, key];
}

function ticks(length) {
  const step = [1, 2, 5].flatMap((m) => [10, 100, 1e3, 1e4, 1e5, 1e6].map((d) => m * d)).sort((a, b) => a - b).find((s) => length / s <= 8);
  const between = Array.from({ length: Math.floor(length / step) }, (_, n) => (n + 1) * step);
  return [1, ...between.filter((base) => base > step / 2 && base < length - step / 2), length];
}

function line(n) {
  const row = data.rows[n];
  const [type, kind] = data.types[row[TYPE]];
  const open = opened.has(n);
  const button = node("button", { type: "button", "aria-expanded": open, "aria-label": `${ids.mirna(row)} on ${ids.target(row)}: duplex and map` }, ids.mirna(row));
  const cells = [button, ids.target(row), `${row[START]}-${row[END]}`, node("span", {}, node("span", { class: `kind s${kind}` }), type), (row[P] / 1e6).toFixed(3), ids.genome(row)];
  const made = [node("tr", { class: "row" }, ...heads.map((_, c) => node("td", {}, cells[c])))];
  if (open) {
    const detail = node("td", { colspan: heads.length }, node("pre", {}, drawing(row)), ...map(row));
    made.push(node("tr", { class: "detail" }, detail));
  }
  made[0].addEventListener("click", () => {
    if (!opened.delete(n)) opened.add(n);
    const at = [...body.querySelectorAll("tr.row")].indexOf(made[0]);
    render();
    body.querySelectorAll("tr.row")[at].querySelector("button").focus();
  });
  return made;
}

function render() {
  const pages = Math.max(1, Math.ceil(shown.length / SIZE));
  const page = Math.min(pages, Math.max(1, Math.trunc(Number(state.page)) || 1));
  body.replaceChildren(...shown.slice((page - 1) * SIZE, page * SIZE).flatMap(line));
  for (const head of heads)
    head.setAttribute("aria-sort", head.dataset.key !== state.sort ? "none" : state.order === "rising" ? "ascending" : "descending");
  const turn = (text, to) => {
    const button = node("button", { type: "button" }, text);
    button.disabled = to < 1 || to > pages;
    button.addEventListener("click", () => change({ page: String(to) }));
    return button;
  };
  const count = shown.length.toLocaleString("en");
  document.getElementById("pages").replaceChildren(turn("previous", page - 1),
    node("span", { role: "status" }, `${count} sites, page ${page} of ${pages}`), turn("next", page + 1));
}

function change(to) {
  state = { ...state, page: "1", ...to };
  const kept = Object.entries(state).filter(([key, value]) => value !== fresh[key]);
  history.replaceState(null, "", "#" + new URLSearchParams(kept));
  choose();
  render();
}

function controls() {
  const form = document.getElementById("controls");
  const find = node("input", { type: "search", name: "find", size: 28, placeholder: "let-7 ENSG..." });
  const type = node("select", { name: "type" }, node("option", { value: "" }, "all"),
    ...data.kinds.map((name, kind) => node("option", { value: kind }, name)));
  const least = node("input", { type: "number", name: "least", min: 0, max: 1, step: 0.05, size: 5 });
  [["miRNA or target", find], ["site type", type], ["probability from", least]].forEach(([text, field]) => {
    field.value = state[field.name];
    field.addEventListener("input", () => change({ [field.name]: field.value }));
    form.append(node("label", {}, text, field));
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const head of heads) {
    const button = node("button", { type: "button" }, head.textContent);
    button.addEventListener("click", () => {
      const key = head.dataset.key;
      const other = state.order === "rising" ? "falling" : "rising";
      change({ sort: key, order: state.sort === key ? other : key === "probability" ? "falling" : "rising" });
    });
    head.replaceChildren(button);
  }
  document.querySelectorAll(".live").forEach((live) => (live.hidden = false));
}

function begin() {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const key of Object.keys(fresh)) state[key] = asked.get(key) ?? fresh[key];
  if (!(state.sort in ids || state.sort in numbers)) state.sort = fresh.sort;
  choose();
  (asked.get("open") ?? "").split(",").filter(Boolean).forEach((at) => opened.add(shown[Number(at)]));
  controls();
  render();
}

begin();
