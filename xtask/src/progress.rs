//! What is going on, for whoever waits: a moving line in a terminal, plain
//! lines everywhere else.

use std::cell::Cell;
use std::time::{Duration, Instant};

use console::{Term, style};
use indicatif::{ProgressBar, ProgressStyle};

/// How long a plain log may stay silent during a step.
const SILENCE: Duration = Duration::from_secs(30);

/// A step that takes a while. It shows as failed unless [`Step::done`] is called.
pub struct Step {
    title: String,
    begun: Instant,
    last_line: Cell<Instant>,
    bar: Option<ProgressBar>,
    over: bool,
}

impl Step {
    /// Announces a step.
    pub fn begin(title: impl Into<String>) -> Self {
        let title = title.into();
        let bar = Term::stderr().is_term().then(|| {
            let bar = ProgressBar::new_spinner().with_message(title.clone());
            bar.set_style(
                ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim} {prefix:.dim}")
                    .expect("a valid template"),
            );
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        if bar.is_none() {
            eprintln!("… {title}");
        }
        let now = Instant::now();
        Self { title, begun: now, last_line: Cell::new(now), bar, over: false }
    }

    /// Says what the step is at.
    pub fn note(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(bar) = &self.bar {
            let width = usize::from(Term::stderr().size().1);
            let room = width.saturating_sub(self.title.chars().count() + 12);
            bar.set_prefix(text.chars().take(room).collect::<String>());
        } else if self.last_line.get().elapsed() > SILENCE {
            self.last_line.set(Instant::now());
            eprintln!("    {text}");
        }
    }

    /// The step has succeeded.
    pub fn done(mut self) {
        self.end(&style("✓").for_stderr().green().to_string());
    }

    fn end(&mut self, mark: &str) {
        self.over = true;
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let seconds = format!("{:.1} s", self.begun.elapsed().as_secs_f64());
        eprintln!("{mark} {} {}", self.title, style(seconds).for_stderr().dim());
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.over {
            self.end(&style("✗").for_stderr().red().to_string());
        }
    }
}
