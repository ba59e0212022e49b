//! Draws how the newest ten grow with the memories: both axes logarithmic, one panel a dialect.

use std::fmt::Write as _;

use crate::report::Growth;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 40.0;
const COLOURS: [&str; 7] = ["#1b9e77", "#d95f02", "#7570b3", "#e7298a", "#66a61e", "#e6ab02", "#666666"];

/// Returns the drawing as SVG.
pub(crate) fn draw(growth: &[Growth]) -> String {
    let mut dialects: Vec<&str> = growth.iter().map(|point| point.dialect).collect();
    dialects.dedup();
    let mut needles: Vec<&str> = Vec::new();
    for point in growth {
        if !needles.contains(&point.needle) {
            needles.push(point.needle);
        }
    }
    let (width, height) = ((WIDTH + LEFT) * dialects.len().max(1) as f64 + 130.0, HEIGHT + TOP + 60.0);
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#ffffff"/>
"##
    );
    for (number, dialect) in dialects.iter().enumerate() {
        let x0 = LEFT + number as f64 * (WIDTH + LEFT);
        let points: Vec<&Growth> = growth.iter().filter(|point| point.dialect == *dialect).collect();
        panel(&mut svg, x0, dialect, &points, &needles);
    }
    for (number, needle) in needles.iter().enumerate() {
        let (x, y) = (width - 115.0, TOP + 20.0 * number as f64);
        let colour = COLOURS[number % COLOURS.len()];
        let _ = writeln!(svg, r#"<rect x="{x:.0}" y="{:.0}" width="12" height="4" fill="{colour}"/>"#, y - 6.0);
        let _ = writeln!(svg, r#"<text x="{:.0}" y="{y:.0}">{needle}</text>"#, x + 18.0);
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, x0: f64, dialect: &str, points: &[&Growth], needles: &[&str]) {
    let log = |value: f64| value.log10();
    let micros = |point: &Growth| point.time.as_secs_f64() * 1e6;
    let (low, high) = (1.0_f64, points.iter().map(|point| micros(point)).fold(100.0, f64::max));
    let least = points.iter().map(|point| point.memories).min().unwrap_or(1) as f64;
    let most = points.iter().map(|point| point.memories).max().unwrap_or(10) as f64;
    let x = |memories: f64| x0 + WIDTH * (log(memories) - log(least)) / (log(most) - log(least)).max(0.1);
    let y = |micros: f64| TOP + HEIGHT - HEIGHT * (log(micros) - log(low)) / (log(high).ceil() - log(low));
    let _ = writeln!(svg, r#"<text x="{x0:.0}" y="20" font-weight="bold">{dialect}: newest 10, by needle</text>"#);
    let mut decade = low;
    while log(decade) <= log(high).ceil() + 1e-9 {
        let at = y(decade);
        let _ = writeln!(
            svg,
            r##"<line x1="{x0:.0}" y1="{at:.1}" x2="{:.0}" y2="{at:.1}" stroke="#dddddd"/><text x="{:.0}" y="{:.1}" text-anchor="end">{} µs</text>"##,
            x0 + WIDTH,
            x0 - 6.0,
            at + 4.0,
            decade
        );
        decade *= 10.0;
    }
    let mut sizes: Vec<usize> = points.iter().map(|point| point.memories).collect();
    sizes.sort_unstable();
    sizes.dedup();
    for size in sizes {
        let at = x(size as f64);
        let _ = writeln!(svg, r#"<text x="{at:.1}" y="{:.0}" text-anchor="middle">{size}</text>"#, TOP + HEIGHT + 20.0);
    }
    let _ = writeln!(
        svg,
        r#"<text x="{:.0}" y="{:.0}" text-anchor="middle">memories</text>"#,
        x0 + WIDTH / 2.0,
        TOP + HEIGHT + 40.0
    );
    for (number, needle) in needles.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let line: Vec<String> = points
            .iter()
            .filter(|point| point.needle == *needle)
            .map(|point| format!("{:.1},{:.1}", x(point.memories as f64), y(micros(point).max(low))))
            .collect();
        let _ =
            writeln!(svg, r#"<polyline fill="none" stroke="{colour}" stroke-width="2" points="{}"/>"#, line.join(" "));
        for place in line {
            let (cx, cy) = place.split_once(',').expect("made above");
            let _ = writeln!(svg, r#"<circle cx="{cx}" cy="{cy}" r="3" fill="{colour}"/>"#);
        }
    }
}
