//! Locks that are taken and waited for, by whom is not known, and objects of pools that are with
//! somebody who is not known.

use std::io;

use rustc_hash::FxHashSet;

use super::super::counts::enumerated;
use super::super::kinds::{is_lock, with_address};
use super::super::style::{Out, Style};
use runtime_layouts::report::{
    Finding, Leads, Report, Resource, ResourceId, ResourceKind, TaskIndex,
};

/// Writes a line for each that no finding and no lead is about.
pub(super) fn write(
    report: &Report,
    findings: &[Finding],
    leads: &Leads,
    out: &mut Out<'_>,
) -> io::Result<()> {
    let sentences = sentences(report, findings, leads);
    sentences.iter().try_for_each(|text| out.paragraph("", "  ", Style::Warning, text))
}

/// A sentence for each that no finding and no lead is about.
pub(crate) fn sentences(report: &Report, findings: &[Finding], leads: &Leads) -> Vec<String> {
    let mut sentences = Vec::new();
    let in_findings = findings.iter().flat_map(|finding| &finding.links).map(|link| link.wait);
    let in_leads = leads.first.iter().filter_map(|lead| lead.wait);
    let told: FxHashSet<ResourceId> =
        in_findings.chain(in_leads).map(|wait| report.wait(wait).resource).collect();
    for (id, resource) in (0..).map(ResourceId).zip(&report.resources) {
        if let Some(text) = of_missing(resource) {
            sentences.push(text);
            continue;
        }
        let is_unknown = is_lock(resource.kind)
            && resource.is_taken == Some(true)
            && resource.holders.is_empty()
            && resource.given.is_none();
        if is_unknown && !resource.queue.is_empty() && !told.contains(&id) {
            let tasks: Vec<TaskIndex> =
                resource.queue.iter().map(|id| report.wait(*id).task).collect();
            let text = format!(
                "Holder not found: {} is taken and {} for it, but no suspended task shows \
                 its guard: running native code has it, or it was leaked, or the debug information \
                 leaves out its variable.",
                with_address(resource),
                match tasks.len() {
                    1 => format!("{} waits", enumerated(report, &tasks)),
                    _ => format!("{} wait", enumerated(report, &tasks)),
                },
            );
            sentences.push(text);
        }
    }
    sentences
}

/// What is said of a pool that others wait for and whose objects were not all found.
fn of_missing(pool: &Resource) -> Option<String> {
    let missing = missing_objects(pool);
    let out = pool.parties.filter(|_| !pool.queue.is_empty())?;
    let which = match (missing, out) {
        (0, _) => return None,
        (1, 1) => "the only object that is out was not found".to_string(),
        _ if missing == out => format!("none of the {out} objects that are out was found"),
        (1, _) => format!("1 of the {out} objects that are out was not found"),
        _ => format!("{missing} of the {out} objects that are out were not found"),
    };
    let rest = match missing {
        1 => "running code has it, or it was leaked, or lies",
        _ => "running code has them, or they were leaked, or lie",
    };
    Some(format!(
        "Holders not found: of {} {which}: {rest} where unhang does not look.",
        with_address(pool)
    ))
}

/// How many objects of a pool are out and were not found; 0 of what is no pool.
pub(crate) fn missing_objects(pool: &Resource) -> u64 {
    let out = pool.parties.filter(|_| pool.kind == ResourceKind::Pool).unwrap_or(0);
    out.saturating_sub(pool.holders.len() as u64)
}
