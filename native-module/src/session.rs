//! What Python sees: a session over one debugger.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use pyo3::prelude::*;

use report_text::text::Look;
use report_text::text::native_stack::{self, NativeFrame, Place};
use report_text::text::style::escaped_lines;
use runtime_layouts::knowledge::declared;
use runtime_layouts::layout::source::{KnowledgeText, Provenance};
use runtime_layouts::libraries::REGISTRY;
use runtime_layouts::report::Report;
use runtime_layouts::target::Target;
use runtime_layouts::walk;

use crate::adapter::Adapter;
use crate::commands::{self, COMMANDS, Front};
use crate::completion;
use crate::failure::Failure;
use crate::output::ChunkWriter;
use crate::panics;
use crate::selection::Selection;
use crate::sources::Sources;
use crate::target::DebuggerTarget;

/// One command, for a debugger to register.
#[pyclass(frozen, get_all, module = "unhang_shared._native")]
struct CommandInfo {
    /// Its words: `async bt`.
    name: String,
    /// Its usage in one line.
    usage: String,
    /// What it does, in one line without a full stop.
    summary: String,
    /// Everything about it, the summary first.
    help: String,
}

/// One line of a thread's stack with the async story in it, for a debugger to print.
#[pyclass(frozen, get_all, module = "unhang_shared._native")]
struct StackLine {
    /// What unhang tells; `None` for a frame of the debugger's.
    text: Option<String>,
    /// The file of an async frame, as a reader knows it.
    file: Option<String>,
    /// Its whole path.
    path: Option<String>,
    /// Its line.
    line: u32,
    /// The place in the stack of the frame, or of the first that the text stands for.
    first: usize,
    /// How many frames the text stands for: none, where it is a story of its own.
    count: usize,
}

/// The commands over one debugger, and what they remember from one to the next.
#[pyclass(frozen, module = "unhang_shared._native")]
pub(crate) struct Session {
    adapter: Py<PyAny>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    selection: Selection,
    sources: Sources,
    /// The report of the last stop, with that stop's id.
    report: Option<(String, Arc<Report>)>,
}

#[pymethods]
impl Session {
    /// A session over an `unhang_shared.adapter.Adapter`.
    #[new]
    fn new(adapter: Py<PyAny>) -> Self {
        Self { adapter, state: Mutex::default() }
    }

    /// Every command, in the order in which help lists them.
    #[staticmethod]
    fn commands() -> Vec<CommandInfo> {
        COMMANDS
            .iter()
            .map(|command| CommandInfo {
                name: command.name.to_owned(),
                usage: command.usage(),
                summary: command.summary(),
                help: command.help(),
            })
            .collect()
    }

    /// What all commands have in common, in one line without a full stop.
    #[staticmethod]
    fn summary() -> &'static str {
        commands::SUMMARY
    }

    /// Runs a command line and writes what it says. Returns why it failed, in a sentence; `None`
    /// when it did not. Never raises.
    fn execute(&self, py: Python<'_>, command_line: &str) -> Option<String> {
        let outcome = self.guarded(py, |front| commands::execute(command_line, front));
        match outcome {
            Ok(()) | Err(Failure::Quit) => None,
            Err(failure) => Some(escaped_lines(&failure.to_string())),
        }
    }

    /// The stack of a thread, innermost first, with the async story in it: of each frame the
    /// function and the path of the source file are given, as the debugger knows them. `None` where
    /// there is nothing to tell of it. Never raises.
    fn stack(
        &self,
        py: Python<'_>,
        thread: u32,
        frames: Vec<(Option<String>, Option<String>)>,
    ) -> Option<Vec<StackLine>> {
        let frames: Vec<NativeFrame> =
            frames.into_iter().map(|(function, file)| NativeFrame { function, file }).collect();
        let told = self.guarded(py, |front| {
            Ok(native_stack::tell(&*front.report()?, REGISTRY.libraries, thread, &frames))
        });
        // A stack as the debugger shows it is better than none.
        let lines = told.ok().flatten()?;
        Some(lines.into_iter().map(StackLine::of).collect())
    }

    /// What each thread runs that polls a task or blocks on a future, by the debugger's number of
    /// it: `task 7`. Empty where nothing is known. Never raises.
    fn tasks_of_threads(&self, py: Python<'_>) -> HashMap<u32, String> {
        let told = self.guarded(py, |front| Ok(native_stack::tasks_of_threads(&*front.report()?)));
        told.unwrap_or_default()
    }

    /// What the paths of functions begin with that only lie between those of a program: `std::`,
    /// `tokio::`.
    #[staticmethod]
    fn plumbing_paths() -> Vec<String> {
        REGISTRY.libraries.plumbing_paths()
    }

    /// Completions of the word at the end of `text`, which follows the command's name. `word` is
    /// the part of it that the answers are to replace. Never raises.
    fn complete(&self, py: Python<'_>, command: &str, text: &str, word: &str) -> Vec<String> {
        self.guarded(py, |front| {
            let command = COMMANDS.iter().find(|entry| entry.name == command);
            Ok(command.map_or_else(Vec::new, |command| {
                completion::complete(command, text, word, || front.report().ok())
            }))
        })
        // A key that completes nothing is the sentence here.
        .unwrap_or_default()
    }
}

impl StackLine {
    fn of(line: native_stack::StackLine) -> Self {
        use native_stack::StackLine as Line;
        let nothing = Self { text: None, file: None, path: None, line: 0, first: 0, count: 0 };
        match line {
            Line::Frame(first) => Self { first, count: 1, ..nothing },
            Line::Told { text, place: None } => Self { text: Some(text), ..nothing },
            Line::Told { text, place: Some(Place { file, path, line }) } => {
                Self { text: Some(text), file: Some(file), path: Some(path), line, ..nothing }
            }
            Line::LeftOut { text, frames } => {
                Self { text: Some(text), first: frames.start, count: frames.len(), ..nothing }
            }
        }
    }
}

impl Session {
    /// Does something with the debugger, whatever comes of it.
    fn guarded<T>(
        &self,
        py: Python<'_>,
        what: impl FnOnce(&mut PythonFront<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            // What it holds is whole at all times: a panic can only have come between two changes.
            Err(TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::sentence("Another `async` command is still running."));
            }
        };
        let adapter = Adapter::new(self.adapter.clone_ref(py));
        let writer = adapter.clone();
        let mut front = PythonFront {
            adapter,
            state: &mut state,
            out: Box::new(ChunkWriter::new(move |text: &str| writer.write(text))),
        };
        let outcome = panics::guarded(|| what(&mut front));
        // Also after a failure: what was asked until then need not be asked again.
        state.sources.remember();
        outcome
    }
}

/// The debugger, as commands see it.
struct PythonFront<'s> {
    adapter: Adapter,
    state: &'s mut State,
    out: Box<dyn Write>,
}

impl PythonFront<'_> {
    /// The process at this stop, ready to be looked at.
    fn target(&mut self) -> Result<(DebuggerTarget, String), Failure> {
        let Some(process) = self.adapter.process()? else {
            return Err(Failure::Sentence(format!(
                "No process is being debugged. {}",
                self.adapter.advice()?
            )));
        };
        if process.is_running {
            return Err(Failure::sentence("The process is running: stop it first, with Ctrl-C."));
        }
        let target = DebuggerTarget::new(&self.adapter, &process, &mut self.state.sources)?;
        self.state.sources.in_use =
            target.modules().iter().map(|module| module.layouts.provenance()).collect();
        Ok((target, process.stop_id))
    }
}

impl Front for PythonFront<'_> {
    fn report(&mut self) -> Result<Arc<Report>, Failure> {
        if let Some((stop_id, report)) = &self.state.report
            && self.adapter.process()?.is_some_and(|now| !now.is_running && now.stop_id == *stop_id)
        {
            return Ok(report.clone());
        }
        self.state.report = None;
        let (target, stop_id) = PythonFront::target(self)?;
        let mut report = walk::inspect(&target, REGISTRY);
        if report.interrupted || target.interrupted() {
            return Err(Failure::Interrupted);
        }
        report.problems.extend(target.notes);
        let report = Arc::new(report);
        self.state.report = Some((stop_id, report.clone()));
        Ok(report)
    }

    fn target(&mut self) -> Result<Box<dyn Target>, Failure> {
        Ok(Box::new(PythonFront::target(self)?.0))
    }

    fn hand_over(
        &mut self,
        values: &[(String, u64, String)],
    ) -> Result<Vec<Option<String>>, Failure> {
        self.adapter.hand_over(values)
    }

    fn selected_thread(&mut self) -> Result<Option<u32>, Failure> {
        self.adapter.selected_thread()
    }

    fn selection(&mut self) -> &mut Selection {
        &mut self.state.selection
    }

    fn look(&mut self) -> Result<Look, Failure> {
        Ok(Look {
            width: self.adapter.width()?,
            styled: self.adapter.styled()?,
            full_names: false,
            user_only: false,
            current: None,
        })
    }

    fn out(&mut self) -> &mut dyn Write {
        &mut *self.out
    }

    fn layouts(&mut self) -> Result<Vec<Provenance>, Failure> {
        PythonFront::target(self)?;
        let loaded = self.state.sources.loaded().map(|source| source.provenance());
        let mut all = self.state.sources.in_use.clone();
        all.extend(loaded.filter(|provenance| !self.state.sources.in_use.contains(provenance)));
        Ok(all)
    }

    fn knowledge(&mut self) -> Result<Vec<KnowledgeText>, Failure> {
        match PythonFront::target(self) {
            Ok((target, _)) => Ok(walk::knowledge_of(&target)),
            // What was loaded is there before there is a process.
            Err(_) => Ok(self.state.sources.knowledge.clone()),
        }
    }

    fn load_knowledge(&mut self, file: &Path) -> Result<declared::Summary, Failure> {
        let summary = self.state.sources.load_knowledge(file)?;
        self.state.report = None;
        Ok(summary)
    }

    fn load_twin(&mut self, twin: &Path) -> Result<String, Failure> {
        let program = self.adapter.modules()?.into_iter().next().ok_or_else(|| {
            Failure::sentence("The debugger does not know which executable is debugged.")
        })?;
        self.state.sources.load_twin(program.path.as_ref(), twin)?;
        self.state.report = None;
        Ok(format!("Loaded {} as the twin of {}.", twin.display(), program.path))
    }

    fn load_layouts(&mut self, file: &Path) -> Result<String, Failure> {
        let build_id = self.state.sources.load(file)?;
        self.state.report = None;
        let file = file.to_string_lossy();
        let running = PythonFront::target(self).ok().and_then(|(target, _)| {
            target.modules().first().and_then(|module| module.layouts.facts().build_id.clone())
        });
        Ok(match running {
            Some(running) if running == build_id => {
                format!("Loaded {file}: it describes the running program.")
            }
            Some(running) => format!(
                "Loaded {file}, but it describes another program: its build id is {build_id}, the \
                 process has {running}."
            ),
            None => format!("Loaded {file}, for the program with build id {build_id}."),
        })
    }
}
