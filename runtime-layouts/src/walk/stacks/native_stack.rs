//! The native stack of a thread that polls a task, which shows what the task's saved state does
//! not.

use crate::layout::Call;
use crate::layout::name::plain_path;
use crate::report::{Chain, Frame};
use crate::target::{CodeAddress, NativeFrame};
use crate::value::Program;
use crate::walk::chains::site_table::{Joined, SiteTable};

/// One function on a native stack.
pub(crate) enum NativeCall {
    /// One that the debug information of this module describes.
    Known { module: usize, call: Call, pc: u64 },
    /// Code that none describes.
    Unknown { pc: CodeAddress },
}

/// The functions of a stack, inlined ones too, innermost first.
pub(crate) fn calls(program: &Program<'_>, frames: &[NativeFrame]) -> Vec<NativeCall> {
    let mut found = Vec::new();
    for frame in frames {
        let calls = program.module_at(frame.pc.lookup()).map(|(module, address)| {
            (module, program.layouts(module).calls_at(address).unwrap_or_default())
        });
        match calls {
            Some((module, calls)) if !calls.is_empty() => {
                found.extend(calls.into_iter().map(|call| NativeCall::Known {
                    module,
                    call,
                    pc: frame.pc.get(),
                }))
            }
            _ => found.push(NativeCall::Unknown { pc: frame.pc }),
        }
    }
    found
}

/// The frames from the innermost one down to the function that polls the task, outermost first and
/// without those that only pass the call on. `None` when that function is not on the stack.
pub(crate) fn chain(
    program: &Program<'_>,
    sites: &mut SiteTable,
    calls: &[NativeCall],
    is_poll: &dyn Fn(&str) -> bool,
) -> Option<Chain> {
    let end = calls.iter().position(
        |call| matches!(call, NativeCall::Known { call, .. } if is_poll(&call.function.name)),
    )?;
    Some(chain_of(program, sites, &calls[..end]))
}

/// Those frames, outermost first and without those that only pass a call on.
pub(crate) fn chain_of(
    program: &Program<'_>,
    sites: &mut SiteTable,
    calls: &[NativeCall],
) -> Chain {
    let mut frames: Vec<Frame> = Vec::new();
    for call in calls.iter().rev() {
        let (site, address) = match call {
            NativeCall::Known { module, call, pc } => {
                let name = &call.function.name;
                // Between the runtime's poll function and the task's future, and between one
                // future's poll and the next.
                if sites.libraries().passes_on(name)
                    && sites.libraries().blocking(&plain_path(name)).is_none()
                {
                    continue;
                }
                (sites.of_call(program, *module, call), *pc)
            }
            // Between the runtime and the future such code only catches panics.
            NativeCall::Unknown { .. } if frames.is_empty() => continue,
            NativeCall::Unknown { pc } => {
                let site = sites.of_unknown_code(program, *pc);
                match frames.last().map(|last| sites.joins(last.site, site)) {
                    Some(Joined::Outer) => continue,
                    Some(Joined::Inner) => drop(frames.pop()),
                    Some(Joined::Neither) | None => {}
                }
                (site, pc.get())
            }
        };
        frames.push(Frame { site, address, problem: None });
    }
    Chain { frames, ..Chain::default() }
}
