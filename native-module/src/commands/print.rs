//! `async print`.

use clap::Parser;
use report_text::text::variables;
use runtime_layouts::libraries::LIBRARIES;
use runtime_layouts::variables::path::{follow, parse};
use runtime_layouts::variables::{Limits, locals};

use super::{Front, Run};
use crate::failure::Failure;

/// Print a variable of the selected frame, or a part of it
///
/// PATH is `name`, `name.field`, `name.0`, `name[3]`, `*name`, or several of these in a row. As in
/// Rust, `.` and `[…]` look through references, boxes and shared pointers.
#[derive(Parser)]
pub(crate) struct Print {
    /// The variable or part to print
    #[arg(value_name = "PATH", required = true)]
    path: Vec<String>,
}

impl Run for Print {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let path = parse(&self.path.join(" ")).map_err(Failure::Sentence)?;
        let report = front.report()?;
        let thread = front.selected_thread()?;
        let (task, number) = front.selection().current(&report, thread)?;
        let Some(frame) = variables::frame(task, number) else {
            return Err(Failure::Sentence(format!("Task {} has no frames.", task.id.0)));
        };
        let target = front.target()?;
        let locals = locals::Locals::new(&*target, LIBRARIES, Limits::LONG);
        let known = locals.of(&report, frame).map_err(Failure::Sentence)?;
        // Of several with one name the last hides the others.
        let Some(start) = known.iter().rfind(|local| local.name == path.variable) else {
            let names: Vec<&str> = known.iter().map(|local| local.name.as_str()).collect();
            return Err(Failure::Sentence(match names.as_slice() {
                [] => "This frame has no variables.".to_string(),
                names => format!(
                    "This frame has no variable `{}`; its variables are: {}.",
                    path.variable,
                    names.join(", ")
                ),
            }));
        };
        let mut value = start.value;
        for step in &path.steps {
            value = follow(locals.program(), value, step).map_err(Failure::Sentence)?;
        }
        let text = locals.text_of(value);
        let ty = locals.program().type_of(value.ty).map(|layout| layout.name.to_string());
        let name = match ty {
            Ok(ty) => front.hand_over(&[(String::new(), value.address, ty)])?.pop().flatten(),
            Err(_) => None,
        };
        match name {
            Some(name) => front.say(format_args!("{name} = {text}")),
            None => front.say(format_args!("{text}")),
        }
    }
}
