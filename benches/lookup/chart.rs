//! The main figures as bars, in SVG that is read on light and on dark ground.

use crate::report::{Line, Report};
use crate::rounds;
use std::fmt::Write as _;

const WIDTH: u32 = 860;
const LABEL: u32 = 300;
const BAR: u32 = 430;
const ROW: u32 = 24;
/// Bars longer than this many times `floor-map`'s are cut, so that the others can be told apart.
const LONGEST: f64 = 6.0;

struct Bar {
    name: String,
    value: f64,
    /// How it stands out: Tuttu itself, or what it is held against.
    ours: bool,
}

struct Panel {
    title: String,
    bars: Vec<Bar>,
    cut_at: f64,
}

/// Draws the chart.
pub(crate) fn draw(report: &Report) -> String {
    let lines = report.lines();
    let question = rounds::name("binary", 1_000, 30);
    let main = || lines.iter().filter(|line| line.question == question);
    let mut sizes: Vec<u64> = main().map(|line| line.users).collect();
    sizes.dedup();
    let mut panels = Vec::new();
    for users in sizes {
        let lines: Vec<&Line> = main().filter(|line| line.users == users).collect();
        panels.push(cpu(users, &lines));
        let throughput = handles(users, &lines, report);
        panels.extend((throughput.bars.len() > lines.len()).then_some(throughput));
    }
    svg(&panels)
}

fn cpu(users: u64, lines: &[&Line]) -> Panel {
    let bars = lines.iter().map(|line| Bar {
        name: line.server.clone(),
        value: line.loaded.cpu_us,
        ours: line.server.starts_with("tuttu"),
    });
    let map = lines.iter().find(|line| line.server == "floor-map").map(|line| line.loaded.cpu_us);
    Panel {
        title: format!("CPU of a lookup of 1 000 handles, µs ({} users)", grouped(users as f64)),
        bars: bars.collect(),
        cut_at: map.map_or(f64::MAX, |map| map * LONGEST),
    }
}

fn handles(users: u64, lines: &[&Line], report: &Report) -> Panel {
    let services = lines.iter().filter(|line| line.alone.is_some()).map(|line| Bar {
        name: format!("{}, by HTTP", line.server),
        value: line.loaded.requests_per_second * 1e3,
        ours: line.server.starts_with("tuttu"),
    });
    let stores = report.stores.iter().filter(|store| store.users == users);
    let stores =
        stores.map(|store| Bar { name: store.store.clone(), value: store.handles_per_second, ours: false });
    let services: Vec<Bar> = services.filter(|bar| !bar.name.contains("log.level")).collect();
    let mut bars: Vec<Bar> = services.into_iter().chain(stores).collect();
    bars.sort_by(|a, b| b.value.total_cmp(&a.value));
    Panel {
        title: format!("Handles answered a second, one core ({} users)", grouped(users as f64)),
        bars,
        cut_at: f64::MAX,
    }
}

fn svg(panels: &[Panel]) -> String {
    let rows: usize = panels.iter().map(|panel| panel.bars.len() + 2).sum();
    let height = ROW * u32::try_from(rows).unwrap();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\" aria-label=\"What a lookup costs\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <style>text{{fill:#57606a}}.title{{font-weight:600}}.ours{{fill:#2f81f7}}.other{{fill:#8b949e}}\
         @media(prefers-color-scheme:dark){{text{{fill:#9da7b3}}}}</style>\n"
    );
    let mut top = 0;
    for panel in panels {
        let _ = writeln!(svg, "<text class=\"title\" x=\"8\" y=\"{}\">{}</text>", top + 18, panel.title);
        let longest = panel.bars.iter().map(|bar| bar.value).fold(0.0, f64::max).min(panel.cut_at);
        for bar in &panel.bars {
            top += ROW;
            let share = (bar.value / longest).min(1.0);
            row(&mut svg, bar, top, (share * f64::from(BAR), bar.value > panel.cut_at));
        }
        top += 2 * ROW;
    }
    svg.push_str("</svg>\n");
    svg
}

fn row(svg: &mut String, bar: &Bar, top: u32, (length, cut): (f64, bool)) {
    let class = if bar.ours { "ours" } else { "other" };
    let value = if bar.value < 1e3 { format!("{:.1}", bar.value) } else { grouped(bar.value) };
    let broken = if cut { " (cut)" } else { "" };
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
         <rect class=\"{class}\" x=\"{LABEL}\" y=\"{}\" width=\"{length:.1}\" height=\"{}\" rx=\"2\"/>\
         <text x=\"{:.1}\" y=\"{}\">{value}{broken}</text>",
        LABEL - 8,
        top + 17,
        bar.name,
        top + 4,
        ROW - 6,
        f64::from(LABEL) + length + 8.0,
        top + 17,
    );
}

/// Thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}
