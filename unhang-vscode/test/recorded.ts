/** Reports that `unhang dump --json` wrote of the programs in `tests/fixtures`. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseReport, type Report } from "../src/report/model";

/** `out/test` is where this runs. */
const FOLDER = join(__dirname, "../../test/reports");

/** The text of one. */
export function recordedText(name: string): string {
  return readFileSync(join(FOLDER, `${name}.json`), "utf8");
}

/** One of them. */
export function recorded(name: string): Report {
  return parseReport(recordedText(name));
}
