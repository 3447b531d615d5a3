//! The table's figures as pictures: cost against tasks, and against debug information. Both axes are
//! logarithmic.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use plotters::coord::combinators::LogCoord;
use plotters::prelude::*;

use super::cache::Cache;
use super::table::{Group, Place, Row};

const SIZE: (u32, u32) = (1000, 620);

/// Room at the right, for the names of the lines.
const NAMES: u32 = 330;

/// The size of the marks. Those of a warm cache are hollow: color alone would not do for everybody.
const MARK: i32 = 4;

/// What stands for itself, around its place and closed.
const TRIANGLE: [(i32, i32); 4] = [(0, -6), (6, 4), (-6, 4), (0, -6)];

/// What that is.
const SINGLE: &str = " (triangles: programs that are all of Rust)";

/// Where the names of the lines begin, and how far they are from each other.
const FIRST_NAME: i32 = 60;
const BETWEEN_NAMES: i32 = 22;

type Axes = Cartesian2d<LogCoord<f64>, LogCoord<f64>>;
type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Axes>;

/// What a picture is about.
struct Picture {
    file: &'static str,
    title: &'static str,
    axis: &'static str,
    /// Where a group stands on it; and whether it belongs to a line, or stands for itself.
    x: fn(Place) -> Option<(f64, bool)>,
    label: fn(f64) -> String,
}

const PICTURES: [Picture; 2] = [
    Picture {
        file: "tasks.svg",
        title: "Cost against tasks",
        axis: "tasks",
        x: |place| match place {
            Place::Tasks(count) => Some((count, true)),
            _ => None,
        },
        label: |count| grouped(count as u64),
    },
    Picture {
        file: "debug-information.svg",
        title: "Cost against debug information",
        axis: ".debug_info, MB",
        x: |place| match place {
            Place::DebugInformation(size) => Some((size / MB, true)),
            Place::RealDebugInformation(size) => Some((size / MB, false)),
            _ => None,
        },
        label: |size| grouped(size as u64),
    },
];

const MB: f64 = (1 << 20) as f64;

/// A point of a line.
struct Point {
    x: f64,
    seconds: f64,
    in_line: bool,
}

/// A line, and what it is of.
struct Line {
    what: String,
    cache: Cache,
    points: Vec<Point>,
}

/// Draws every picture for which there is anything, and returns the files.
pub(super) fn draw(groups: &[Group], folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for picture in &PICTURES {
        let lines = picture.lines(groups);
        if !lines.is_empty() {
            let file = folder.join(picture.file);
            picture.draw(&lines, &file).with_context(|| format!("drawing {}", file.display()))?;
            files.push(file);
        }
    }
    Ok(files)
}

impl Picture {
    /// What the groups have for it, in the order of the table.
    fn lines(&self, groups: &[Group]) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for group in groups {
            let Some((x, in_line)) = (self.x)(group.place) else { continue };
            for row in &group.rows {
                let Some(measured) = &row.measured else { continue };
                let seconds = measured.median().as_secs_f64();
                let point = Point { x, seconds, in_line };
                match lines.iter_mut().find(|line| line.is_of(row)) {
                    Some(line) => line.points.push(point),
                    None => lines.push(Line {
                        what: row.what.clone(),
                        cache: row.cache,
                        points: vec![point],
                    }),
                }
            }
        }
        lines
    }

    fn draw(&self, lines: &[Line], file: &Path) -> Result<()> {
        let points = || lines.iter().flat_map(|line| &line.points);
        let xs = around(points().map(|point| point.x));
        let ys = around(points().map(|point| point.seconds));
        let area = SVGBackend::new(file, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let has_single = points().any(|point| !point.in_line);
        let caption =
            if has_single { format!("{}{SINGLE}", self.title) } else { self.title.to_owned() };
        let (left, right) = area.split_horizontally(SIZE.0 - NAMES);
        let mut chart = ChartBuilder::on(&left)
            .margin(16)
            .caption(caption, ("sans-serif", 18))
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d((xs.0..xs.1).log_scale(), (ys.0..ys.1).log_scale())?;
        chart
            .configure_mesh()
            .x_desc(self.axis)
            .y_desc("seconds, median")
            .x_label_formatter(&|x| (self.label)(*x))
            .y_label_formatter(&|y| seconds(*y))
            .light_line_style(WHITE.mix(0.0))
            .bold_line_style(BLACK.mix(0.12))
            .draw()?;
        for (number, line) in lines.iter().enumerate() {
            line.draw(&mut chart)?;
            let y = FIRST_NAME + BETWEEN_NAMES * number as i32;
            right.draw(&PathElement::new([(4, y), (30, y)], line.style()))?;
            right.draw(&Circle::new((17, y), MARK, line.mark()))?;
            right.draw(&Text::new(line.name(), (38, y - 7), ("sans-serif", 13)))?;
        }
        area.present()?;
        Ok(())
    }
}

impl Line {
    fn draw(&self, chart: &mut Chart<'_>) -> Result<()> {
        let at = |point: &Point| (point.x, point.seconds);
        let (joined, single): (Vec<_>, Vec<_>) = self.points.iter().partition(|p| p.in_line);
        let joined: Vec<_> = joined.into_iter().map(at).collect();
        let single: Vec<_> = single.into_iter().map(at).collect();
        chart.draw_series(LineSeries::new(joined.iter().copied(), self.style()))?;
        let circle = |at| Circle::new(at, MARK, self.mark());
        chart.draw_series(joined.into_iter().map(circle))?;
        if self.cache == Cache::Warm {
            let outline = |at| EmptyElement::at(at) + PathElement::new(TRIANGLE, self.mark());
            chart.draw_series(single.into_iter().map(outline))?;
        } else {
            let triangle = |at| EmptyElement::at(at) + Polygon::new(TRIANGLE, self.mark());
            chart.draw_series(single.into_iter().map(triangle))?;
        }
        Ok(())
    }

    fn style(&self) -> ShapeStyle {
        self.color().stroke_width(if self.cache == Cache::Warm { 1 } else { 2 })
    }

    fn is_of(&self, row: &Row) -> bool {
        self.what == row.what && self.cache == row.cache
    }

    fn name(&self) -> String {
        let what = self.what.replace('`', "");
        match self.cache {
            Cache::Unused => what,
            cache => format!("{what}, {} cache", cache.word()),
        }
    }

    /// One color for each program, and a light one for what it takes without unhang.
    fn color(&self) -> RGBColor {
        let colors = [
            ("gdb-Python", RGBColor(200, 30, 30)),
            ("gdb, `async bt", RGBColor(150, 90, 20)),
            ("gdb, attach", RGBColor(250, 195, 120)),
            ("gdb", RGBColor(230, 130, 0)),
            ("lldb, attach", RGBColor(150, 190, 240)),
            ("lldb", RGBColor(30, 100, 200)),
            ("`unhang dump --all", RGBColor(0, 90, 60)),
            ("`unhang dump", RGBColor(20, 160, 70)),
            ("`unhang extract", RGBColor(130, 60, 170)),
        ];
        let known = colors.iter().find(|(name, _)| self.what.starts_with(name));
        known.map_or(RGBColor(90, 90, 90), |(_, color)| *color)
    }

    /// Filled with the color; hollow where the cache is warm.
    fn mark(&self) -> ShapeStyle {
        match self.cache {
            Cache::Cold | Cache::Unused => self.color().filled(),
            Cache::Warm => self.color().stroke_width(1),
        }
    }
}

/// A range with all of them in it and a bit of room.
fn around(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let most = values.fold(0.0, f64::max);
    (least / 1.5, most * 1.5)
}

fn seconds(seconds: f64) -> String {
    let digits = (-seconds.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{seconds:.digits$}")
}

/// `100 000`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}
