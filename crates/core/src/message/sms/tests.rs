use super::{Encoding::*, *};
use crate::message::sms::transliteration::transliterate;
use proptest::prelude::*;

/// Pieces of a text with repeat counts: `&[(152, "a"), (1, "€")]` is 152 letters and a euro sign.
type Text = &'static [(usize, &'static str)];

fn text(pieces: Text) -> String {
    pieces.iter().map(|(times, piece)| piece.repeat(*times)).collect()
}

/// Pieces, encoding, units, and the units of each part.
const CASES: &[(Text, Encoding, usize, &[usize])] = &[
    // The empty text, and single characters.
    (&[], Gsm7, 0, &[0]),
    (&[(1, "a")], Gsm7, 1, &[1]),
    (&[(1, "@")], Gsm7, 1, &[1]),
    (&[(1, "\n")], Gsm7, 1, &[1]),
    (&[(1, "à")], Gsm7, 1, &[1]),
    (&[(1, "Ω")], Gsm7, 1, &[1]),
    (&[(1, "£$¥")], Gsm7, 3, &[3]),
    (&[(1, "€")], Gsm7, 2, &[2]),
    (&[(1, "^")], Gsm7, 2, &[2]),
    (&[(1, "{}")], Gsm7, 4, &[4]),
    (&[(1, "[]")], Gsm7, 4, &[4]),
    (&[(1, "\\|~")], Gsm7, 6, &[6]),
    (&[(1, "`")], Ucs2, 1, &[1]),
    (&[(1, "ç")], Ucs2, 1, &[1]),
    (&[(1, "ł")], Ucs2, 1, &[1]),
    (&[(1, "α")], Ucs2, 1, &[1]),
    (&[(1, "\t")], Ucs2, 1, &[1]),
    (&[(1, "ї")], Ucs2, 1, &[1]),
    (&[(1, "語")], Ucs2, 1, &[1]),
    (&[(1, "😀")], Ucs2, 2, &[2]),
    // One character outside the alphabet changes the encoding of the whole text.
    (&[(1, "123456 is your code")], Gsm7, 19, &[19]),
    (&[(1, "123456 to twój kod")], Ucs2, 18, &[18]),
    (&[(1, "€"), (1, "ł")], Ucs2, 2, &[2]),
    (&[(1, "[]"), (1, "ł")], Ucs2, 3, &[3]),
    // GSM: both sides of the boundary of one part, then of several.
    (&[(152, "a")], Gsm7, 152, &[152]),
    (&[(153, "a")], Gsm7, 153, &[153]),
    (&[(154, "a")], Gsm7, 154, &[154]),
    (&[(159, "a")], Gsm7, 159, &[159]),
    (&[(160, "a")], Gsm7, 160, &[160]),
    (&[(161, "a")], Gsm7, 161, &[153, 8]),
    (&[(305, "a")], Gsm7, 305, &[153, 152]),
    (&[(306, "a")], Gsm7, 306, &[153, 153]),
    (&[(307, "a")], Gsm7, 307, &[153, 153, 1]),
    (&[(458, "a")], Gsm7, 458, &[153, 153, 152]),
    (&[(459, "a")], Gsm7, 459, &[153, 153, 153]),
    (&[(460, "a")], Gsm7, 460, &[153, 153, 153, 1]),
    (&[(1530, "a")], Gsm7, 1530, &[153; 10]),
    // Extension characters at the boundary of a single part.
    (&[(158, "a"), (1, "€")], Gsm7, 160, &[160]),
    (&[(159, "a"), (1, "€")], Gsm7, 161, &[153, 8]),
    (&[(80, "€")], Gsm7, 160, &[160]),
    (&[(80, "€"), (1, "a")], Gsm7, 161, &[152, 9]),
    (&[(79, "€"), (2, "a")], Gsm7, 160, &[160]),
    // Extension characters at the boundary of several parts: a part may hold only 152 septets.
    (&[(151, "a"), (1, "€"), (8, "a")], Gsm7, 161, &[153, 8]),
    (&[(152, "a"), (1, "€"), (7, "a")], Gsm7, 161, &[152, 9]),
    (&[(153, "a"), (1, "€"), (6, "a")], Gsm7, 161, &[153, 8]),
    (&[(152, "a"), (1, "€"), (151, "a")], Gsm7, 305, &[152, 153]),
    (&[(152, "a"), (1, "€"), (152, "a")], Gsm7, 306, &[152, 153, 1]),
    (&[(152, "a"), (1, "{"), (150, "a"), (1, "}")], Gsm7, 306, &[152, 152, 2]),
    (&[(153, "€")], Gsm7, 306, &[152, 152, 2]),
    (&[(152, "€")], Gsm7, 304, &[152, 152]),
    (&[(228, "^")], Gsm7, 456, &[152, 152, 152]),
    (&[(229, "^")], Gsm7, 458, &[152, 152, 152, 2]),
    // UCS-2: both sides of each boundary.
    (&[(66, "ж")], Ucs2, 66, &[66]),
    (&[(67, "ж")], Ucs2, 67, &[67]),
    (&[(68, "ж")], Ucs2, 68, &[68]),
    (&[(69, "ж")], Ucs2, 69, &[69]),
    (&[(70, "ж")], Ucs2, 70, &[70]),
    (&[(71, "ж")], Ucs2, 71, &[67, 4]),
    (&[(133, "ж")], Ucs2, 133, &[67, 66]),
    (&[(134, "ж")], Ucs2, 134, &[67, 67]),
    (&[(135, "ж")], Ucs2, 135, &[67, 67, 1]),
    (&[(201, "ж")], Ucs2, 201, &[67, 67, 67]),
    (&[(202, "ж")], Ucs2, 202, &[67, 67, 67, 1]),
    (&[(69, "a"), (1, "ł")], Ucs2, 70, &[70]),
    (&[(70, "a"), (1, "ł")], Ucs2, 71, &[67, 4]),
    (&[(69, "ж"), (1, "€")], Ucs2, 70, &[70]),
    // Surrogate pairs at the boundary.
    (&[(35, "😀")], Ucs2, 70, &[70]),
    (&[(34, "😀"), (1, "ж")], Ucs2, 69, &[69]),
    (&[(69, "ж"), (1, "😀")], Ucs2, 71, &[67, 4]),
    (&[(65, "ж"), (1, "😀"), (4, "ж")], Ucs2, 71, &[67, 4]),
    (&[(66, "ж"), (1, "😀"), (3, "ж")], Ucs2, 71, &[66, 5]),
    (&[(67, "ж"), (1, "😀"), (2, "ж")], Ucs2, 71, &[67, 4]),
    (&[(66, "ж"), (1, "😀"), (66, "ж")], Ucs2, 134, &[66, 67, 1]),
    (&[(36, "😀")], Ucs2, 72, &[66, 6]),
    (&[(66, "😀")], Ucs2, 132, &[66, 66]),
    (&[(67, "😀")], Ucs2, 134, &[66, 66, 2]),
];

#[test]
fn texts_are_cut_where_the_table_says() {
    assert!(CASES.len() >= 60);
    for (pieces, encoding, units, parts) in CASES {
        let text = text(pieces);
        let expected = Segments { encoding: *encoding, units: *units, parts: parts.len() };
        assert_eq!(segments(&text), expected, "{pieces:?}");
        let split = split(&text);
        let octets = if *encoding == Gsm7 { 1 } else { 2 };
        let lengths: Vec<_> = split.parts.iter().map(|part| part.len() / octets).collect();
        assert_eq!((split.encoding, lengths.as_slice()), (*encoding, *parts), "{pieces:?}");
    }
}

#[test]
fn characters_become_octets() {
    let octets = |text: &str| split(text).parts.iter().flat_map(|part| part.to_vec()).collect::<Vec<_>>();
    assert_eq!(octets("@£ a€\n"), [0x00, 0x01, 0x20, 0x61, 0x1b, 0x65, 0x0a]);
    assert_eq!(octets("ñüà§¿"), [0x7d, 0x7e, 0x7f, 0x5f, 0x60]);
    assert_eq!(octets("aż"), [0x00, 0x61, 0x01, 0x7c]);
    assert_eq!(octets("😀"), [0xd8, 0x3d, 0xde, 0x00]);
    let shown = format!("{:?}", split("123456"));
    assert!(shown.contains("[6]") && !shown.contains("49"), "{shown}");
}

#[test]
fn letters_lose_their_marks_when_that_is_enough() {
    for (text, written) in [
        ("", ""),
        ("123456 to twój kod Łódź", "123456 to twoj kod Lodz"),
        ("zażółć gęślą jaźń", "zazolc gesla jazn"),
        ("Größe, señor, è àé", "Größe, señor, è àé"),
        ("façon, œuvre, São", "facon, oeuvre, Sao"),
        ("“Don’t” – share…", "\"Don't\" - share..."),
        ("„Nie” «podawaj»", "\"Nie\" \"podawaj\""),
        ("1\u{a0}000\u{202f}zł", "1 000 zl"),
        ("e\u{301}te\u{301} z\u{307}", "ete z"),
        ("soft\u{ad}hyphen", "softhyphen"),
        ("Köln Çeşme İstanbul ığdır", "Köln Çesme Istanbul igdir"),
        ("Nguyễn Đức", "Nguyen Duc"),
        // These examples are from the decree itself.
        ("Алушта Борщагівка Вишгород", "Alushta Borshchahivka Vyshhorod"),
        ("Гадяч Ґалаґан Згорани Розгон", "Hadiach Galagan Zghorany Rozghon"),
        ("Єнакієве Гаєвич Короп’є", "Yenakiieve Haievych Koropie"),
        ("Їжакевич Кадиївка Мар'їне", "Yizhakevych Kadyivka Marine"),
        ("Йосипівка Стрий Олексій", "Yosypivka Stryi Oleksii"),
        ("Юрій Корюківка Яготин Ярошенко", "Yurii Koriukivka Yahotyn Yaroshenko"),
        ("Знам’янка Феодосія Щербухи", "Znamianka Feodosiia Shcherbukhy"),
        ("КИЇВ ЩИТ Щ щ", "KYIV SHCHYT Shch shch"),
        // One character without a replacement keeps the whole text as it is.
        ("twój kod 😀", "twój kod 😀"),
        ("ł 語", "ł 語"),
    ] {
        assert_eq!(*transliterate(text), written, "{text}");
    }
}

/// Characters around the two alphabets, so that texts reach the boundaries.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9 €\\^{}\\[\\]~|@]{0,500}",
        "[a-zжł€😀𐍈]{0,300}",
        proptest::collection::vec(any::<char>(), 0..300).prop_map(|all| all.into_iter().collect()),
    ]
}

proptest! {
    #[test]
    fn parts_hold_all_and_never_too_much(text in any_text()) {
        let (counted, split) = (segments(&text), split(&text));
        prop_assert_eq!((counted.encoding, counted.parts), (split.encoding, split.parts.len()));
        let width = if split.encoding == Gsm7 { 1 } else { 2 };
        let bound = if split.parts.len() == 1 { split.encoding.single() } else { split.encoding.part() };
        let lengths: Vec<_> = split.parts.iter().map(|part| part.len() / width).collect();
        prop_assert!(lengths.iter().all(|length| *length <= bound));
        // Every part but the last is full, or one unit short, so no message costs more than necessary.
        prop_assert!(lengths.iter().rev().skip(1).all(|length| *length >= bound - 1));
        prop_assert_eq!(lengths.iter().sum::<usize>(), counted.units);
        for part in &split.parts {
            match split.encoding {
                Gsm7 => prop_assert!(part.last() != Some(&0x1b) && part.iter().all(|septet| *septet < 128)),
                Ucs2 => {
                    let units: Vec<_> = part.chunks(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect();
                    prop_assert!(String::from_utf16(&units).is_ok(), "a pair was cut");
                }
            }
        }
        if split.encoding == Ucs2 {
            let units: Vec<_> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            let joined: Vec<_> = split.parts.iter().flat_map(|part| part.to_vec()).collect();
            prop_assert_eq!(joined, units);
        }
    }

    #[test]
    fn transliteration_never_makes_a_message_dearer_to_encode(text in any_text()) {
        let written = transliterate(&text);
        prop_assert!(*written == text || Encoding::of(&written) == Gsm7);
        prop_assert_eq!(transliterate(&written), written.clone(), "it is done once");
        let plain = text.chars().all(|c| c.is_ascii() && alphabet::contains(c));
        prop_assert!(!plain || *written == text);
    }
}
