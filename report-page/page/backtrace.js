// The await frames of a task as text, to paste into a report of a fault.

import { heldHeading, titleOf } from './report.js';

/** @import { Frame, Task } from './report.js' */

/**
 * @param {Task} task
 * @returns {string}
 */
export function backtraceText(task) {
  const lines = [`${titleOf(task)} (${task.state})`];
  addFrames(lines, task.frames, '');
  return `${lines.join('\n')}\n`;
}

/**
 * @param {string[]} lines
 * @param {Frame[]} frames
 * @param {string} margin
 */
function addFrames(lines, frames, margin) {
  if (frames.length === 0) return;
  const [holder] = frames;
  const awaited = holder.children.filter((branch) => heldHeading(branch[0]?.polled) === undefined);
  holder.children.forEach((branch, at) => {
    if (branch.length === 0) return;
    const { polled } = branch[0];
    if (polled === 'yes' && awaited.length === 1) {
      addFrames(lines, branch, margin);
      return;
    }
    const words = heldHeading(polled) ?? `branch ${at + 1} of ${awaited.length}`;
    lines.push(`    ${margin}┌╴${words}`);
    addFrames(lines, branch, `${margin}│ `);
    lines.push(`    ${margin}└╴held by`);
  });
  for (const frame of frames) {
    const number = `#${frame.index}`.padEnd(4);
    lines.push(`${number}${margin}${frame.name}${frame.at === '' ? '' : `  ${frame.at}`}`);
    for (const note of frame.notes) lines.push(`    ${margin}  ${note}`);
  }
}
