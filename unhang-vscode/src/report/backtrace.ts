/** An async backtrace as text, to be pasted somewhere. */

import type { Frame, Task } from "./model";

/** The frames of a task, innermost first, with branches indented. */
export function backtrace(task: Task): string {
  const kind = task.kind === "task" ? "Task" : `${task.kind} future`;
  const waits = task.row.waiting_for;
  const lines = [`${kind} ${task.id} (${task.state})${waits === "" ? "" : `: waits for ${waits}`}`];
  chain(task.frames, "", lines);
  return `${lines.join("\n")}\n`;
}

function chain(frames: readonly Frame[], indent: string, lines: string[]): void {
  const branches = frames[0]?.children ?? [];
  branches.forEach((branch, at) => {
    const polled = branch[0]?.polled ?? "yes";
    lines.push(`${indent}  branch ${at + 1} of ${branches.length}${polled === "yes" ? "" : ` (${polled === "no" ? "not polled" : polled})`}`);
    chain(branch, `${indent}  `, lines);
  });
  for (const frame of frames) {
    lines.push(`${indent}#${frame.index}  ${frame.name}${frame.at === "" ? "" : `  ${frame.at}`}`);
    lines.push(...frame.notes.map((note) => `${indent}      ${note}`));
    if (frame.problem !== null) lines.push(`${indent}      ${frame.problem}`);
  }
}
