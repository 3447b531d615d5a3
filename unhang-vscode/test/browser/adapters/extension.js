// Starts gdb's or lldb's own debug adapter, as the extensions of these names do.
const vscode = require("vscode");

exports.activate = (context) => {
  const start = (type, program, args) =>
    context.subscriptions.push(
      vscode.debug.registerDebugAdapterDescriptorFactory(type, {
        createDebugAdapterDescriptor: () => new vscode.DebugAdapterExecutable(program, args),
      }),
    );
  start("gdb", process.env.UNHANG_TEST_GDB, ["-nx", "-q", "-iex", "set debuginfod enabled off", "-i=dap"]);
  start("lldb-dap", process.env.UNHANG_TEST_LLDB_DAP, []);
};
