/** What leads from one part of a report to another. */

import type { Report, Task } from "./model";

/** Looked up once for each report. */
export class Links {
  private readonly byId: Map<string, Task>;
  private readonly things = new Map<string, string>();
  /** The tasks of certain faults. */
  readonly stuck = new Set<string>();
  /** The tasks that wait behind those. */
  readonly behind = new Set<string>();

  constructor(report: Report) {
    this.byId = new Map(report.tasks.map((task) => [task.id, task]));
    for (const finding of report.findings.filter((it) => it.fault && it.certain)) {
      finding.tasks.forEach((id) => this.stuck.add(id));
      finding.behind.forEach((id) => this.behind.add(id));
    }
    const wanted = new Set(report.findings.flatMap((it) => it.evidence.map((step) => step.address)));
    for (const { waiting_on } of report.tasks) {
      for (const wait of waiting_on) {
        if (wanted.has(wait.address)) this.things.set(wait.address, wait.name);
      }
    }
  }

  /** A task by its id. */
  task(id: string): Task | undefined {
    return this.byId.get(id);
  }

  /** What lies at an address that a finding names; empty where that is not known. */
  thing(address: string): string {
    return this.things.get(address) ?? "";
  }
}
