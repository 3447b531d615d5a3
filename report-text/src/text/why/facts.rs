//! Facts in lines: what is true of one place stands in one line.

use runtime_layouts::report::TaskIndex;

/// So many lines back a fact of the same place is looked for: a circle may have any number of links.
const NEAR: usize = 8;

/// One thing that is true in one place.
pub(super) struct Fact {
    pub(super) text: String,
    /// How it reads behind another one of the same place and task; `None` where it has a line of its
    /// own.
    pub(super) behind: Option<String>,
    /// Whether the other one must be about the same thing.
    pub(super) is_of_thing: bool,
    /// The task that it is of.
    pub(super) task: Option<TaskIndex>,
    /// `stock::restock, src/stock.rs:59`; empty for what stands nowhere.
    pub(super) place: String,
}

impl Fact {
    /// What the facts behind it are about.
    pub(super) fn thing(text: String) -> Self {
        Self { text, behind: None, is_of_thing: true, task: None, place: String::new() }
    }

    /// What has a line of its own.
    pub(super) fn of(text: String, task: TaskIndex, place: String) -> Self {
        Self { text, behind: None, is_of_thing: true, task: Some(task), place }
    }

    fn is_beside(&self, other: &Self) -> bool {
        self.task.is_some() && (self.task, &self.place) == (other.task, &other.place)
    }

    fn is_thing(&self) -> bool {
        self.task.is_none() && self.place.is_empty()
    }
}

/// The facts in lines: one behind the other where they are of one task in one place.
pub(super) fn joined(facts: Vec<Fact>) -> Vec<String> {
    let mut lines: Vec<Fact> = Vec::new();
    for fact in facts {
        if fact.is_thing() {
            // What several links are about is named once where they follow each other.
            let last = lines.iter().rfind(|line| line.is_thing());
            if last.is_none_or(|last| last.text != fact.text) {
                lines.push(fact);
            }
            continue;
        }
        let mut near = lines.iter_mut().rev().take(NEAR);
        let same = match fact.is_of_thing {
            true => near.take_while(|line| !line.is_thing()).find(|line| line.is_beside(&fact)),
            false => near.find(|line| line.is_beside(&fact)),
        };
        match (same, &fact.behind) {
            (Some(line), Some(text)) => line.text.push_str(text),
            _ => lines.push(fact),
        }
    }
    let line = |fact: Fact| match fact.place.is_empty() {
        true => fact.text,
        false => format!("{}, {}", fact.text, fact.place),
    };
    lines.into_iter().map(line).collect()
}
