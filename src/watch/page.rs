//! The page: one file with script and style in it, built into the program, and what a browser may do with
//! it: run this script and style by their hashes, ask this server, and nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The page.
pub const PAGE: &str = include_str!("page/index.html");

/// What a browser may do with what is no page.
pub const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// What a browser may do with the page.
pub fn policy() -> String {
    let sources = |element| match hashes(PAGE, element).as_slice() {
        [] => "'none'".to_owned(),
        hashes => hashes.join(" "),
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        sources("script"),
        sources("style")
    )
}

/// The hashes of the text in each element of this name, as a policy has them. Enough of HTML for a page of
/// our own: a tag ends at its first `>`, and the element at its closing tag.
fn hashes(page: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}"), format!("</{element}>"));
    let mut hashes = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once(&open) {
        let Some((_, content)) = after.split_once('>') else { break };
        let Some((text, after)) = content.split_once(&close) else { break };
        hashes.push(format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text))));
        rest = after;
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_elements_texts() {
        // The example of the Content Security Policy's own specification.
        let page = "<p>no</p><script>alert('Hello, world.');</script><style>a</style><script type=module>\n</script>";
        let script = hashes(page, "script");
        assert_eq!(script[0], "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
        assert_eq!((script.len(), hashes(page, "style").len()), (2, 1));
        assert!(hashes("<script>x", "script").is_empty());
    }

    #[test]
    fn the_page_needs_nothing_from_outside() {
        for outside in ["http://", "https://", "src=\"//", "@import", " style=\"", " onclick="] {
            // Names of XML's own are no addresses that are asked.
            let page = PAGE.replace("http://www.w3.org/", "");
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
