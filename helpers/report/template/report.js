"use strict";
for (const [number, table] of document.querySelectorAll("table[data-filter]").entries()) {
  const blocks = [...table.tBodies].filter((body) => "share" in body.dataset);
  const kinds = [...new Set(blocks.map((body) => body.dataset.kind))].filter(Boolean);
  const bar = document.createElement("div");
  bar.className = "filter";
  bar.setAttribute("role", "search");
  bar.setAttribute("aria-label", `Filter ${table.dataset.filter}`);

  const field = (words, control, after) => {
    const label = document.createElement("label");
    control.id = `filter-${number}-${bar.querySelectorAll("label").length}`;
    label.htmlFor = control.id;
    label.textContent = words;
    const pair = document.createElement("span");
    pair.append(...(after ? [control, label] : [label, control]));
    bar.append(pair);
    return control;
  };
  const select = (words, options) => {
    const control = document.createElement("select");
    control.append(...options.map(([value, text]) => new Option(text, value)));
    return field(words, control);
  };
  const input = (type) => Object.assign(document.createElement("input"), { type });

  const name = field("Name", input("search"));
  name.autocomplete = "off";
  const kind = kinds.length ? select("Kind", [["", "All"], ...kinds.map((each) => [each, each])]) : null;
  const least = select("Share in any arm", [["0", "All"], ...["5", "10", "20"].map((each) => [each, `≥${each}%`])]);
  const severe = field(`With ${table.dataset.severe}`, input("checkbox"), true);
  const status = document.createElement("output");
  bar.append(status);

  const show = () => {
    const sought = name.value.trim().toLowerCase();
    const fits = (body) => {
      const share = Number(severe.checked ? body.dataset.severe : body.dataset.share);
      return body.rows[0].cells[0].textContent.toLowerCase().includes(sought)
        && (!kind || !kind.value || body.dataset.kind === kind.value)
        && share >= Number(least.value) && (!severe.checked || share > 0);
    };
    for (const body of blocks) body.hidden = !fits(body);
    const shown = blocks.filter((body) => !body.hidden).length;
    status.textContent = `${shown} of ${blocks.length} ${table.dataset.filter} shown`;
  };
  bar.addEventListener("input", show);
  bar.addEventListener("change", show);
  table.closest(".wide").before(bar);
  show();
}
