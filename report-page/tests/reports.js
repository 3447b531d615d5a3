// Reports that `unhang dump --json` wrote of the programs in tests/fixtures, with other paths.

import { readFileSync } from 'node:fs';
import { modelOf } from '../page/report.js';

/** @param {string} name */
export function recorded(name) {
  return JSON.parse(readFileSync(new URL(`reports/${name}.json`, import.meta.url), 'utf8'));
}

/** @param {string} name */
export function recordedModel(name) {
  return modelOf(recorded(name));
}

/**
 * A report with so many tasks that wait for one of so many locks, each of which a task has that waits for
 * a timer.
 *
 * @param {number} count
 * @param {number} locks
 */
export function crowd(count, locks) {
  const report = recorded('two-locks');
  const waiting = report.tasks.find((task) => task.waiting_on.some((wait) => wait.resource === 'mutex'));
  report.findings = [];
  report.tasks = [];
  for (let at = 0; at < locks; at += 1) {
    report.tasks.push({ ...structuredClone(waiting), id: `${at + 1}`, waiting_on: [] });
  }
  const [wait] = waiting.waiting_on;
  for (let at = locks; at < count; at += 1) {
    const lock = at % locks;
    const holder = { ...wait.held_by[0], task: `${lock + 1}` };
    const own = { ...wait, address: `0x${(4096 + lock).toString(16)}`, held_by: [holder], held_by_count: 1 };
    report.tasks.push({ ...waiting, id: `${at + 1}`, waiting_on: [own] });
  }
  return modelOf(report);
}
