//! The checksums of other tools, over a script's text whose line ends may have been others.

use sha2::{Digest, Sha384};

use crate::sha::hex;

/// Whether `recorded` (the text form in which an engine gives bytes) is the SHA-384 of the text, with either line ends, with or
/// without a byte order mark: what does not count for us shall not count here.
pub(super) fn is_sha384(text: &str, recorded: &str) -> bool {
    let wanted = bytes_of(recorded);
    let lf = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let forms = [lf.clone(), lf.replace('\n', "\r\n")];
    let with_mark = forms.iter().map(|form| format!("\u{feff}{form}"));
    forms.iter().cloned().chain(with_mark).chain([text.to_owned()]).any(|form| hex(&Sha384::digest(form)) == wanted)
}

/// Hex digits of bytes as PostgreSQL (`\x…`, or with its older setting as escapes), SQLite (`X'…'`) and MySQL (`0x…`) tell them.
fn bytes_of(recorded: &str) -> String {
    let digits = ["\\x", "0x", "X'"].iter().find_map(|start| recorded.strip_prefix(start));
    match digits {
        Some(digits) => digits.trim_end_matches('\'').to_ascii_lowercase(),
        None => hex(&unescaped(recorded.as_bytes())),
    }
}

/// Bytes that are written as themselves, a backslash as two, and others as a backslash with three octal digits.
fn unescaped(mut rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let [first, tail @ ..] = rest {
        let (byte, left) = match (first, tail) {
            (b'\\', [b'\\', left @ ..]) => (b'\\', left),
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', left @ ..]) => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), left)
            }
            _ => (*first, tail),
        };
        bytes.push(byte);
        rest = left;
    }
    bytes
}

/// CRC-32 over the lines of a text without their ends, as a signed number, as Flyway has it.
pub(super) fn crc32_of_lines(text: &str) -> i32 {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut crc = u32::MAX;
    for byte in text.bytes().filter(|byte| *byte != b'\n') {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    (!crc).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32_is_the_one_everybody_has() {
        assert_eq!(crc32_of_lines("123456789").cast_unsigned(), 0xCBF4_3926);
        assert_eq!(crc32_of_lines("\u{feff}1234\r\n567\r89\n").cast_unsigned(), 0xCBF4_3926);
        assert_eq!(crc32_of_lines(""), 0);
    }

    #[test]
    fn sha384_is_read_from_every_engines_text() {
        let abc = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
        for recorded in [format!("\\x{abc}"), format!("X'{}'", abc.to_uppercase()), format!("0x{abc}")] {
            assert!(is_sha384("abc", &recorded), "{recorded}");
            assert!(!is_sha384("abd", &recorded));
        }
        let escaped: String =
            (0..48).map(|at| format!("\\{:03o}", u8::from_str_radix(&abc[2 * at..2 * at + 2], 16).unwrap())).collect();
        assert!(is_sha384("abc", &escaped));
        assert_eq!(unescaped(b"a\\\\b\\101"), b"a\\bA");
        let crlf = format!("0x{}", hex(&Sha384::digest("a\r\nb\r\n")));
        assert!(is_sha384("a\nb\n", &crlf));
    }
}
