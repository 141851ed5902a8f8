//! Texts inside HTML.

/// The text with everything that means something in HTML escaped, quotes included.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#039;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn everything_special_is_escaped() {
        assert_eq!(super::escape("l'Église & <\"Fils\">"), "l&#039;Église &amp; &lt;&quot;Fils&quot;&gt;");
    }
}
