// `node run.mjs GIVEN`: what a person does with the extension, in a real VS Code in a real browser.
// GIVEN is a file with JSON: the tools, the programs, the processes and where pictures go.
// `tests/tests/end_to_end/vscode.rs` calls it.

import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { start } from "./code-server.mjs";
import { Workbench } from "./workbench.mjs";

const given = JSON.parse(readFileSync(process.argv[2], "utf8"));

const attach = (type, name, pid) => ({ type, name, request: "attach", pid, stopOnEntry: true });
const core = (type, name) => ({ type, name, request: "attach", coreFile: given.core, program: given.executable });

const CONFIGURATIONS = [
  attach("gdb", "shop in gdb", given.shop),
  attach("lldb-dap", "shop in lldb", given.shop),
  core("gdb", "core in gdb"),
  core("lldb-dap", "core in lldb"),
  attach("lldb-dap", "many tasks in lldb", given.many),
  attach("gdb", "no tokio in gdb", given.noTokio),
  attach("lldb-dap", "plain C in lldb", given.plainC),
];

const STORIES = {
  "the hung shop in gdb": (work) => hungShop(work, "shop in gdb"),
  "the hung shop in lldb": async (work) => {
    await work.debug("shop in lldb");
    await deadlockIsShown(work);
    await work.stop();
  },
  "its core file in both": async (work) => {
    for (const name of ["core in gdb", "core in lldb"]) {
      await work.debug(name);
      await deadlockIsShown(work);
      await work.stop();
    }
  },
  "many tasks": manyTasks,
  "programs without tasks": programsWithoutTasks,
  "without unhang": withoutUnhang,
  "without a debugger": withoutDebugger,
  "reports and core files": filesAreOpened,
};

/** The rows of the deadlock, of those behind it, and of the task that is in it. */
const EXPECTED = [
  "Deadlock: task 5 waits for a lock that it holds itself.", "held by task 5 in `stock`", "wanted by task 5",
  "3 tasks behind", "help: drop `stock`", "inventory::stock::reserve", "5 inventory::stock::restock",
];

async function deadlockIsShown(work, stack = false) {
  await work.onlyTasks(stack);
  await work.until("the deadlock stands on top, and its tasks below", async () => {
    const rows = await work.rows();
    const there = EXPECTED.every((expected) => rows.some((row) => row.startsWith(expected)));
    return (there && rows[0]?.startsWith("Deadlock: ")) || rows.join(" / ");
  });
}

async function hungShop(work, name) {
  const { page } = work;
  await work.debug(name);
  await deadlockIsShown(work, true);

  // A click goes to the line, and the lines have their marks.
  await work.row("5 inventory::stock::restock").click();
  await work.until("the cursor is where task 5 waits", async () => (await work.line()) === given.lines.wanted);
  await work.until("the marks are there", async () => {
    const marks = await work.marks();
    return ["⏸ 3 tasks wait here", "⛔ deadlock", "`stock` held by task 5, 4 wait"].every((it) => marks.includes(it)) || marks.join(" / ");
  });
  await work.expand("5 inventory::stock::restock");
  await work.row("#5 inventory::stock::reserve").click();
  await work.until("the frame is shown", async () => (await work.line()) === given.lines.held);
  await work.picture("tasks");

  // The other end of the deadlock is a click away.
  await page.locator(".codelens-decoration a", { hasText: "who waits for it" }).first().click();
  await work.until("the other end is shown", async () => (await work.line()) === given.lines.wanted);

  // A hover has the source line and the variables.
  await page.mouse.move(900, 500);
  await work.row("#5 inventory::stock::reserve").hover();
  await page.locator(".monaco-hover", { hasText: "let stock" }).first().waitFor();

  // Reveal Holder leads from who waits to who holds.
  await work.expand("inventory::stock::reserve");
  const waiting = work.view.locator(".monaco-list-row", { hasText: /^7\s*Mutex/ }).first();
  await waiting.click();
  await waiting.locator('[aria-label^="Reveal Holder"]').click();
  await work.until("the holder is revealed", async () => (await work.line()) === given.lines.held);

  await selectInDebugger(work);

  // The words of `info async-tasks`.
  await work.command("unhang: Filter Tasks…");
  await work.write("--waiting-on lock --without restock");
  await page.keyboard.press("Enter");
  await work.until("three tasks are left", async () => (await work.view.locator(".pane-header").innerText()).includes("3 of "));
  assert.match(await work.message(), /--waiting-on lock/);
  await work.command("unhang: Clear the Filter");

  // The choice of groups is kept.
  await work.choose("unhang: Group Tasks…", "By what they wait for");
  await work.until("tasks are grouped by their lock", async () => (await work.rows()).some((row) => row.startsWith("Mutex<Inventory> held by task 5")));
  await work.choose("unhang: Group Tasks…", "By place");
  await work.row("inventory::stock::reserve").waitFor();
  await goesOn(work);
  await graph(work);
  await work.stop();
  await work.until("no mark is left", async () => (await page.locator(".codelens-decoration").count()) === 0);
}

/** The debugger's own word on it: its console says which task it has selected. */
async function selectInDebugger(work) {
  await work.row("5 inventory::stock::restock").click({ button: "right" });
  await work.menu("Select in Debugger");
  await work.command("Debug Console: Focus on Debug Console View");
  await work.page.locator(".repl", { hasText: "[Switching to task 5" }).first().waitFor();
  await work.command("View: Toggle Panel Visibility");
}

/** While the program runs, nothing is beside its lines; when it stops again, all is there again. */
async function goesOn(work) {
  await work.command("Debug: Continue");
  await work.until("it is said that it runs", async () => (await work.message()).startsWith("Running."));
  await work.until("the lines have no marks", async () => (await work.marks()).length === 0);
  await work.command("Debug: Pause");
  await work.until("the marks are there again", async () => (await work.marks()).includes("⏸ 3 tasks wait here"));
  await work.until("nothing is said any more", async () => (await work.view.locator(".message").allInnerTexts()).join("").trim() === "");
}

/** Many tasks: groups first, then so many of them, then more. */
async function manyTasks(work) {
  await work.debug("many tasks in lldb");
  await work.onlyTasks(false);
  await work.row("many_tasks::wait_for_notification").waitFor();
  await work.until("a group has its count", async () => (await work.rows()).some((row) => row.startsWith("many_tasks::receive") && row.endsWith("· 250 tasks")));
  await work.row("many_tasks::receive").click();
  await work.page.keyboard.press("ArrowRight");
  await work.until("its tasks are there", async () => (await work.rows()).some((row) => /^\d+ *a message on mpsc/.test(row)));
  await work.page.keyboard.press("End");
  const more = work.row("Show more: 50 are left");
  await more.click();
  await more.waitFor({ state: "detached" });
  await work.stop();
}

async function graph(work) {
  await work.command("View: Close All Editors");
  await work.command("unhang: Show Who Waits for Whom");
  const panel = work.page.frameLocator("iframe.webview").frameLocator("iframe#active-frame");
  await panel.locator("svg text", { hasText: "Mutex<Inventory>" }).first().waitFor();
  await work.picture("graph");
  // A click on a task leads to its row.
  await panel.locator("[role=button], button", { hasText: "task 5" }).first().click();
  await work.until("the row of task 5 is selected", async () => (await work.view.locator(".monaco-list-row.selected").innerText()).startsWith("5 "));
  await work.command("View: Close All Editors");
}

async function programsWithoutTasks(work) {
  for (const [name, sentence] of [["no tokio in gdb", /does not mention tokio/], ["plain C in lldb", /./]]) {
    await work.debug(name);
    await work.fold("Async Tasks", true);
    await work.until("a sentence says why", async () => sentence.test(await work.message()) && !/Reading/.test(await work.message()));
    console.log(`${name}: ${await work.message()}`);
    assert.equal(await work.page.locator(".notification-toast").count(), 0, "nobody is disturbed");
    await work.stop();
  }
}

/** Each story may leave editors open; nothing that it did may have changed a file. */
async function nothingIsChanged(work) {
  assert.equal(await work.page.locator(".tab.dirty").count(), 0, "a file was changed");
}

/** No unhang anywhere: a sentence, and what can be done. */
async function withoutUnhang(work, vscode) {
  vscode.setPath("/nowhere/unhang");
  await work.page.waitForTimeout(2_000);
  await work.debug("no tokio in gdb");
  await work.fold("Async Tasks", true);
  await work.until("a sentence says what is missing", async () => (await work.message()).startsWith("unhang was not found: install it"));
  await work.row("How to install unhang").click();
  await work.page.getByText("Install unhang").first().waitFor();
  await work.command("View: Close All Editors");
  // With the path put right, the same session gets its answer.
  vscode.setPath(given.unhang);
  await work.page.waitForTimeout(2_000);
  await work.row("Try again").click();
  await work.until("it was loaded", async () => /does not mention tokio/.test(await work.message()));
  await work.stop();
}

async function withoutDebugger(work) {
  const { page } = work;
  await work.command("unhang: Inspect Process…");
  await work.write(String(given.shop));
  await page.locator(".quick-input-list .monaco-list-row", { hasText: String(given.shop) }).first().waitFor();
  await page.keyboard.press("Enter");
  await deadlockIsShown(work);
  assert.match(await work.message(), /inventory-servi.*process/);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await work.command("unhang: Copy Report");
  await work.until("the report is copied", async () => (await copied()).includes("Deadlock: task 5 waits"));
  await work.row("5 inventory::stock::restock").click({ button: "right" });
  await work.menu("Copy Async Backtrace");
  await work.until("a backtrace is copied", async () => /#\d+ +.*stock::restock/.test(await copied()));
  await work.command("unhang: Close the Report");
  await work.view.getByText("Inspect Process…").waitFor();
}

/** *Open Report…*, through the dialog that a person gets: JSON, a core file, and what is neither. */
async function filesAreOpened(work) {
  for (const file of [given.report, given.core]) {
    await work.command("unhang: Open Report…");
    await work.file(file);
    if (file === given.core) await work.chooseOpen("Use the one that the core file names");
    await deadlockIsShown(work);
    assert.ok((await work.message()).includes(file.split("/").at(-1)), "the view names the file");
    await work.command("unhang: Close the Report");
  }
  await work.command("unhang: Open Report…");
  await work.file(given.noReport);
  await work.page.locator(".notification-toast", { hasText: "It is no JSON" }).first().waitFor();
  await work.command("Notifications: Clear All Notifications");
}

const vscode = await start(given, CONFIGURATIONS);
const work = new Workbench(vscode.page, given.pictures);
let failed = 0;
try {
  await work.prepare(560);
  for (const [name, story] of Object.entries(STORIES)) {
    if (given.only !== undefined && given.only !== name) continue;
    const begun = Date.now();
    try {
      await story(work, vscode);
      await nothingIsChanged(work);
      console.log(`ok: ${name}, ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    } catch (error) {
      failed += 1;
      console.error(`FAILED: ${name}: ${error.message}`);
      await vscode.page.screenshot({ path: `${given.failures}/failed.png` });
      break;
    }
  }
} finally {
  await vscode.end();
}
process.exitCode = failed === 0 ? 0 : 1;
