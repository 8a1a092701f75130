// A texture of 8 x 8 places, what two channels see of it, and their 2 x 2 Gram matrix. A place is a stroke, yellow, both or plain.
const WORDS = {
  en: {
    texture: "Texture: click a place to change it", stroke: "Channel 1: strokes", yellow: "Channel 2: yellow",
    gram: "Gram matrix", together: "Yellow strokes", apart: "Strokes and yellow apart", shuffle: "Shuffle the places",
    empty: "Clear", kinds: ["plain", "stroke", "yellow", "yellow stroke"], place: "row, column",
    says: (g) => `Channel 1 responds at ${g[0]} of 64 places, channel 2 at ${g[2]}, both at once at ${g[1]}.`,
  },
  zh: {
    texture: "纹理：点一格就能改", stroke: "通道 1：笔触", yellow: "通道 2：黄色",
    gram: "Gram 矩阵", together: "黄色的笔触", apart: "笔触归笔触，黄归黄", shuffle: "打乱位置",
    empty: "清空", kinds: ["空白", "笔触", "黄色", "黄色笔触"], place: "行、列",
    says: (g) => `64 格里，通道 1 有 ${g[0]} 格响应，通道 2 有 ${g[2]} 格，同时响应的有 ${g[1]} 格。`,
  },
};
const SIDE = 8;

function start(figure) {
  const words = WORDS[document.documentElement.lang.startsWith("zh") ? "zh" : "en"];
  const make = (name, parent, text = "", kind = "") => {
    const element = document.createElement(name);
    element.textContent = text;
    element.className = kind;
    return parent.appendChild(element);
  };
  let places = []; // bit 0: channel 1 responds, bit 1: channel 2
  const grid = (title, tag) => {
    const panel = make("div", figure, "", "gram-panel");
    make("div", panel, title, "gram-title");
    const cells = make("div", panel, "", "gram-grid");
    return Array.from({ length: SIDE * SIDE }, () => make(tag, cells));
  };
  const texture = grid(words.texture, "button");
  const channels = [grid(words.stroke, "span"), grid(words.yellow, "span")];
  const panel = make("div", figure, "", "gram-panel");
  make("div", panel, words.gram, "gram-title");
  const table = make("table", panel, "", "gram-matrix");
  const numbers = [0, 1].flatMap(() => { const row = make("tr", table); return [make("td", row), make("td", row)]; });
  const says = make("p", panel);
  says.setAttribute("aria-live", "polite");
  const buttons = make("div", figure, "", "gram-buttons");

  function show() {
    places.forEach((kind, at) => {
      texture[at].className = `gram-kind-${kind}`;
      texture[at].setAttribute("aria-label", `${words.kinds[kind]}; ${words.place} ${Math.floor(at / SIDE) + 1}, ${at % SIDE + 1}`);
      channels.forEach((cells, channel) => { cells[at].className = kind >> channel & 1 ? "gram-on" : "gram-off"; });
    });
    const count = (bits) => places.filter((kind) => (kind & bits) === bits).length;
    const gram = [count(1), count(3), count(2)]; // sums over places of F1 F1, F1 F2, F2 F2
    [gram[0], gram[1], gram[1], gram[2]].forEach((sum, at) => {
      numbers[at].textContent = (sum / (SIDE * SIDE)).toFixed(2);
      numbers[at].style.setProperty("--share", `${100 * sum / (SIDE * SIDE)}%`);
    });
    says.textContent = words.says(gram);
  }
  function fill(kindOf) { places = Array.from({ length: SIDE * SIDE }, (_, at) => kindOf(Math.floor(at / SIDE), at % SIDE)); show(); }
  function shuffle() {
    for (let at = places.length - 1; at > 0; at--) {
      const other = Math.floor(Math.random() * (at + 1));
      [places[at], places[other]] = [places[other], places[at]];
    }
    show();
  }
  const together = () => fill((row, column) => (row + 2 * column) % 4 === 0 ? 3 : 0);
  const actions = {
    together, shuffle,
    apart: () => fill((row, column) => [1, 0, 2, 0][(row + 2 * column) % 4]),
    empty: () => fill(() => 0),
  };
  for (const name of ["together", "apart", "shuffle", "empty"]) {
    const button = make("button", buttons, words[name], "md-button");
    button.type = "button";
    button.addEventListener("click", actions[name]);
  }
  texture.forEach((cell, at) => {
    cell.type = "button";
    cell.addEventListener("click", () => { places[at] = (places[at] + 1) % 4; show(); });
  });
  together();
}

document.querySelectorAll(".gram-figure").forEach(start);

// Names and keyboard that the theme leaves out.
const search = document.querySelector(".md-search");
search?.setAttribute("aria-label", search.querySelector("input").placeholder);
addEventListener("load", () => document.querySelectorAll(".md-typeset__scrollwrap").forEach((table) => { table.tabIndex = 0; }));
