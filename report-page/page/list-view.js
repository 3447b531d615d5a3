// The list of tasks. Only the rows that are seen exist: of a hundred thousand the browser has forty.

import { choices } from './choices.js';
import { button, choice, el } from './dom.js';
import { passes, readFilter } from './filter.js';
import { GROUP_ABOVE, groupsOf, sorted } from './groups.js';
import { counted, shortName, shortPlace, titleOf } from './report.js';
import { taskElement } from './task-view.js';

/** @import { Column, Group, Grouping } from './groups.js' */
/** @import { Model, Task } from './report.js' */
/** @import { Actions } from './findings-view.js' */

/** @typedef {{ group: Group | null, task: Task | null }} Line */

const ROW = 30;
/** Rows that are made beyond those that are seen. */
const BEYOND = 8;

/** @type {[Column, string][]} */
const COLUMNS = [
  ['id', 'Id'],
  ['state', 'State'],
  ['where', 'Where'],
  ['waiting', 'Waiting for'],
  ['future', 'Task'],
];

/** @type {[Grouping, string][]} */
const GROUPINGS = [
  ['none', 'nothing'],
  ['where', 'where they stand'],
  ['waiting', 'what they wait for'],
  ['state', 'state'],
  ['runtime', 'runtime'],
];

export class ListView {
  /**
   * @param {Model} model
   * @param {Actions} actions
   */
  constructor(model, actions) {
    this.model = model;
    this.actions = actions;
    /** @type {Grouping} */
    this.grouping = choices.grouping ?? (model.report.tasks.length > GROUP_ABOVE ? 'where' : 'none');
    /** @type {Set<string>} */
    this.opened = new Set();
    /** @type {Line[]} */
    this.lines = [];
    this.current = 0;
    /** @type {string | null} */
    this.selected = null;
    this.input = el('input', {
      type: 'search',
      class: 'filter',
      placeholder: 'Filter: reserve  --state idle  --waiting-on lock  --without hyper',
      'aria-label': 'Filter tasks, with the words of info async-tasks',
      spellcheck: 'false',
      input: () => this.setFilter(this.input.value),
      keydown: (event) => {
        if (event.key === 'ArrowDown') this.scroller.focus();
      },
    });
    this.note = el('span', { class: 'quiet', role: 'status' });
    this.space = el('div', { class: 'space' });
    this.scroller = el('div', {
      class: 'rows',
      role: 'treegrid',
      tabindex: 0,
      'aria-label': 'Tasks',
      scroll: () => this.draw(),
      keydown: (event) => this.onKey(event),
    });
    this.scroller.append(this.space);
    this.heads = el('div', { class: 'heads', role: 'row' });
    this.detail = el('section', { class: 'detail', 'aria-label': 'Task', tabindex: -1 });
    const grouping = choice('Group by', GROUPINGS, this.grouping, (value) => {
      this.grouping = GROUPINGS.find(([it]) => it === value)?.[0] ?? 'none';
      choices.grouping = this.grouping;
      this.opened.clear();
      this.renew();
    });
    this.element = el(
      'div',
      { class: 'view list-view' },
      el('div', { class: 'bar' }, this.input, grouping, this.note),
      el('div', { class: 'split' }, el('div', { class: 'table' }, this.heads, this.scroller), this.detail),
    );
    new ResizeObserver(() => this.draw()).observe(this.scroller);
    this.input.value = choices.filter;
    this.renew();
    this.showDetail(null);
  }

  show() {
    this.draw();
  }

  /** @param {string} text */
  setFilter(text) {
    if (this.input.value !== text) this.input.value = text;
    choices.filter = text;
    this.renew();
  }

  /** Makes the lines anew, and shows those that are seen. */
  renew() {
    const filter = readFilter(this.input.value);
    const { tasks } = this.model.report;
    this.input.setAttribute('aria-invalid', String(filter.problem !== null));
    const shown = tasks.filter((task) => passes(task, filter));
    const groups = groupsOf(sorted(shown, choices.column, choices.descending), this.grouping, this.model);
    this.lines = groups.flatMap((group) => {
      const of = () => group.tasks.map((task) => ({ group: null, task }));
      if (this.grouping === 'none') return of();
      return [{ group, task: null }, ...(this.opened.has(group.key) ? of() : [])];
    });
    const said = shown.length === tasks.length ? counted(tasks.length, 'task') : `${shown.length} of ${counted(tasks.length, 'task')}`;
    const of = this.grouping === 'none' ? '' : ` in ${counted(groups.length, 'group')}`;
    this.note.textContent = filter.problem ?? `${said}${of}`;
    this.current = Math.min(this.current, Math.max(this.lines.length - 1, 0));
    this.space.style.height = `${this.lines.length * ROW}px`;
    this.scroller.setAttribute('aria-rowcount', String(this.lines.length));
    this.drawHeads();
    this.draw();
  }

  drawHeads() {
    const heads = COLUMNS.map(([column, words]) => {
      const isIt = column === choices.column;
      const arrow = isIt ? (choices.descending ? ' ▾' : ' ▴') : '';
      const sort = button(`${words}${arrow}`, () => {
        choices.descending = isIt && !choices.descending;
        choices.column = column;
        this.renew();
      }, { class: 'head', title: `Sort by ${words.toLowerCase()}` });
      const order = isIt ? (choices.descending ? 'descending' : 'ascending') : 'none';
      return el('div', { class: `cell ${column}`, role: 'columnheader', 'aria-sort': order }, sort);
    });
    this.heads.replaceChildren(...heads);
  }

  /** Shows the rows that are seen. */
  draw() {
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.max(Math.floor(scrollTop / ROW) - BEYOND, 0);
    const last = Math.min(Math.ceil((scrollTop + clientHeight) / ROW) + BEYOND, this.lines.length);
    const rows = [];
    for (let at = first; at < last; at += 1) rows.push(this.rowElement(at));
    this.space.replaceChildren(...rows);
    const isThere = this.current >= first && this.current < last;
    this.scroller.setAttribute('aria-activedescendant', isThere ? `row-${this.current}` : '');
  }

  /** @param {number} at */
  rowElement(at) {
    const { group, task } = this.lines[at];
    const attributes = {
      id: `row-${at}`,
      role: 'row',
      'aria-rowindex': at + 1,
      style: `top: ${at * ROW}px`,
      click: () => {
        this.current = at;
        this.act();
      },
    };
    const here = at === this.current ? 'current' : '';
    if (group !== null) {
      const isOpen = this.opened.has(group.key);
      return el(
        'div',
        { ...attributes, class: `row group ${here}`, 'aria-expanded': String(isOpen), 'aria-level': 1 },
        el('span', { class: 'twist', 'aria-hidden': 'true' }, isOpen ? '▾' : '▸'),
        el('span', { class: 'group-count' }, String(group.tasks.length)),
        el('span', { class: 'group-title', role: 'gridcell', title: group.title }, group.title),
        el('span', { class: 'quiet', title: group.detail }, group.detail),
      );
    }
    if (task === null) return el('div', attributes);
    const isSelected = task.id === this.selected;
    return el(
      'div',
      { ...attributes, class: `row task ${here} ${isSelected ? 'selected' : ''}`, 'aria-selected': String(isSelected), 'aria-level': 2 },
      cell('id', task.id, titleOf(task)),
      cell('state', task.state, task.state, `pill ${task.state}`),
      cell('where', shortName(task.row.function), `${task.row.function}\n${task.row.at}`, 'name', shortPlace(task.row.at)),
      cell('waiting', task.row.waiting_for, task.row.waiting_for),
      cell('future', futureWords(task), task.row.future),
    );
  }

  /** What Enter and a click do with the current line. */
  act() {
    const line = this.lines[this.current];
    if (line?.group) this.toggle(line.group);
    else if (line?.task) this.actions.showTask(line.task.id);
    this.draw();
  }

  /** @param {Group} group */
  toggle(group) {
    if (!this.opened.delete(group.key)) this.opened.add(group.key);
    this.renew();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const page = Math.max(Math.floor(this.scroller.clientHeight / ROW) - 1, 1);
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const line = this.lines[this.current];
    if (event.key in steps) {
      this.current = Math.min(Math.max(this.current + steps[event.key], 0), Math.max(this.lines.length - 1, 0));
      this.keepSeen();
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.act();
    } else if (event.key === 'Escape') {
      this.select('');
    } else if (event.key === 'ArrowRight' && line?.group && !this.opened.has(line.group.key)) {
      this.toggle(line.group);
    } else if (event.key === 'ArrowLeft' && line?.group && this.opened.has(line.group.key)) {
      this.toggle(line.group);
    } else if (event.key === 'ArrowLeft' && line?.task && this.grouping !== 'none') {
      while (this.current > 0 && this.lines[this.current].group === null) this.current -= 1;
      this.keepSeen();
    } else {
      return;
    }
    event.preventDefault();
    this.draw();
  }

  keepSeen() {
    const top = this.current * ROW;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.scroller.scrollTop = top + ROW - clientHeight;
  }

  /**
   * Shows one task beside the list, and where it is in the list.
   *
   * @param {string} id
   */
  select(id) {
    const task = this.model.tasks.get(id) ?? null;
    this.selected = task?.id ?? null;
    this.showDetail(task);
    let at = this.lines.findIndex((line) => line.task?.id === id);
    if (at < 0 && task !== null) {
      const group = this.lines.find((line) => line.group?.tasks.includes(task))?.group;
      if (group) this.toggle(group);
      at = this.lines.findIndex((line) => line.task?.id === id);
    }
    if (at >= 0) {
      this.current = at;
      this.keepSeen();
    }
    this.draw();
  }

  /** @param {Task | null} task */
  showDetail(task) {
    this.detail.hidden = task === null;
    if (task === null) return;
    const close = button('×', () => this.select(''), { class: 'link close', 'aria-label': 'Close', title: 'Close (Escape)' });
    this.detail.replaceChildren(close, taskElement(this.model, task, this.actions));
    this.detail.scrollTop = 0;
  }
}

/** @param {Task} task */
function futureWords({ row }) {
  return row.request === '' ? shortName(row.future) : `${row.request} · ${shortName(row.future)}`;
}

/**
 * @param {string} column
 * @param {string} text
 * @param {string} title
 * @param {string} [extra] another class
 * @param {string} [after] what stands behind it
 */
function cell(column, text, title, extra = '', after = '') {
  const behind = after === '' ? null : el('span', { class: 'place' }, after);
  return el('div', { class: `cell ${column}`, role: 'gridcell', title }, el('span', { class: extra }, text), behind);
}
