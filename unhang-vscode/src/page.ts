/** The report page, as `cargo xtask page` writes it, in a panel. */

import type { Report } from "./report/model";

/** What is shown first. */
export type View = "graph" | "stacks" | "list";

/** What the page is told. */
export interface ToPage {
  type: "report";
  report: Report;
}

/** What the page says. */
export type FromPage =
  | { type: "open"; file: string; line: number }
  | { type: "task"; id: string }
  | { type: "save"; name: string; text: string };

/** The page with the view that it shows first. */
export function pageWith(template: string, view: View): string {
  return template.replace("<html ", `<html data-view="${view}" `);
}

/** A message of the page's, `undefined` for anything else. */
export function fromPage(message: unknown): FromPage | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const { type, file, line, id, name, text } = message as Record<string, unknown>;
  const isLine = typeof line === "number" && Number.isInteger(line) && line > 0;
  if (type === "open" && typeof file === "string" && isLine) return { type, file, line };
  if (type === "task" && typeof id === "string") return { type, id };
  if (type === "save" && typeof name === "string" && typeof text === "string") return { type, name, text };
  return undefined;
}
