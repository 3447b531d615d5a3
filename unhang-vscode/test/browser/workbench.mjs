// What a person does in VS Code, by what they see.

/** The workbench of a page. */
export class Workbench {
  constructor(page, pictures) {
    this.page = page;
    this.pictures = pictures;
  }

  /** Opens *Run and Debug* with the view in it, and gives both some room. */
  async prepare(width) {
    const { page } = this;
    await page.waitForSelector(".monaco-workbench");
    await page.locator('.activitybar [aria-label^="Run and Debug"]').first().click();
    const sash = await page.locator(".part.sidebar").boundingBox();
    const edge = sash.x + sash.width;
    await page.mouse.move(edge, 400);
    await page.mouse.down();
    await page.mouse.move(width, 400, { steps: 4 });
    await page.mouse.up();
  }

  /** Starts a debug configuration by its name, and waits until it has stopped. */
  async debug(name) {
    await this.fold("Call Stack", true);
    await this.pick("Control+P", `debug ${name}`, name);
    await this.page.locator(".debug-call-stack .stack-frame").first().waitFor();
  }

  /** Ends the session. */
  async stop() {
    await this.fold("Call Stack", true);
    await this.command("Debug: Disconnect");
    await this.page.locator(".debug-call-stack .stack-frame").first().waitFor({ state: "detached" });
  }

  /** Runs a command of the palette. */
  async command(name) {
    await this.pick("F1", `>${name}`, name);
  }

  /** Picks a line of a list that a key opens; some are filled a while after the window is there. */
  async pick(key, text, line) {
    const { page } = this;
    await this.until(`${line} can be picked`, async () => {
      await page.keyboard.press(key);
      await this.write(text, 1_500);
      const found = page.locator(".quick-input-list .monaco-list-row", { hasText: line }).first();
      const there = await found.waitFor({ timeout: 1_500 }).then(() => true, () => false);
      await page.keyboard.press(there ? "Enter" : "Escape");
      return there;
    });
  }

  /** Writes into the box on top: once it has the focus, which the editor has before. */
  async write(text, timeout = 60_000) {
    const box = this.page.locator(".quick-input-widget input[type=text]:focus, .quick-input-widget input:not([type]):focus").first();
    await box.waitFor({ timeout });
    // The one of the last time may be on its way out.
    await box.fill(text, { timeout });
  }

  /** Chooses a line of the menu that a right click has opened. */
  async menu(line) {
    const item = this.page.locator(".context-view .action-item", { hasText: line }).first();
    await item.waitFor();
    // A menu takes no click that may belong to the one which opened it.
    await this.page.waitForTimeout(500);
    await item.click();
  }

  /** Chooses a line of the list that a command opens; whatever takes the focus in between closes that. */
  async choose(command, line) {
    await this.until(`${line} can be chosen`, async () => {
      await this.command(command);
      await this.chooseOpen(line, 3_000);
      return true;
    });
  }

  /** Chooses a line of a list that is open. */
  async chooseOpen(line, timeout = 60_000) {
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: line }).first().click({ timeout });
  }

  /** Names a file in the dialog for files: the first Enter completes, the next one opens. */
  async file(path) {
    const asked = this.page.locator(".quick-input-widget:visible input:focus");
    // It writes the folder where it begins, and that only after a while.
    await this.until("the dialog is ready", async () => (await asked.first().inputValue()).startsWith("/"));
    await this.page.locator(".quick-input-list .monaco-list-row").first().waitFor();
    await this.write(path);
    await this.until(`${path} is opened`, async () => {
      // Whatever is asked next begins empty.
      const written = (await asked.count()) === 0 ? "" : await asked.first().inputValue();
      if (!written.startsWith("/")) return true;
      await this.page.keyboard.press("Enter");
      await this.page.waitForTimeout(700);
      return written;
    });
  }

  /** Opens or closes a view of the side bar. */
  async fold(name, open) {
    const header = this.page.locator(".pane-header", { hasText: name });
    if ((await header.count()) === 0) return;
    if ((await header.first().getAttribute("aria-expanded")) !== String(open)) await header.first().click();
  }

  /** Leaves room for the tasks, and for the call stack where it is short. */
  async onlyTasks(stack) {
    await this.fold("Async Tasks", true);
    for (const name of ["Variables", "Watch", "Loaded Scripts", "Breakpoints"]) await this.fold(name, false);
    await this.fold("Call Stack", stack);
  }

  get view() {
    return this.page.locator(".pane", { has: this.page.locator(".pane-header", { hasText: "Async Tasks" }) });
  }

  /** A row of the view by what it says. */
  row(text) {
    return this.view.locator(".monaco-list-row", { hasText: text }).first();
  }

  /** All rows that are drawn. */
  async rows() {
    await this.view.locator(".monaco-list-row").first().waitFor();
    const texts = await this.view.locator(".monaco-list-row .monaco-icon-label-container").allInnerTexts();
    return texts.map((it) => it.replace(/\s+/g, " ").trim());
  }

  /** What stands above the rows. */
  async message() {
    const message = this.view.locator(".message");
    await message.first().waitFor();
    return (await message.first().innerText()).trim();
  }

  /** Opens a row. */
  async expand(text) {
    await this.row(text).locator(".monaco-tl-twistie").click();
  }

  /** What is written behind a line of the editor. */
  async marks() {
    return this.page.evaluate(() => {
      const found = [];
      for (const part of document.querySelectorAll(".view-lines [class*='ced-']")) {
        const text = getComputedStyle(part, "::after").content.replace(/^"|"$/g, "").trim();
        if (text !== "" && text !== "none" && text !== "normal") found.push(text.replaceAll("\\\"", '"'));
      }
      return found;
    });
  }

  /** The line on which the cursor is. */
  async line() {
    const text = await this.page.locator(".statusbar-item", { hasText: /Ln \d+/ }).first().innerText();
    return Number(/Ln (\d+)/.exec(text)?.[1]);
  }

  /** Waits until something is so. */
  async until(what, test, patience = 60_000) {
    const begun = Date.now();
    for (;;) {
      const found = await test().catch((error) => error);
      if (found === true) return;
      if (Date.now() - begun > patience) throw new Error(`not so: ${what}: ${found}`);
      await this.page.waitForTimeout(150);
    }
  }

  /** Takes a picture for the documentation, where those are asked for. */
  async picture(name) {
    if (this.pictures == null) return;
    await this.page.mouse.move(1000, 10);
    await this.page.waitForTimeout(600);
    await this.page.screenshot({ path: `${this.pictures}/${name}.png` });
  }
}
