//! All waits of a report, and those of each task.

use std::ops::Deref;

use super::{TaskIndex, Wait, WaitId};

/// What tasks wait for: by task, and within a task in the order of its frames.
///
/// It is asked for the waits of each task of a large program, so it knows where they begin.
///
/// ```
/// use runtime_layouts::fake::FakeReport;
/// use runtime_layouts::report::ResourceKind;
///
/// let mut story = FakeReport::new();
/// let (first, second) = (story.task(), story.task());
/// let lock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
/// story.waits(second, lock);
/// let report = story.report();
/// assert_eq!(report.waits.of(first.task).count(), 0);
/// let [(id, wait)] = &*report.waits.of(second.task).collect::<Vec<_>>() else { panic!("one") };
/// assert_eq!((id.0, wait.resource), (0, lock));
/// ```
#[derive(Clone, Debug, Default)]
pub struct WaitList {
    waits: Vec<Wait>,
    /// Where the waits of each task begin, and where those of the last one end; tasks behind that
    /// have none.
    starts: Vec<u32>,
}

impl WaitList {
    /// One without waits.
    #[must_use]
    pub const fn new() -> Self {
        Self { waits: Vec::new(), starts: Vec::new() }
    }

    /// The waits of a task with their numbers, in the order of its frames.
    pub fn of(&self, task: TaskIndex) -> impl Iterator<Item = (WaitId, &Wait)> + Clone {
        let (first, waits) = self.range(task);
        (first..).map(WaitId).zip(waits)
    }

    /// The waits of a task, in the order of its frames.
    #[must_use]
    pub fn of_task(&self, task: TaskIndex) -> &[Wait] {
        self.range(task).1
    }

    /// All waits with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (WaitId, &Wait)> + Clone {
        (0..).map(WaitId).zip(&self.waits)
    }

    /// The waits alone.
    #[must_use]
    pub fn into_vec(self) -> Vec<Wait> {
        self.waits
    }

    fn range(&self, task: TaskIndex) -> (u32, &[Wait]) {
        let at = task.0 as usize;
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(start), Some(end)) => (*start, &self.waits[*start as usize..*end as usize]),
            _ => (0, &[]),
        }
    }
}

impl From<Vec<Wait>> for WaitList {
    /// Waits in the order of their tasks.
    fn from(waits: Vec<Wait>) -> Self {
        debug_assert!(waits.is_sorted_by_key(|wait| wait.task));
        let mut starts = Vec::new();
        for (at, wait) in (0..).zip(&waits) {
            while starts.len() <= wait.task.0 as usize {
                starts.push(at);
            }
        }
        starts.push(u32::try_from(waits.len()).unwrap_or(u32::MAX));
        Self { waits, starts }
    }
}

impl FromIterator<Wait> for WaitList {
    fn from_iter<I: IntoIterator<Item = Wait>>(waits: I) -> Self {
        Self::from(waits.into_iter().collect::<Vec<_>>())
    }
}

impl Deref for WaitList {
    type Target = [Wait];

    fn deref(&self) -> &[Wait] {
        &self.waits
    }
}

impl<'l> IntoIterator for &'l WaitList {
    type Item = &'l Wait;
    type IntoIter = std::slice::Iter<'l, Wait>;

    fn into_iter(self) -> Self::IntoIter {
        self.waits.iter()
    }
}
