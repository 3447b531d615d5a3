/** Where the extension begins: it makes the parts and connects them. */

import * as vscode from "vscode";
import { goTo, registerCommands, revealFromPicture } from "./commands";
import { EditorMarks } from "./decorations";
import { Picture } from "./picture";
import { Sessions } from "./session/tracker";
import { Store } from "./store";
import { TasksView } from "./tree/provider";

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("unhang", { log: true });
  const store = new Store();
  const sessions = new Sessions(store, log);
  const view = new TasksView(store, () => sessions.active?.withLocals() ?? Promise.resolve(undefined));
  const picture = new Picture(context.extensionUri, store, {
    open: (place) => goTo(store, place),
    task: (id) => revealFromPicture({ view, store }, id),
  });
  context.subscriptions.push(
    log, store, sessions, view, picture, new EditorMarks(store),
    ...registerCommands({ store, sessions, view, picture }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("unhang")) view.remake();
    }),
  );
}
