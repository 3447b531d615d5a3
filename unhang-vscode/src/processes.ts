/** The processes of this machine, those first that use tokio. No VS Code here. */

import { readdir, readFile, readlink } from "node:fs/promises";

/** A process that can be inspected. */
export interface Process {
  pid: number;
  name: string;
  command: string;
  /** How many of its threads bear the name that tokio gives to its workers. */
  workers: number;
}

/** tokio 1.x names its threads so, in the 15 bytes that the kernel keeps. */
const WORKER_NAMES = ["tokio-rt-worker", "tokio-runtime-w"];

/**
 * The processes of this user, those with tokio's threads first and the newest first among equals. A
 * runtime on a single thread gives it no name, so the others are listed too.
 */
export async function processes(proc = "/proc", own = process.pid): Promise<Process[]> {
  const entries = await readdir(proc).catch(() => []);
  const pids = entries.filter((it) => /^\d+$/.test(it)).map(Number).filter((it) => it !== own);
  const found = await Promise.all(pids.map((pid) => inspectable(proc, pid)));
  return found
    .filter((it) => it !== undefined)
    .sort((a, b) => Number(b.workers > 0) - Number(a.workers > 0) || b.pid - a.pid);
}

async function inspectable(proc: string, pid: number): Promise<Process | undefined> {
  const folder = `${proc}/${pid}`;
  try {
    // Kernel threads have none, and of others' processes it cannot be read.
    await readlink(`${folder}/exe`);
    const name = (await readFile(`${folder}/comm`, "utf8")).trim();
    const command = (await readFile(`${folder}/cmdline`, "utf8")).split("\0").filter(Boolean).join(" ");
    const threads = await readdir(`${folder}/task`);
    const names = await Promise.all(
      threads.map((tid) => readFile(`${folder}/task/${tid}/comm`, "utf8").catch(() => "")),
    );
    const workers = names.filter((it) => WORKER_NAMES.includes(it.trim())).length;
    return { pid, name, command, workers };
  } catch {
    // It has ended, or is not ours.
    return undefined;
  }
}
