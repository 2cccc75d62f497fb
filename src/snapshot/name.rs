//! The parts of an object's name, as they are behind the quotes that a schema's text puts around some.

/// `public."User"."e.mail"` → `public`, `User`, `e.mail`.
pub fn parts(object: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    let mut chars = object.chars().peekable();
    while let Some(ch) = chars.next() {
        let part = parts.last_mut().expect("never empty");
        match ch {
            '"' if is_quoted && chars.peek() == Some(&'"') => part.extend(chars.next()),
            '"' if is_quoted || part.is_empty() => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(String::new()),
            _ => part.push(ch),
        }
    }
    parts
}

/// The name of what an object belongs to, without quotes; `None` for one of a single part.
pub fn owner(object: &str) -> Option<String> {
    let mut parts = parts(object);
    parts.pop();
    (!parts.is_empty()).then(|| parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_taken_off_and_dots_inside_of_them_part_nothing() {
        assert_eq!(parts("public.\"User\".\"e.mail\""), ["public", "User", "e.mail"]);
        assert_eq!(parts("\"it\"\"s\".a \"b"), ["it\"s", "a \"b"]);
        assert_eq!(owner("t.\"B.c\"").as_deref(), Some("t"));
        assert_eq!(owner("\"t.x\""), None);
    }
}
