/**
 * CodeLLDB, as its manual has it ("Debug Console": the context `_command` is a command in any console
 * mode, and its output goes to the console). It was not run.
 */

import type { Adapter } from "./adapter";

export const CODELLDB: Adapter = {
  name: "codelldb",
  types: ["lldb"],
  debugger: () => "lldb",
  evaluation: (command) => ({ expression: command, context: "_command" }),
  output: (result) => result,
};
