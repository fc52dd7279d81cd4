//! A token as people paste it: with the header line, the scheme, the quotes or the JSON that stood around it.

use serde_json::Value;

/// The schemes that stand before a token (RFC 6750, section 2.1; RFC 9449, section 7.1).
const SCHEMES: [&str; 2] = ["bearer", "dpop"];

/// The members of a JSON answer that are a token (RFC 6749, section 5.1; the command line's own).
const MEMBERS: [&str; 2] = ["access_token", "token"];

/// The token alone; else what to remove.
pub(super) fn token(pasted: &str) -> Result<String, &'static str> {
    let pasted = pasted.trim_start_matches('\u{feff}').trim();
    if pasted.starts_with('{') {
        return of_json(pasted);
    }
    let token = bare(pasted);
    if token.is_empty() || is_scheme(token) {
        return Err("nothing but a scheme or quotes: give the token itself");
    }
    if token.contains(char::is_whitespace) {
        return Err(
            "a space or a line break in it: remove it, so that it is one line of three parts with dots between",
        );
    }
    Ok(token.to_owned())
}

/// Takes off what stands around it, layer by layer: `-H "Authorization: Bearer …"` has three.
fn bare(mut text: &str) -> &str {
    loop {
        let shorter = without_quotes(without_scheme(without_header(text))).trim();
        if shorter.len() == text.len() {
            return text;
        }
        text = shorter;
    }
}

fn without_quotes(text: &str) -> &str {
    text.trim_matches(['"', '\'', '`', ',', ';'])
}

fn is_scheme(word: &str) -> bool {
    SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(word))
}

fn without_scheme(text: &str) -> &str {
    let scheme = |(first, rest)| is_scheme(first).then_some(rest);
    text.split_once(char::is_whitespace).and_then(scheme).unwrap_or(text)
}

/// `Authorization: …`, `"access_token": …`, `HALLPASS_TOKEN=…`, and what stands before them. No token has any of `:`, `=` and a space.
fn without_header(text: &str) -> &str {
    let text = text.strip_prefix("-H").map_or(text, str::trim_start);
    let text = text.strip_prefix("export ").unwrap_or(text);
    let name = |name: &str| {
        let name = name.trim().trim_matches(['"', '\'']);
        let letters = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
        !name.is_empty() && name.chars().all(letters)
    };
    let split = text.split_once([':', '=']);
    let split = split.filter(|(before, after)| name(before) && !after.starts_with("//"));
    split.map_or(text, |(_, after)| after)
}

fn of_json(text: &str) -> Result<String, &'static str> {
    let object: Option<Value> = serde_json::from_str(text).ok();
    let members = MEMBERS.iter().filter_map(|name| object.as_ref()?.get(name)?.as_str());
    members
        .map(str::to_owned)
        .next()
        .ok_or("JSON without access_token or token: give the token itself")
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn what_stands_around_a_token_is_taken_off() {
        for pasted in [
            "a.b.c",
            " a.b.c\r\n",
            "\u{feff}a.b.c",
            "Bearer a.b.c",
            "bearer   a.b.c",
            "DPoP a.b.c",
            "\"a.b.c\"",
            "'a.b.c'",
            "`a.b.c`",
            "\"a.b.c\",",
            "\"Bearer a.b.c\"",
            "authorization: Bearer a.b.c",
            "Authorization:Bearer a.b.c",
            "'Authorization: Bearer a.b.c'",
            "-H \"Authorization: Bearer a.b.c\"",
            "Authorization: \"Bearer a.b.c\"",
            "x-access-token: a.b.c",
            "\"access_token\": \"a.b.c\",",
            "HALLPASS_TOKEN=a.b.c",
            "export HALLPASS_TOKEN='a.b.c'",
            "{\"access_token\":\"a.b.c\",\"token_type\":\"Bearer\"}",
            "{\n \"token\": \"a.b.c\",\n \"expires_at\": 1\n}",
        ] {
            assert_eq!(token(pasted).as_deref(), Ok("a.b.c"), "{pasted}");
        }
    }

    #[test]
    fn what_is_not_clear_is_told() {
        for (pasted, right) in [
            ("a.b\n.c", "line break"),
            ("a.b.c d.e.f", "space"),
            ("Basic a.b.c", "space"),
            ("Bearer ", "nothing but"),
            ("\"\"", "nothing but"),
            ("{\"id_token\":\"a.b.c\"}", "without access_token"),
            ("{", "without access_token"),
        ] {
            let told = token(pasted).err().unwrap_or_default();
            assert!(told.contains(right), "{pasted}: {told}");
        }
        for whole in ["a", "hps_abc", "a.b", "a.b.c.d.e", "https://a.b/c"] {
            assert_eq!(token(whole).as_deref(), Ok(whole));
        }
    }
}
