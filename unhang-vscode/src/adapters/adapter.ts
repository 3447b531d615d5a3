/** What a debug adapter has to be asked like. */

/** Which debugger is behind an adapter, and so what loads unhang into it. */
export type Debugger = "gdb" | "lldb";

/** The configuration of a debug session, of which the adapters read what they know. */
export type Configuration = Readonly<Record<string, unknown>>;

/** The arguments of DAP's `evaluate` that run a command of the debugger. */
export interface Evaluation {
  expression: string;
  context: string;
}

/** A debug adapter: a line of the table in `index.ts`. */
export interface Adapter {
  /** Its name in texts and settings. */
  name: string;
  /** The types of sessions that it has in VS Code. */
  types: readonly string[];
  /** Which debugger is behind it. */
  debugger(configuration: Configuration): Debugger;
  /** How a command of the debugger's is run. */
  evaluation(command: string, configuration: Configuration): Evaluation;
  /** What a command printed, of what the adapter answered; empty where it answers nothing. */
  output(result: string, command: string): string;
}
