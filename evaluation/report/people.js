// From a number to people: the worst people of a joint, of one method or of two side by side. The page is whole without.
"use strict";
for (const box of document.querySelectorAll(".people")) {
  const SHOWN = 24, UNIT = 4096, NONE = -32768;
  const data = JSON.parse(box.nextElementSibling.textContent);
  const {methods, joints, groups, people, kind_names: kinds} = data, K = joints.length, N = people.length;
  const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const places = new Int16Array(bytes(data.places).buffer), visible = bytes(data.visible), kindOf = bytes(data.kinds);
  const given = data.errors && new Float32Array(bytes(data.errors).buffer);
  const all = joints.map((_, joint) => joint), sets = {"all joints": all, ...groups};
  joints.forEach((name, joint) => { sets[name] = [joint]; });
  const safe = text => String(text).replace(/[&<>"]/g, letter => `&#${letter.charCodeAt(0)};`);
  const choices = {};

  // Pose 0 is the ground truth, pose m + 1 that of method m.
  const place = (pose, row, joint) => {
    const at = 2 * ((pose * N + row) * K + joint);
    return places[at] === NONE ? null : [places[at], places[at + 1]];
  };
  const error = (method, row, joint) => {
    if (given) return given[(method * N + row) * K + joint];
    const truth = place(0, row, joint), found = place(method + 1, row, joint), {side, size} = people[row];
    return truth && found && size ? Math.hypot(found[0] - truth[0], found[1] - truth[1]) * side / UNIT / size : NaN;
  };
  const counted = (row, method) => sets[choices.joint.value].filter(joint =>
    (choices.seen.value === "" || visible[row * K + joint] === +choices.seen.value)
    && (choices.kind.value === "" || kindOf[(method * N + row) * K + joint] === +choices.kind.value));
  const mean = (row, method, among) => {
    const errors = among.map(joint => error(method, row, joint)).filter(value => !isNaN(value));
    return errors.length ? errors.reduce((sum, value) => sum + value, 0) / errors.length : NaN;
  };

  function draw(row, method, marked) {
    const person = people[row], parts = [];
    if (person.thumbnail) parts.push(`<image href="data:${data.format};base64,${person.thumbnail}" width="${UNIT}" height="${UNIT}"/>`);
    else if (data.images && person.image) parts.push(`<image href="${safe(data.images + encodeURI(person.image))}"
      transform="scale(${UNIT / person.side}) translate(${-person.x} ${-person.y})"/>`);
    for (const [pose, width] of [[0, 26], [method + 1, 64]]) {
      data.parents.forEach((parent, joint) => {
        const [from, to] = [place(pose, row, joint), parent < 0 ? null : place(pose, row, parent)];
        const color = pose ? data.colors[joint] : "#fff";
        if (from && to) parts.push(`<path d="M${from}L${to}" stroke="${color}" stroke-width="${width}"/>`);
        if (from && pose && marked.includes(joint))
          parts.push(`<circle cx="${from[0]}" cy="${from[1]}" r="150" stroke="${color}" stroke-width="40" fill="none"/>`);
      });
    }
    return `<svg viewBox="0 0 ${UNIT} ${UNIT}" role="img" aria-label="${safe(person.id)}">${parts.join("")}</svg>`;
  }

  function show() {
    const [first, second] = [+choices.method.value, choices.other.value === "" ? null : +choices.other.value];
    const shown = second === null ? [first] : [first, second], sign = choices.order.value === "fewer" ? -1 : 1;
    const rows = [];
    people.forEach((person, row) => {
      if (choices.size.value !== "" && person.quarter !== +choices.size.value) return;
      const among = counted(row, first), values = shown.map(method => mean(row, method, among));
      const rank = choices.order.value === "worst" || second === null ? values[0] : sign * (values[0] - values[1]);
      if (!isNaN(rank)) rows.push({row, among, values, rank});
    });
    rows.sort((a, b) => b.rank - a.rank);
    list.className = second === null ? "list" : "list two";
    list.innerHTML = rows.slice(0, SHOWN).map(({row, among, values}) => `<figure data-row="${row}"><div class="pair">
      ${shown.map(method => draw(row, method, among.length < K ? among : [])).join("")}</div><figcaption>${safe(people[row].id)}:
      ${shown.map((method, i) => `${safe(methods[method])} ${values[i].toFixed(2)}`).join(", ")}</figcaption></figure>`).join("");
    count.textContent = `${Math.min(SHOWN, rows.length)} of ${rows.length} people, by mean error in ${data.unit}. `
      + "Thin white: the ground truth; orange: the person's right side; blue: left.";
  }

  function choose(key, label, options) {
    const select = document.createElement("select"), around = document.createElement("label");
    for (const [value, text] of options) select.add(new Option(text, value));
    select.dataset.choice = key;
    select.onchange = show;
    around.append(`${label} `, select);
    box.append(around);
    choices[key] = select;
  }
  const named = methods.map((name, method) => [method, name]);
  choose("joint", "Joint", Object.keys(sets).map(name => [name, name.replaceAll("_", " ")]));
  choose("method", "of", named);
  choose("other", "beside", [["", "nobody"], ...named]);
  choose("order", "first", [["worst", "the worst"], ["more", "worse than beside"], ["fewer", "better than beside"]]);
  choose("size", "height", [["", "any"], ...data.quarters.map((text, quarter) => [quarter, `${text} px`])]);
  choose("seen", "joints", [["", "visible or hidden"], [1, "visible"], [0, "hidden"]]);
  choose("kind", "kind of error", [["", "any"], ...kinds.map((name, kind) => [kind, name])]);
  const count = document.createElement("p"), list = document.createElement("div");
  count.className = "note";
  box.append(count, list);

  function look(name, kind) {
    choices[kind ? "kind" : "joint"].value = kind ? kinds.indexOf(name) : name;
    show();
    box.scrollIntoView();
  }
  for (const place of document.querySelectorAll("th, svg text")) {
    const name = place.textContent.trim(), kind = kinds.includes(name);
    const joint = [name, name.replaceAll(" ", "_"), data.aliases[name]].find(each => Object.hasOwn(sets, each));
    if (!joint && !kind) continue;
    place.dataset.look = joint || name;
    place.tabIndex = 0;
    place.onclick = () => look(joint || name, kind);
    place.onkeydown = event => { if (event.key === "Enter") place.onclick(); };
  }
  choices.method.value = methods.length - 1;
  show();
}
