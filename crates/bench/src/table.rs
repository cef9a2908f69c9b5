//! Figures over rounds, and their table.

/// The values of one figure, one for each round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    fn sorted(&self) -> Vec<f64> {
        let mut values = self.0.clone();
        values.sort_by(f64::total_cmp);
        values
    }

    /// The median, with the least and the greatest value.
    fn describe(&self, digits: usize) -> String {
        let values = self.sorted();
        match (values.get(values.len() / 2), values.first(), values.last()) {
            (Some(median), Some(least), Some(greatest)) if values.len() > 1 => {
                format!("{median:.digits$} ({least:.digits$} to {greatest:.digits$})")
            }
            (Some(only), _, _) => format!("{only:.digits$}"),
            _ => "-".to_owned(),
        }
    }
}

/// Prints the head of the table.
pub(crate) fn print_head() {
    println!("| figure | unit | measured: median (range of the rounds) | goal |");
    println!("| --- | --- | --- | --- |");
}

/// Prints a ratio of two speeds: above 1 the workload is faster.
pub(crate) fn print_ratio(figure: &str, ratios: &Series, goal: &str) {
    println!("| {figure} | ratio | {} | {goal} |", ratios.describe(2));
}

/// Prints CPU time for each request.
pub(crate) fn print_cpu(figure: &str, micros: &Series, goal: &str) {
    println!("| {figure} | us CPU | {} | {goal} |", micros.describe(0));
}

/// Prints requests per second.
pub(crate) fn print_rate(figure: &str, rates: &Series) {
    println!("| {figure} | 1/s | {} |  |", rates.describe(0));
}

/// Prints resident memory.
pub(crate) fn print_memory(figure: &str, mebibytes: &Series, goal: &str) {
    println!("| {figure} | MiB | {} | {goal} |", mebibytes.describe(1));
}
