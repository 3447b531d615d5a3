/** Where a task stands in its await chain. */

import type { Frame, Task, Wait } from "./model";

/** The frames of a task from the outermost to the leaves, branches in their order. */
export function* eachFrame(frames: readonly Frame[]): Generator<Frame> {
  for (let at = frames.length - 1; at >= 0; at -= 1) {
    const frame = frames[at];
    if (frame === undefined) continue;
    yield frame;
    for (const branch of frame.children) yield* eachFrame(branch);
  }
}

/** The branches of a frame that are polled. */
function polledBranches(frame: Frame | undefined): Frame[][] {
  return (frame?.children ?? []).filter((branch) => branch[0]?.polled === "yes");
}

/**
 * The innermost frame of the user's own code, in the first branch that has one; `undefined` where
 * there is none. The text of `info async-tasks` says the same.
 */
export function userFrame(frames: readonly Frame[]): Frame | undefined {
  for (const branch of polledBranches(frames[0])) {
    const found = userFrame(branch);
    if (found !== undefined) return found;
  }
  return frames.find((frame) => frame.user);
}

/**
 * Every line of the user's own code at which a task stands: of each branch that is polled the
 * innermost one.
 */
export function standsAt(frames: readonly Frame[]): Frame[] {
  const found = polledBranches(frames[0]).flatMap((branch) => standsAt(branch));
  if (found.length > 0) return found;
  const own = frames.find((frame) => frame.user);
  return own === undefined ? [] : [own];
}

/** The frame that tells most: the user's innermost one, else the outermost. */
export function tellingFrame(task: Task): Frame | undefined {
  return userFrame(task.frames) ?? task.frames.at(-1);
}

/** What a task waits for first of all: what the list tells, else what is polled. */
export function mainWait(task: Task): Wait | undefined {
  const waits = task.waiting_on;
  return waits.find((wait) => wait.told) ?? waits.find((wait) => wait.polled) ?? waits[0];
}
