//! Commands run against a hand-made front.

use super::*;
use runtime_layouts::report::{
    Chain, FrameSource, TargetSummary, Task, TaskId, TaskIndex, TaskKind, TaskState, TaskWakers,
    ThreadRef, Trust,
};
use runtime_layouts::target::TargetKind;

/// A task without frames; its thread is also its tid.
pub(crate) fn task(id: &str, address: u64, thread: Option<u32>) -> Task {
    Task {
        id: TaskId(id.into()),
        runtime: None,
        kind: TaskKind::Task,
        state: TaskState::Idle,
        root: None,
        address,
        thread: thread.map(|number| ThreadRef { number, tid: number.into() }),
        spawned_at: None,
        chain: Chain::default(),
        trust: Trust::of(FrameSource::Nothing),
        siblings_of_stack: None,
        panic: None,
        wakers: TaskWakers::default(),
        index: TaskIndex(0),
        problems: Vec::new(),
    }
}

/// A report of these tasks and nothing else.
pub(crate) fn report(tasks: Vec<Task>) -> Report {
    let target = TargetSummary {
        kind: TargetKind::Live,
        pid: Some(1),
        executable: "app".into(),
        build_id: None,
    };
    Report { tasks, ..Report::empty(target) }
}

pub(crate) struct FakeFront {
    pub(crate) report: Result<Arc<Report>, Failure>,
    pub(crate) selection: Selection,
    pub(crate) out: Vec<u8>,
}

impl FakeFront {
    pub(crate) fn new(tasks: Vec<Task>) -> Self {
        Self {
            report: Ok(Arc::new(report(tasks))),
            selection: Selection::default(),
            out: Vec::new(),
        }
    }

    /// What the line writes; its failure as `!` and the sentence.
    pub(crate) fn text(&mut self, line: &str) -> String {
        self.out.clear();
        let outcome = execute(line, self);
        let mut text = String::from_utf8(self.out.clone()).expect("text");
        if let Err(failure) = outcome {
            text += &format!("!{failure}");
        }
        text
    }
}

impl Front for FakeFront {
    fn report(&mut self) -> Result<Arc<Report>, Failure> {
        self.report.clone()
    }
    fn target(&mut self) -> Result<Box<dyn Target>, Failure> {
        Err(Failure::sentence("There is no process."))
    }
    fn hand_over(
        &mut self,
        values: &[(String, u64, String)],
    ) -> Result<Vec<Option<String>>, Failure> {
        Ok(vec![None; values.len()])
    }
    fn selected_thread(&mut self) -> Result<Option<u32>, Failure> {
        Ok(Some(1))
    }
    fn selection(&mut self) -> &mut Selection {
        &mut self.selection
    }
    fn look(&mut self) -> Result<Look, Failure> {
        Ok(Look { width: None, styled: false, full_names: false, user_only: false, current: None })
    }
    fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }
    fn layouts(&mut self) -> Result<Vec<Provenance>, Failure> {
        Ok(Vec::new())
    }
    fn load_layouts(&mut self, file: &Path) -> Result<String, Failure> {
        Ok(format!("Loaded {}.", file.display()))
    }
    fn knowledge(&mut self) -> Result<Vec<KnowledgeText>, Failure> {
        let text = "unhang = 1\nlibrary = \"swim\"\n[[resource]]\ntype = \"swim::Pool\"\nkind = \"pool\"\n";
        let good = KnowledgeText { origin: "swim.toml".into(), text: Ok(text.into()) };
        let bad = KnowledgeText { origin: "bad.toml".into(), text: Ok("unhang = 9".into()) };
        Ok(vec![good, bad])
    }
    fn load_knowledge(&mut self, _: &Path) -> Result<declared::Summary, Failure> {
        Ok(declared::Summary { library: "swim", types: vec!["swim::Pool", "swim::Lane"] })
    }
    fn load_twin(&mut self, twin: &Path) -> Result<String, Failure> {
        Ok(format!("Loaded the twin {}.", twin.display()))
    }
}

#[test]
fn apply_runs_a_command_for_each_task() {
    let mut front = FakeFront::new(vec![task("7", 0x70, None), task("8", 0x80, Some(1))]);
    assert_eq!(front.text("async task 8"), "[Switching to task 8 (idle)]\n");
    let each = "[Task 7 (idle)]\nTask 7 has no frames.\n\n\
                [Task 8 (idle)]\nTask 8 has no frames.\n";
    assert_eq!(front.text("async apply all locals"), each);
    assert_eq!(front.text("async apply 7 8 async locals"), each);
    let missing = "There is no task 9. `info async-tasks` lists the tasks with their ids.\n";
    assert_eq!(front.text("async apply 9 locals"), missing);
    assert!(front.text("async apply 7").starts_with("!The command to run is missing."));
    assert_eq!(front.text("async task"), "[Current task is 8 (idle)]\n");
}

#[test]
fn definitions_are_sound() {
    for command in COMMANDS {
        command.definition().debug_assert();
        let (summary, help) = (command.summary(), command.help());
        assert!(!summary.is_empty() && !summary.ends_with('.'), "{}: {summary}", command.name);
        assert!(help.starts_with(&summary), "{help}");
        assert!(help.contains(&format!("Usage: {}", command.name)), "{help}");
        assert!(!help.contains('\x1b') && help.lines().all(|l| l.len() <= 80), "{help}");
        assert!(command.usage().starts_with(command.name), "{}", command.usage());
    }
}

#[test]
fn lines_are_split_into_command_and_rest() {
    let split = |line| split(line).map(|(command, rest)| (command.name, rest));
    assert_eq!(split("async bt 3 4"), Some(("async bt", "3 4")));
    assert_eq!(split("  info   async-tasks\t--all "), Some(("info async-tasks", "--all ")));
    assert_eq!(split("async task"), Some(("async task", "")));
    assert_eq!(split("async tasks"), Some(("async tasks", "")));
    assert_eq!(split("async tas"), None);
    assert_eq!(split("async"), None);
    assert_eq!(split("asyncbt"), None);
    assert_eq!(split(""), None);
}

#[test]
fn mistakes_get_a_sentence_and_the_usage() {
    let mut front = FakeFront::new(Vec::new());
    assert_eq!(
        front.text("async bt --ful-names"),
        "!Unexpected argument '--ful-names' found. A similar argument exists: '--full-names'.\n\
         Usage: async bt [OPTIONS] [ID]..."
    );
    assert_eq!(
        front.text("async up x"),
        "!Invalid value 'x' for '[N]': invalid digit found in string.\nUsage: async up [N]"
    );
    assert!(front.text("info async-tasks --state idel").starts_with(
        "!Invalid value 'idel' for '--state <STATE>' [possible values: idle, scheduled,"
    ));
    assert!(front.text("info async-tasks --waiting-on stock").starts_with(
        "!Invalid value 'stock' for '--waiting-on <KIND>' [possible values: mutex, rwlock, semaphore,"
    ));
    assert_eq!(
        front.text("async bt 'a"),
        "!A quotation mark is not closed, or the line ends with a backslash."
    );
    assert!(
        front
            .text("async boom")
            .starts_with("!There is no command `async boom`. The commands are: ")
    );
}

#[test]
fn help_is_given_everywhere() {
    let mut front = FakeFront::new(Vec::new());
    let commands = front.text("async");
    for (name, summary) in [("async bt ", "  Show "), ("async thread-names ", "  Show or hide ")] {
        let line = commands.lines().find(|line| line.starts_with(name));
        assert!(line.is_some_and(|line| line.contains(summary)), "{name}: {commands}");
    }
    assert!(front.text("async bt --help").contains("Usage: async bt "));
    assert!(front.text("async layouts -h").contains("load"));
}

#[test]
fn tasks_are_selected_and_named() {
    let mut front = FakeFront::new(vec![task("3", 0x30, None), task("4", 0x40, None)]);
    assert!(front.text("async task").starts_with("!No task is selected."));
    assert_eq!(front.text("async task 4"), "[Switching to task 4 (idle)]\n");
    assert_eq!(front.text("async task"), "[Current task is 4 (idle)]\n");
    assert!(front.text("async task 5").starts_with("!There is no task 5."));
    assert_eq!(front.text("async task"), "[Current task is 4 (idle)]\n");
}

#[test]
fn a_task_without_frames_has_none_to_select() {
    let mut front = FakeFront::new(vec![task("3", 0x30, None)]);
    for line in ["async frame", "async frame 0", "async up", "async down 2"] {
        assert_eq!(front.text(line), "!Task 3 has no frames.", "{line}");
    }
}

#[test]
fn layouts_are_loaded() {
    let mut front = FakeFront::new(Vec::new());
    assert_eq!(front.text("async layouts load 'a b'"), "Loaded a b.\n");
    assert!(front.text("async layouts load").contains("Usage: async layouts"));
    assert_eq!(
        front.text("async knowledge load swim.toml"),
        "Loaded swim.toml: what swim::Pool and swim::Lane of swim are.\n"
    );
    assert_eq!(
        front.text("async knowledge"),
        "swim.toml: what swim::Pool of swim is\nbad.toml: not used: line 1: it is of form 9, and this \
         unhang reads form 1\n"
    );
}

#[test]
fn what_the_front_lacks_is_passed_on() {
    let mut front = FakeFront::new(Vec::new());
    front.report = Err(Failure::sentence("No process."));
    for line in ["info async-tasks", "async bt", "async bt 1", "async task 1", "async workers"] {
        assert_eq!(front.text(line), "!No process.", "{line}");
    }
}
