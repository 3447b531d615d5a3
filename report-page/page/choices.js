// What the user chose: it stays when another report comes.

/** @import { Column, Grouping } from './groups.js' */

/**
 * @type {{
 *   view: string,
 *   filter: string,
 *   grouping: Grouping | null,
 *   column: Column,
 *   descending: boolean,
 *   usersOnly: boolean,
 *   alike: boolean,
 *   libraries: boolean,
 *   everything: boolean,
 * }}
 */
export const choices = {
  view: 'graph',
  filter: '',
  grouping: null,
  column: 'id',
  descending: false,
  usersOnly: true,
  alike: true,
  libraries: false,
  everything: false,
};
