//! Frames in JSON.

use serde::Serialize;

use super::compact_form::{Form, OmitIfEmpty};
use super::{PlaceJson, SiteWords, Words, hexadecimal};
use crate::text::backtrace::notes;
use crate::text::frames::Line;
use runtime_layouts::report::{Chain, Frame, FrameKind, FutureState, Polled, Report, Site, Task};

#[derive(Serialize)]
struct LocalJson<'r> {
    name: &'r str,
    r#type: &'r str,
    value: &'r str,
    address: String,
    certain: bool,
}

#[derive(Serialize)]
pub(super) struct FrameJson<'r> {
    index: usize,
    #[serde(flatten)]
    site: SiteOf<'r>,
    polled: &'static str,
    address: String,
    #[serde(skip_serializing_if = "OmitIfEmpty::is_omitted")]
    notes: OmitIfEmpty<Vec<String>>,
    #[serde(skip_serializing_if = "OmitIfEmpty::is_omitted")]
    locals: OmitIfEmpty<Vec<LocalJson<'r>>>,
    #[serde(skip_serializing_if = "OmitIfEmpty::is_omitted")]
    children: OmitIfEmpty<Vec<Vec<FrameJson<'r>>>>,
    #[serde(skip_serializing_if = "OmitIfEmpty::is_omitted")]
    problem: OmitIfEmpty<Option<&'r str>>,
}

/// What is the same of all frames at one place of the code, or its number among those of the report.
#[derive(Serialize)]
#[serde(untagged)]
enum SiteOf<'r> {
    Whole(SiteJson<'r>),
    Number { site: u32 },
}

/// A place in the code where frames stand.
#[derive(Serialize)]
pub(super) struct SiteJson<'r> {
    function: &'r str,
    name: &'r str,
    kind: &'static str,
    state: &'static str,
    file: Option<&'r str>,
    line: Option<u32>,
    at: &'r str,
    source: Option<&'r str>,
    expanded_at: Option<PlaceJson<'r>>,
    defined_at: Option<PlaceJson<'r>>,
    user: bool,
    r#type: &'r str,
}

impl<'r> SiteJson<'r> {
    pub(super) fn new(site: &'r Site, words: &'r SiteWords) -> Self {
        let location = site.location.as_ref();
        Self {
            function: &site.name.full,
            name: &words.name,
            kind: kind_text(site.kind),
            state: state_text(site.state),
            file: location.map(|location| location.file.path.as_str()),
            line: location.map(|location| location.line),
            at: &words.at,
            source: words.source.as_deref(),
            expanded_at: site.expanded.as_ref().map(PlaceJson::new),
            defined_at: site.defined.as_ref().map(PlaceJson::new),
            user: site.user,
            r#type: &site.type_name,
        }
    }
}

/// What the frames of one task are made from.
pub(super) struct Frames<'r, 'l> {
    pub(super) report: &'r Report,
    pub(super) words: &'r Words<'r>,
    pub(super) task: &'r Task,
    pub(super) lines: &'l [Line<'r>],
}

impl<'r> Frames<'r, '_> {
    /// The frames of a chain, innermost first; its branches are the children of the innermost one.
    /// Numbers are those of the text. What lies in a branch that is not polled is not polled either.
    pub(super) fn of(
        &self,
        chain: &'r Chain,
        holder: &'static str,
        number: &mut usize,
    ) -> Vec<FrameJson<'r>> {
        let polled = if holder == POLLED { polled_text(chain) } else { holder };
        let mut children: Vec<Vec<FrameJson<'r>>> =
            chain.branches.iter().map(|branch| self.of(branch, polled, number)).collect();
        chain
            .frames
            .iter()
            .rev()
            .map(|frame| {
                let index = *number;
                *number += 1;
                self.frame(index, frame, polled, std::mem::take(&mut children))
            })
            .collect()
    }

    fn frame(
        &self,
        index: usize,
        frame: &'r Frame,
        polled: &'static str,
        children: Vec<Vec<FrameJson<'r>>>,
    ) -> FrameJson<'r> {
        let site = self.report.site(frame.site);
        let words = &self.words.sites[frame.site.0 as usize];
        let notes = notes(self.report, self.task, self.lines, frame);
        let (locals, problem) = (self.locals(frame), frame.problem.as_deref());
        let form = self.words.form;
        FrameJson {
            index,
            site: match form {
                Form::Full => SiteOf::Whole(SiteJson::new(site, words)),
                Form::Compact => SiteOf::Number { site: frame.site.0 },
            },
            polled,
            address: hexadecimal(frame.address),
            notes: OmitIfEmpty::new(form, notes.is_empty(), notes),
            locals: OmitIfEmpty::new(form, locals.is_empty(), locals),
            children: OmitIfEmpty::new(form, children.is_empty(), children),
            problem: OmitIfEmpty::new(form, problem.is_none(), problem),
        }
    }

    fn locals(&self, frame: &Frame) -> Vec<LocalJson<'r>> {
        let locals = self.words.locals.of_frame(frame).iter();
        let json = locals.map(|local| LocalJson {
            value: &local.text,
            address: hexadecimal(local.value.address),
            certain: !local.may_be_moved,
            r#type: &local.type_name,
            name: &local.name,
        });
        json.collect()
    }
}

fn kind_text(kind: FrameKind) -> &'static str {
    match kind {
        FrameKind::AsyncFn => "async_fn",
        FrameKind::AsyncBlock => "async_block",
        FrameKind::AsyncClosure => "async_closure",
        FrameKind::Future => "future",
        FrameKind::Stream => "stream",
        FrameKind::Native => "native",
    }
}

fn state_text(state: FutureState) -> &'static str {
    match state {
        FutureState::Suspended => "suspended",
        FutureState::Unresumed => "unresumed",
        FutureState::Returned => "returned",
        FutureState::Panicked => "panicked",
        FutureState::Running => "running",
        FutureState::Unknown => "unknown",
    }
}

/// What is said of a branch that is polled.
pub(super) const POLLED: &str = "yes";

fn polled_text(chain: &Chain) -> &'static str {
    match chain.polled {
        Polled::Yes => POLLED,
        Polled::No if chain.may_be_moved => "perhaps",
        Polled::No => "no",
        Polled::Disabled => "disabled",
        Polled::Ended => "ended",
    }
}
