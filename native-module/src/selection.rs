//! The task and frame that commands without an id mean.

use report_text::text::backtrace;
use runtime_layouts::report::{Report, Task, TaskId, TaskKind};

use crate::failure::Failure;

/// What the user selected; lives as long as the session.
#[derive(Clone, Default, Debug)]
pub(crate) struct Selection {
    selected: Option<Selected>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Selected {
    id: TaskId,
    /// The address tells the task from a later one that was given the same number.
    address: u64,
    frame: usize,
}

impl Selection {
    /// Selects a task and its innermost frame.
    pub(crate) fn select(&mut self, task: &Task) {
        self.select_frame(task, 0);
    }

    /// Selects a task and one of its frames.
    pub(crate) fn select_frame(&mut self, task: &Task, frame: usize) {
        self.selected = Some(Selected { id: task.id.clone(), address: task.address, frame });
    }

    /// The current task and the number of its selected frame.
    ///
    /// That is the task that the user selected. While none is, it is the task that the debugger's
    /// selected thread polls or blocks on, as `bt` shows that thread; else the only one there is.
    ///
    /// # Errors
    /// When there is no such task, or the selected one is gone.
    pub(crate) fn current<'r>(
        &self,
        report: &'r Report,
        thread: Option<u32>,
    ) -> Result<(&'r Task, usize), Failure> {
        if let Some(selected) = &self.selected {
            let task = report
                .tasks
                .iter()
                .find(|task| task.address == selected.address && task.id == selected.id)
                .ok_or_else(|| {
                    Failure::sentence(format!(
                        "The selected task {} no longer exists. `async task ID` selects another.",
                        selected.id.0
                    ))
                })?;
            // It may have moved on to fewer frames since.
            let last = backtrace::frame_count(task).saturating_sub(1);
            return Ok((task, selected.frame.min(last)));
        }
        let on_thread = |kind: Option<TaskKind>| {
            report.tasks.iter().find(|task| {
                thread.is_some()
                    && task.thread.map(|t| t.number) == thread
                    && kind.is_none_or(|kind| task.kind == kind)
            })
        };
        let only = || report.tasks.first().filter(|_| report.tasks.len() == 1);
        on_thread(Some(TaskKind::Task))
            .or_else(|| on_thread(None))
            .or_else(only)
            .map(|task| (task, 0))
            .ok_or_else(|| none_selected(report))
    }

    /// The current task's id, to mark it in lists.
    pub(crate) fn current_id(&self, report: &Report, thread: Option<u32>) -> Option<TaskId> {
        self.current(report, thread).ok().map(|(task, _)| task.id.clone())
    }
}

/// The task with that id.
///
/// # Errors
/// When there is none.
pub(crate) fn find<'r>(report: &'r Report, id: &str) -> Result<&'r Task, Failure> {
    report.tasks.iter().find(|task| task.id.0 == id).ok_or_else(|| {
        if report.tasks.is_empty() {
            return none_selected(report);
        }
        Failure::sentence(format!(
            "There is no task {}. `info async-tasks` lists the tasks with their ids.",
            report_text::text::style::escaped(id)
        ))
    })
}

fn none_selected(report: &Report) -> Failure {
    match (report.tasks.is_empty(), report.problems.first()) {
        (false, _) => Failure::sentence(
            "No task is selected. `info async-tasks` lists the tasks, and `async task ID` selects \
             one.",
        ),
        (true, Some(problem)) => Failure::sentence(problem.clone()),
        (true, None) => Failure::sentence("No async task was found in this process."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::tests::{report, task};

    #[test]
    fn an_id_that_does_not_exist_is_said() {
        let report = report(vec![task("7", 0x70, None)]);
        assert_eq!(find(&report, "7").map(|task| task.address), Ok(0x70));
        let sentence = find(&report, "8\n").expect_err("not there").to_string();
        assert!(sentence.starts_with("There is no task 8\\n. "), "{sentence}");
    }

    #[test]
    fn the_selection_lives_as_long_as_the_task() {
        let mut selection = Selection::default();
        let seven = task("7", 0x70, None);
        selection.select_frame(&seven, 1);
        let later = report(vec![task("6", 0x60, None), seven]);
        let (current, frame) = selection.current(&later, None).expect("still there");
        assert_eq!((current.id.0.as_str(), frame), ("7", 0), "a task without frames has frame 0");
        let another = report(vec![task("6", 0x60, None), task("7", 0x90, None)]);
        let gone = selection.current(&another, None).expect_err("another task");
        assert!(gone.to_string().starts_with("The selected task 7 no longer exists."));
    }

    #[test]
    fn without_a_selection_the_selected_thread_decides() {
        let selection = Selection::default();
        let mut main = task("main", 0x10, Some(1));
        main.kind = TaskKind::BlockOn;
        let report = report(vec![main, task("5", 0x50, Some(2)), task("6", 0x60, None)]);
        let id = |thread| selection.current_id(&report, thread).map(|id| id.0);
        assert_eq!(id(Some(1)).as_deref(), Some("main"));
        assert_eq!(id(Some(2)).as_deref(), Some("5"));
        assert_eq!(id(Some(3)), None);
        assert_eq!(id(None), None, "a task on no thread is not on the unknown thread");
    }

    #[test]
    fn the_only_task_is_meant_and_no_task_is_explained() {
        let selection = Selection::default();
        let one = report(vec![task("6", 0x60, None)]);
        assert_eq!(selection.current_id(&one, Some(1)), Some(TaskId("6".into())));
        let mut none = report(Vec::new());
        assert!(selection.current(&none, None).is_err_and(|e| e.to_string().contains("No async")));
        none.problems.push("No runtime.".into());
        assert!(selection.current(&none, None).is_err_and(|e| e.to_string() == "No runtime."));
    }
}
