"use strict";
// Sorting works on every table; filters and the choice of a convention on those that rank rows.
const number = (text) => (text === "" ? -Infinity : Number(text));
const valueOf = (cell) => cell.dataset.value ?? cell.textContent.trim();

function sortTable(header) {
  const table = header.closest("table");
  const column = [...header.parentNode.children].indexOf(header);
  const isText = header.dataset.kind === "text";
  const first = isText || header.textContent.trim() === "#" ? "ascending" : "descending";
  const other = first === "ascending" ? "descending" : "ascending";
  const order = header.getAttribute("aria-sort") === first ? other : first;
  for (const each of header.parentNode.children) each.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const compare = (a, b) => {
    const [x, y] = [a, b].map((row) => valueOf(row.children[column]));
    return sign * (isText ? x.localeCompare(y) : number(x) - number(y) || 0);
  };
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort(compare));
  table.classList.toggle("sorted", header.textContent.trim() !== "#");
  for (const row of body.rows) row.classList.remove("tier"); // tiers are those of the order by mAP
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortTable(button.parentNode));
}

const source = document.getElementById("scores");
if (source) {
  const data = JSON.parse(source.textContent);
  const form = document.querySelector(".controls");
  const [search, paper, convention, published] = ["search", "paper", "convention", "published"].map((id) =>
    document.getElementById(id),
  );
  const rows = [...document.querySelectorAll("tr[data-row]")];
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());

  const place = (value) => (((value - data.scale[0]) * 176) / (data.scale[1] - data.scale[0] || 1)).toFixed(1);

  function showScores(row) {
    const scores = data.rows[row.dataset.row][convention.value];
    for (const cell of row.querySelectorAll("[data-score]")) {
      const score = scores[cell.dataset.score];
      cell.textContent = score.text;
      cell.dataset.value = score.mean;
    }
    const bar = row.querySelector(".bar");
    const { mean, low, high, seeds } = scores.mAP;
    bar.setAttribute("aria-label", `${low.toFixed(1)} to ${high.toFixed(1)}`);
    const [range, stroke] = bar.querySelectorAll("line");
    range.setAttribute("x1", place(low));
    range.setAttribute("x2", place(high));
    for (const end of ["x1", "x2"]) stroke.setAttribute(end, place(mean));
    bar.querySelectorAll("circle").forEach((dot, seed) => dot.setAttribute("cx", place(seeds[seed])));
  }

  function rankRows(body) {
    const shown = [...body.rows].filter((row) => !row.hidden);
    const score = (row) => Number(row.querySelector('[data-score="mAP"]').dataset.value);
    shown.sort((a, b) => score(b) - score(a));
    shown.forEach((row, at) => {
      row.children[0].textContent = at + 1;
      row.children[0].dataset.value = at + 1;
    });
  }

  function update() {
    const words = search.value.toLowerCase();
    for (const row of rows) {
      const overall = row.dataset.row.startsWith("all-");
      const name = row.querySelector("th").textContent.toLowerCase();
      row.hidden =
        overall &&
        (!name.includes(words) ||
          Boolean(paper && paper.value && row.dataset.paper !== paper.value) ||
          (published.checked && row.dataset.modified === "1"));
      showScores(row);
    }
    for (const table of document.querySelectorAll("table[data-ranked]")) rankRows(table.tBodies[0]);
    const overall = rows.filter((row) => row.dataset.row.startsWith("all-"));
    const shown = overall.filter((row) => !row.hidden).length;
    document.getElementById("count").textContent =
      `${shown} of ${overall.length} rows, scored under ${convention.value}; ranks are among the rows that are shown, ` +
      "intervals of ranks among all rows under the first convention.";
  }
  form.addEventListener("input", update);
  update();

  const choice = document.getElementById("pair-row");
  if (choice) {
    const cells = [...document.querySelectorAll("#pair-table td")];
    const showPairs = () => {
      data.pairs[Number(choice.value)].forEach(([text, share], at) => {
        cells[at].textContent = text || "–";
        cells[at].style.setProperty("--share", share);
      });
      document.getElementById("pair-name").textContent = choice.selectedOptions[0].textContent;
    };
    document.getElementById("pair-choice").hidden = false;
    choice.addEventListener("input", showPairs);
  }
}
