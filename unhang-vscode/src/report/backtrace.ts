/** An async backtrace as text, to be pasted somewhere. */

import type { Frame, Task } from "./model";
import { waitingText } from "./chain";
import { frameName, placeOf, shortPath } from "./names";

/** The frames of a task, innermost first, with branches indented. */
export function backtrace(task: Task): string {
  const kind = task.kind === "task" ? "Task" : `${task.kind} future`;
  const waits = waitingText(task);
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
    const place = placeOf(frame);
    const at = place === undefined ? "" : `  ${shortPath(place.file)}:${place.line}`;
    lines.push(`${indent}#${frame.index}  ${frameName(frame)}${at}`);
    if (frame.problem !== null) lines.push(`${indent}      ${frame.problem}`);
  }
}
