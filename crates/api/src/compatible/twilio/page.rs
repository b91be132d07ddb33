//! Twilio's lists: each page links to the others by whole URLs.

use super::{
    error::Refusal,
    form::Query,
    sid::{Kind, Sid},
};
use serde::Serialize;
use std::ops::RangeInclusive;
use utoipa::ToSchema;

/// The default size of a page, and the sizes that a client may request.
const SIZE: u32 = 50;
const SIZES: RangeInclusive<u32> = 1..=1_000;
/// No list here is longer.
const LAST_PAGE: u32 = 10_000;

/// The page that a client requests.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    size: usize,
    page: u32,
    place: Place,
}

/// The beginning of a page: a page number, or the position beside an entry. With the latter, no entry is
/// missed or repeated while others are added and removed.
#[derive(Clone, Copy, Debug)]
enum Place {
    Number,
    After([u8; 16]),
    Before([u8; 16]),
}

impl Asked {
    /// Reads the parameters `PageSize`, `Page` and `PageToken`.
    pub fn read(query: &Query) -> Result<Self, Refusal> {
        let size = query.number("PageSize")?.unwrap_or(SIZE);
        if !SIZES.contains(&size) {
            return Err(Refusal::invalid_because("PageSize", "must be 1 to 1000"));
        }
        let page = query.number("Page")?.unwrap_or(0);
        if page > LAST_PAGE {
            return Err(Refusal::invalid("Page"));
        }
        let place = query.parsed("PageToken", |token| {
            let entry = |text: &str| u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes);
            let digits = token.get(2..).filter(|digits| digits.len() == 32 && !digits.starts_with('+'))?;
            match token.get(..2)? {
                "PA" => entry(digits).map(Place::After),
                "PB" => entry(digits).map(Place::Before),
                _ => None,
            }
        })?;
        Ok(Self { size: size as usize, page, place: place.unwrap_or(Place::Number) })
    }
}

/// The position of a page among the others.
#[derive(Serialize, ToSchema)]
#[schema(as = TwilioMeta)]
pub struct Meta {
    /// The number of the page, from 0.
    page: u32,
    /// The number of entries on a page.
    page_size: usize,
    first_page_url: String,
    /// The URL of the previous page; null on the first page.
    #[schema(required = true)]
    previous_page_url: Option<String>,
    url: String,
    /// The URL of the next page; null on the last page.
    #[schema(required = true)]
    next_page_url: Option<String>,
    /// The name of the field with the entries.
    #[schema(value_type = String)]
    key: &'static str,
}

/// The entries of a page, from a list sorted by `id`, and the links to the other pages.
pub fn page<T>(
    asked: Asked,
    all: Vec<T>,
    id: impl Fn(&T) -> [u8; 16],
    (url, key): (&str, &'static str),
) -> (Vec<T>, Meta) {
    let Asked { size, page, place } = asked;
    let (begin, end) = match place {
        Place::Number => {
            let begin = (page as usize).saturating_mul(size).min(all.len());
            (begin, begin.saturating_add(size))
        }
        Place::After(entry) => {
            let begin = all.partition_point(|one| id(one) <= entry);
            (begin, begin.saturating_add(size))
        }
        Place::Before(entry) => {
            let end = all.partition_point(|one| id(one) < entry);
            (end.saturating_sub(size), end)
        }
    };
    let end = end.min(all.len());
    let token = |sign: &str, at: usize| {
        // The digits of a SID are the same for every kind.
        format!("&PageToken={sign}{}", &Sid::new(Kind::Service, &id(&all[at])).to_string()[2..])
    };
    let of = |page: u32, token: &str| format!("{url}?PageSize={size}&Page={page}{token}");
    let here = match place {
        Place::Number => String::new(),
        Place::After(entry) => format!("&PageToken=PA{:032x}", u128::from_be_bytes(entry)),
        Place::Before(entry) => format!("&PageToken=PB{:032x}", u128::from_be_bytes(entry)),
    };
    let meta = Meta {
        page,
        page_size: size,
        first_page_url: of(0, ""),
        previous_page_url: (begin > 0 && begin < end)
            .then(|| of(page.saturating_sub(1), &token("PB", begin))),
        url: of(page, &here),
        next_page_url: (end < all.len() && begin < end).then(|| of(page + 1, &token("PA", end - 1))),
        key,
    };
    (all.into_iter().skip(begin).take(end.saturating_sub(begin)).collect(), meta)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compatible::twilio::form::Parameters;

    fn asked(text: &str) -> Result<Asked, Refusal> {
        Asked::read(&Query::of(Parameters::parse(text).unwrap()))
    }

    fn entries(numbers: impl IntoIterator<Item = u8>) -> Vec<[u8; 16]> {
        numbers.into_iter().map(|n| [n; 16]).collect()
    }

    fn turn(text: &str, all: Vec<[u8; 16]>) -> (Vec<u8>, Meta) {
        let (page, meta) = page(asked(text).unwrap(), all, |one| *one, ("https://x/v2/S", "s"));
        (page.iter().map(|one| one[0]).collect(), meta)
    }

    fn follow(url: &Option<String>) -> &str {
        url.as_ref().unwrap().strip_prefix("https://x/v2/S?").unwrap()
    }

    #[test]
    fn pages_follow_each_other_both_ways() {
        let all = || entries(1..=5);
        let (first, meta) = turn("PageSize=2", all());
        assert_eq!((first, &meta.previous_page_url, meta.page), (vec![1, 2], &None, 0));
        let (second, meta) = turn(follow(&meta.next_page_url), all());
        assert_eq!((second, meta.page), (vec![3, 4], 1));
        let (third, last) = turn(follow(&meta.next_page_url), all());
        assert_eq!((third, &last.next_page_url), (vec![5], &None));
        let (again, _) = turn(follow(&meta.previous_page_url), all());
        assert_eq!(again, [1, 2]);
        assert_eq!(turn(last.url.split_once('?').unwrap().1, all()).0, [5]);
        assert_eq!(turn("Page=1&PageSize=2", all()).0, [3, 4]);
        assert_eq!(turn("", all()).0.len(), 5);
        let (none, meta) = turn("Page=9", all());
        assert!(none.is_empty() && meta.next_page_url.is_none() && meta.previous_page_url.is_none());
    }

    #[test]
    fn what_comes_and_goes_moves_no_other_entry() {
        let (_, meta) = turn("PageSize=2", entries(1..=5));
        assert_eq!(turn(follow(&meta.next_page_url), entries([3, 4, 5, 6])).0, [3, 4]);
        assert_eq!(turn(follow(&meta.next_page_url), entries([1, 5])).0, [5]);
    }

    #[test]
    fn other_pages_are_refused() {
        for bad in [
            "PageSize=0",
            "PageSize=1001",
            "PageSize=-1",
            "PageSize=1.0",
            "PageSize=x",
            "Page=-1",
            "Page=4294967296",
            "Page=10001",
            "PageToken=x",
            "PageToken=PA",
            "PageToken=PAż",
            "PageToken=PC00000000000000000000000000000000",
            "PageToken=PA%2B0000000000000000000000000000000",
            "PageSize=1&PageSize=2",
        ] {
            assert_eq!(asked(bad).unwrap_err().code(), 60200, "{bad}");
        }
        assert!(asked("PageSize=1000&Page=10000&Whatever=1").is_ok());
        let (none, _) = turn("PageSize=1000&Page=10000", entries(1..=5));
        assert!(none.is_empty());
    }
}
