import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { dump, findUnhang, loadingCommand, NOT_FOUND } from "../src/cli";
import { processes } from "../src/processes";

test("processes with tokio's threads come first", async () => {
  const proc = mkdtempSync(join(tmpdir(), "unhang-proc-"));
  const process_ = (pid: number, name: string, threads: string[]) => {
    const folder = join(proc, String(pid));
    mkdirSync(folder);
    symlinkSync("/bin/true", join(folder, "exe"));
    writeFileSync(join(folder, "comm"), `${name}\n`);
    writeFileSync(join(folder, "cmdline"), `/usr/bin/${name}\0--port\0${pid}\0`);
    threads.forEach((thread, at) => {
      mkdirSync(join(folder, "task", String(pid + at)), { recursive: true });
      writeFileSync(join(folder, "task", String(pid + at), "comm"), `${thread}\n`);
    });
  };
  process_(10, "shop", ["shop", "tokio-rt-worker", "tokio-rt-worker"]);
  process_(20, "bash", ["bash"]);
  mkdirSync(join(proc, "30"));
  const found = await processes(proc);
  rmSync(proc, { recursive: true });
  assert.deepEqual(found.map(({ pid, workers }) => [pid, workers]), [[10, 2], [20, 0]]);
  assert.equal(found[0]?.command, "/usr/bin/shop --port 10");
});

test("this process is on the list of the machine, and can be left out", async () => {
  assert.ok((await processes("/proc", 0)).some((it) => it.pid === process.pid));
  assert.ok(!(await processes()).some((it) => it.pid === process.pid));
});

test("an unhang that is not there is said so", async () => {
  const folder = mkdtempSync(join(tmpdir(), "unhang-path-"));
  assert.equal(await findUnhang("", folder), undefined);
  const program = join(folder, "unhang");
  writeFileSync(program, "#!/bin/sh\n[ \"$1\" = install ] && echo \"source $2\" && exit 0\necho 'unhang: process 7 does not exist' >&2; exit 1\n", { mode: 0o755 });
  assert.equal(await findUnhang("", folder), program);
  assert.deepEqual(await loadingCommand(program, "gdb"), { command: "source gdb" });
  assert.deepEqual(await loadingCommand(join(folder, "other"), "gdb"), { problem: NOT_FOUND });
  await assert.rejects(dump(program, { pid: 7 }), /^Error: process 7 does not exist$/);
  rmSync(folder, { recursive: true });
});
