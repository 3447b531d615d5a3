/** The report page with a report in it. */

import type { Report } from "./report/model";

/** Where the page has its report. */
const PLACE = /(<script type="application\/json" id="report">)[\s\S]*?(<\/script>)/;

/** Makes the page of a template; no text of the report can end its script. */
export function pageOf(template: string, report: Report | undefined, view: string): string {
  const json = JSON.stringify(report ?? null).replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
  return template
    .replace(PLACE, (_, begin: string, end: string) => `${begin}${json}${end}`)
    .replace("<html ", `<html data-view="${view}" `);
}
