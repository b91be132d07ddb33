//! The browser and the system that a user agent names.
//!
//! Browsers imitate each other's texts, so the first name of the lists that occurs wins. The raw text is stored: the
//! lists grow.

/// Names in a text, in the order in which they are looked for, and the browsers that write them.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// What a user agent says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// Such as `Firefox 131`; empty if the text names no known browser.
    pub browser: String,
    /// Such as `Windows`; empty if the text names no known system.
    pub system: &'static str,
}

impl Agent {
    pub fn of(text: &str) -> Self {
        let browser = BROWSERS.into_iter().find_map(|(mark, name)| {
            let (_, rest) = text.split_once(mark)?;
            let version: String = rest.chars().take_while(char::is_ascii_digit).take(4).collect();
            Some(if version.is_empty() { name.to_owned() } else { format!("{name} {version}") })
        });
        // Only Safari writes its own version behind this word.
        let browser = browser.filter(|name| !name.starts_with("Safari") || text.contains("Safari/"));
        let system = SYSTEMS.into_iter().find(|(mark, _)| text.contains(mark));
        Self { browser: browser.unwrap_or_default(), system: system.map_or("", |(_, name)| name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart() {
        const KIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (text, browser, system) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
                "Firefox 131",
                "Linux",
            ),
            (
                &format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/130.0.0.0 Safari/537.36"),
                "Chrome 130",
                "Windows",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Windows NT 10.0) {KIT} Chrome/130.0.0.0 Safari/537.36 Edg/130.0.2849.68"
                ),
                "Edge 130",
                "Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.0 Safari/605.1.15",
                "Safari 18",
                "macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 CriOS/130.0.6723.90 Mobile/15E148 Safari/604.1",
                "Chrome 130",
                "iOS",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Linux; Android 10; K) {KIT} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile"
                ),
                "Samsung Internet 27",
                "Android",
            ),
            ("curl/8.5.0", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(Agent::of(text), Agent { browser: browser.to_owned(), system }, "{text}");
        }
    }
}
