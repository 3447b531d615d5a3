//! Groups of tasks that stand at the same point.

use std::hash::{BuildHasher, Hash, Hasher};

use rustc_hash::{FxBuildHasher, FxHashMap};

use runtime_layouts::report::{Chain, Polled, SiteId, Task};

/// What two tasks share when they stand in the same place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Token {
    State(u8),
    Root(Option<SiteId>),
    Frame(SiteId),
    Branch(Polled),
    End,
}

fn each_token(task: &Task, visit: &mut dyn FnMut(Token)) {
    visit(Token::State(task.state as u8 + 16 * (task.kind as u8)));
    visit(Token::Root(task.root));
    tokens_of(&task.chain, visit);
}

fn tokens_of(chain: &Chain, visit: &mut dyn FnMut(Token)) {
    chain.frames.iter().for_each(|frame| visit(Token::Frame(frame.site)));
    for branch in &chain.branches {
        visit(Token::Branch(branch.polled));
        tokens_of(branch, visit);
        visit(Token::End);
    }
}

pub(super) fn stack_of(task: &Task) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(task.chain.frames.len() + 2);
    each_token(task, &mut |token| tokens.push(token));
    tokens
}

fn hash_of(task: &Task) -> u64 {
    let mut hasher = FxBuildHasher.build_hasher();
    each_token(task, &mut |token| token.hash(&mut hasher));
    hasher.finish()
}

/// The tasks by where they stand: groups in the order of their first tasks, and in each the tasks in
/// their own order.
pub(crate) fn groups<'t>(tasks: impl IntoIterator<Item = &'t Task>) -> Vec<Vec<&'t Task>> {
    let mut groups: Vec<(Vec<Token>, Vec<&Task>)> = Vec::new();
    // By hash, so that a million tasks do not make a list each.
    let mut known: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
    for task in tasks {
        let same = known.entry(hash_of(task)).or_default();
        let is_same = |group: &&usize| {
            let mut tokens = groups[**group].0.iter();
            let mut is_same = true;
            each_token(task, &mut |token| is_same &= tokens.next() == Some(&token));
            is_same && tokens.next().is_none()
        };
        match same.iter().find(is_same) {
            Some(group) => groups[*group].1.push(task),
            None => {
                same.push(groups.len());
                groups.push((stack_of(task), vec![task]));
            }
        }
    }
    groups.into_iter().map(|(_, tasks)| tasks).collect()
}
