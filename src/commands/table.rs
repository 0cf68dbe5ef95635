//! Tables for people: columns as wide as what stands in them.

use std::fmt;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

const WIDEST_CELL: usize = 40;

/// A table with a line of headings.
pub(crate) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned)] }
    }

    pub(crate) fn add(&mut self, row: [String; N]) {
        self.rows.push(row.map(|cell| shown(&cell)));
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        widths
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A cell that cannot steer the terminal (names come from other people's cards) nor push columns away.
fn shown(cell: &str) -> String {
    let plain: String = cell.chars().filter(|c| !c.is_control() && !is_direction_mark(*c)).collect();
    if plain.width() <= WIDEST_CELL {
        return plain;
    }
    let mut width = 0;
    let fits = |c: &char| {
        width += c.width().unwrap_or_default();
        width < WIDEST_CELL
    };
    let mut cut: String = plain.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

const fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_stand_in_line_whatever_the_width_of_characters() {
        let mut table = Table::new(["NAME", "MATCH"]);
        table.add(["Elina 🌻".into(), "-".into()]);
        table.add(["李雷".into(), "1".into()]);
        assert_eq!(table.to_string(), "NAME      MATCH\nElina 🌻  -\n李雷      1\n");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        let mut table = Table::new(["NAME"]);
        table.add(["\u{1b}[2JEve\u{202E}\n".into()]);
        assert_eq!(table.to_string(), "NAME\n[2JEve\n");
    }

    #[test]
    fn a_long_cell_is_cut() {
        let mut table = Table::new(["N"]);
        table.add(["x".repeat(50)]);
        assert_eq!(table.to_string(), format!("N\n{}…\n", "x".repeat(39)));
    }
}
