//! The two texts that a scraper may ask for. They differ in what a description is of: OpenMetrics describes the counter `x`
//! and samples `x_total`, the older Prometheus text describes what it samples.

/// OpenMetrics, which Prometheus asks for by itself.
const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// What everything else that scrapes understands.
const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Makes of an OpenMetrics text what is asked for, and says what that is.
pub(super) fn negotiate(open: String, accepts: &str) -> (String, &'static str) {
    if accepts.contains("application/openmetrics-text") {
        (open, OPEN)
    } else {
        (classic(&open), CLASSIC)
    }
}

/// The same in the older text.
fn classic(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    // What describes a metric stands in front of its type, so it waits until that is known.
    let mut described: Option<(&str, &str)> = None;
    for line in open.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            described = help.split_once(' ');
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap_or((kind, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                other => ("", other),
            };
            if let Some((_, help)) = described.take() {
                text.push_str(&format!("# HELP {name}{suffix} {help}\n"));
            }
            text.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with("# ") {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP x_seconds Why.\n# TYPE x_seconds counter\n# UNIT x_seconds seconds\n\
                        x_seconds_total 1\n# HELP y What.\n# TYPE y gauge\ny{a=\"# b\"} 2\n\
                        # HELP z Which.\n# TYPE z info\nz_info{v=\"1\"} 1\n# EOF\n";

    #[test]
    fn prometheus_gets_what_it_asks_for() {
        let accepts = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2";
        assert_eq!(negotiate(TEXT.to_owned(), accepts), (TEXT.to_owned(), OPEN));
    }

    #[test]
    fn who_asks_for_nothing_gets_the_older_text_with_counters_described_as_they_are_sampled() {
        let (text, kind) = negotiate(TEXT.to_owned(), "*/*");
        assert_eq!(kind, CLASSIC);
        assert_eq!(
            text,
            "# HELP x_seconds_total Why.\n# TYPE x_seconds_total counter\nx_seconds_total 1\n\
             # HELP y What.\n# TYPE y gauge\ny{a=\"# b\"} 2\n\
             # HELP z_info Which.\n# TYPE z_info gauge\nz_info{v=\"1\"} 1\n"
        );
    }
}
