/** Elements of the page, made in one line each. Knows the document; does not know what is shown. */

type Child = Node | string | null;

/**
 * An element with its attributes and children. An attribute that is a function listens to the event
 * of its name; `null`, `false` and `undefined` leave an attribute out.
 *
 * @example make("button", { class: "main", click: () => go() }, "Go")
 */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, unknown>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value as EventListener);
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * The button of a form, which Enter in a field presses too: `go` is called where the fields are valid.
 * Nothing is ever submitted: a sandboxed frame forbids it.
 */
export function goButton(text: string, go: () => void): HTMLButtonElement {
  const click = (event: Event) => {
    event.preventDefault();
    if (button.form!.reportValidity()) go();
  };
  const button = make("button", { class: "main", click }, text);
  return button;
}

/** A field under its label. */
export function labelled(text: string, field: HTMLElement): HTMLLabelElement {
  return make("label", {}, text, field);
}

/** A table with a head; columns whose cells are numbers stand to the right. */
export function table(head: readonly string[], rows: readonly (readonly Child[])[]): HTMLElement {
  const isNumber = (child: Child | undefined) =>
    typeof child === "string" && /^[\d–−.]/.test(child) && "number";
  const heads = head.map((text, i) =>
    make("th", { scope: "col", class: isNumber(rows[0]?.[i]) }, text)
  );
  const cell = (child: Child) => make("td", { class: isNumber(child) }, child);
  return make(
    "div",
    { class: "wide" },
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...heads)),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map(cell)))),
    ),
  );
}

/** A bar of progress with what is left of the time, as `duration` says it. */
export class Progress {
  private readonly fill = make("i");
  private readonly words = make("p", { class: "note" });
  private readonly bar = make(
    "div",
    { class: "bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 },
    this.fill,
  );
  private started = 0;
  private from = 0;
  readonly element = make("div", { hidden: true }, this.bar, this.words);

  constructor(label: string) {
    this.bar.setAttribute("aria-label", label);
  }

  /** @param done 0…1 of the work; time left is told by what was done since the first call above 0. */
  show(done: number, words: string): void {
    if (this.element.hidden || this.from === 0) {
      [this.started, this.from] = [performance.now(), done];
    }
    this.element.hidden = false;
    this.fill.style.width = `${100 * done}%`;
    this.bar.setAttribute("aria-valuenow", String(Math.round(100 * done)));
    const seconds = (performance.now() - this.started) / 1000;
    const left = done > this.from ? seconds * (1 - done) / (done - this.from) : null;
    this.words.textContent = words + (left === null ? "" : ` · ${Math.ceil(left)} s left`);
  }

  hide(): void {
    this.element.hidden = true;
  }
}

/** Hands a file to the reader. */
export function save(name: string, content: BlobPart): void {
  const href = URL.createObjectURL(new Blob([content]));
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
