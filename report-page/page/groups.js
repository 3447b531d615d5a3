// The list of tasks: in groups, and in an order.

/** @import { Model, Task } from './report.js' */

/**
 * @typedef {'none' | 'where' | 'waiting' | 'state' | 'runtime'} Grouping
 * @typedef {'id' | 'state' | 'where' | 'waiting' | 'future'} Column
 * @typedef {{ key: string, title: string, detail: string, tasks: Task[] }} Group
 */

/** Of more tasks than this the list begins grouped, as that of `info async-tasks`. */
export const GROUP_ABOVE = 50;

/**
 * The groups of tasks, the largest first, those of one size in the order of their first tasks.
 *
 * @param {Task[]} tasks
 * @param {Grouping} grouping
 * @param {Model} model
 * @returns {Group[]}
 */
export function groupsOf(tasks, grouping, model) {
  if (grouping === 'none') return [{ key: '', title: '', detail: '', tasks }];
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const task of tasks) {
    const [title, detail] = groupTitle(task, grouping, model);
    const key = `${title}\n${detail}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { key, title, detail, tasks: [task] });
    else group.tasks.push(task);
  }
  return [...groups.values()].sort((one, other) => other.tasks.length - one.tasks.length);
}

/**
 * @param {Task} task
 * @param {Grouping} grouping
 * @param {Model} model
 * @returns {[string, string]}
 */
function groupTitle(task, grouping, model) {
  switch (grouping) {
    case 'where':
      return [task.row.function || task.row.future, task.row.at];
    case 'waiting':
      return [task.row.waiting_for || '(nothing known)', ''];
    case 'runtime': {
      const runtime = model.report.runtimes.find((it) => it.id === task.runtime);
      return runtime === undefined ? ['No runtime', ''] : [`Runtime ${runtime.id}`, runtime.text];
    }
    default:
      return [task.state, ''];
  }
}

/**
 * The tasks in an order. Ids are in the order of the report: it is that of numbers.
 *
 * @param {Task[]} tasks
 * @param {Column} column
 * @param {boolean} descending
 * @returns {Task[]}
 */
export function sorted(tasks, column, descending) {
  if (column === 'id') return descending ? [...tasks].reverse() : tasks;
  const text = (/** @type {Task} */ task) => {
    switch (column) {
      case 'where':
        return `${task.row.function}\n${task.row.at}`;
      case 'waiting':
        return task.row.waiting_for;
      case 'future':
        return task.row.future;
      default:
        return task.state;
    }
  };
  const keyed = tasks.map((task) => ({ task, key: text(task) }));
  const sign = descending ? -1 : 1;
  keyed.sort((one, other) => (one.key < other.key ? -sign : one.key > other.key ? sign : 0));
  return keyed.map(({ task }) => task);
}
