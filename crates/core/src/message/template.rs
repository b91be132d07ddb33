//! Templates: the message texts that a tenant writes itself.
//!
//! The server checks a template when it is saved, so a template cannot make a start fail. Values are inserted
//! unchanged, and placeholders inside values are not replaced: a company may be named `{payee}`.

pub mod set;
pub mod shipped;

use crate::{
    code::{Code, payment::Transaction},
    message::sms::transliteration::transliterate,
    printable::is_printable,
    tenant::TenantName,
};
use zeroize::Zeroizing;

/// The purpose of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateKind {
    /// A code without a payment.
    Plain,
    /// A code that confirms a payment; the text shows amount, currency and payee.
    Transaction,
}

/// A placeholder that a template may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    Code,
    Company,
    Minutes,
    Amount,
    Currency,
    Payee,
}

impl Placeholder {
    pub const ALL: [Self; 6] =
        [Self::Code, Self::Company, Self::Minutes, Self::Amount, Self::Currency, Self::Payee];
    /// The placeholders that a payer must see (PSD2 RTS, article 5(1)). An amount is meaningless without its
    /// currency.
    const OF_TRANSACTION: [Self; 3] = [Self::Amount, Self::Currency, Self::Payee];

    /// The name, without the braces.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Company => "company",
            Self::Minutes => "minutes",
            Self::Amount => "amount",
            Self::Currency => "currency",
            Self::Payee => "payee",
        }
    }
}

/// The reasons why a text is refused as a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The text is longer than [`Template::MAX`].
    #[error("must have at most {} characters", Template::MAX)]
    TooLong,
    /// The text contains a control character. A line may end only in `
    /// `.
    #[error("must not hold the control character {}", .0.escape_unicode())]
    Control(char),
    /// A brace without its partner. The number is its position in characters, counted from 1.
    #[error("has a {0} without its counterpart at character {1}")]
    Unbalanced(char, usize),
    /// No placeholder has this name.
    #[error("has the unknown placeholder {{{0}}}")]
    Unknown(String),
    /// This placeholder must occur exactly once.
    #[error("must hold {{{}}} exactly once", .0.as_str())]
    NotOnce(Placeholder),
    /// A text about a payment needs this placeholder.
    #[error("must hold {{{}}}, for it is about a transaction", .0.as_str())]
    Missing(Placeholder),
    /// Only a text about a payment may contain this placeholder.
    #[error("must not hold {{{}}}, for it is not about a transaction", .0.as_str())]
    OnlyTransaction(Placeholder),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Placeholder),
}

/// A checked template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
    pieces: Vec<Piece>,
}

impl Template {
    /// The maximum number of characters, with each placeholder counted as written.
    pub const MAX: usize = 500;

    /// Reads and checks a text. Returns the first error.
    pub fn parse(text: &str, kind: TemplateKind) -> Result<Self, TemplateError> {
        let source = text.trim();
        if source.chars().count() > Self::MAX {
            return Err(TemplateError::TooLong);
        }
        if let Some(control) = source.chars().find(|c| *c != '\n' && !is_printable(*c)) {
            return Err(TemplateError::Control(control));
        }
        let template = Self { pieces: pieces(source)?, source: source.to_owned() };
        template.check(kind)?;
        Ok(template)
    }

    /// A template that consists of `before`, the code and `after`. Braces in the two texts stay braces.
    pub(crate) fn around_code(before: &str, after: &str) -> Self {
        let text = |text: &str| (!text.is_empty()).then(|| Piece::Text(text.to_owned()));
        let code = Some(Piece::Value(Placeholder::Code));
        let pieces = [text(before), code, text(after)].into_iter().flatten().collect();
        Self { source: format!("{before}{{code}}{after}"), pieces }
    }

    fn check(&self, kind: TemplateKind) -> Result<(), TemplateError> {
        if self.count(Placeholder::Code) != 1 {
            return Err(TemplateError::NotOnce(Placeholder::Code));
        }
        for placeholder in Placeholder::OF_TRANSACTION {
            match (kind, self.count(placeholder)) {
                (TemplateKind::Plain, 0) => {}
                (TemplateKind::Plain, _) => return Err(TemplateError::OnlyTransaction(placeholder)),
                (TemplateKind::Transaction, 0) => return Err(TemplateError::Missing(placeholder)),
                (TemplateKind::Transaction, 1) => {}
                // The payee is the longest value: a text with many of them would have no bound.
                (TemplateKind::Transaction, _) => return Err(TemplateError::NotOnce(placeholder)),
            }
        }
        Ok(())
    }

    fn count(&self, placeholder: Placeholder) -> usize {
        self.pieces.iter().filter(|piece| **piece == Piece::Value(placeholder)).count()
    }

    /// The text as the tenant saved it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Fills in the values. With `gsm`, writes the text in the GSM alphabet if every character has a
    /// replacement.
    pub fn fill(&self, values: &Values, gsm: bool) -> Zeroizing<String> {
        // Reserve the full size: a text that grows leaves a copy of the code in memory.
        let room = self.source.len() + 4 * (Transaction::MAX_PAYEE + TenantName::MAX * self.pieces.len());
        let mut text = Zeroizing::new(String::with_capacity(room));
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Value(placeholder) => values.write(*placeholder, &mut text),
            }
        }
        if gsm { transliterate(&text) } else { text }
    }
}

/// Splits a text at its braces.
fn pieces(source: &str) -> Result<Vec<Piece>, TemplateError> {
    let (mut pieces, mut rest) = (Vec::new(), source);
    let place = |rest: &str| 1 + source[..source.len() - rest.len()].chars().count();
    while let Some(at) = rest.find(['{', '}']) {
        let (literal, brace) = rest.split_at(at);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal.to_owned()));
        }
        let inner = brace.strip_prefix('{').ok_or_else(|| TemplateError::Unbalanced('}', place(brace)))?;
        let close = inner.find(['{', '}']).filter(|at| inner[*at..].starts_with('}'));
        let close = close.ok_or_else(|| TemplateError::Unbalanced('{', place(brace)))?;
        let name = &inner[..close];
        let placeholder = Placeholder::ALL.into_iter().find(|known| known.as_str() == name);
        let unknown = || TemplateError::Unknown(name.chars().take(32).collect());
        pieces.push(Piece::Value(placeholder.ok_or_else(unknown)?));
        rest = &inner[close + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

/// The values for the placeholders.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    pub code: &'a Code,
    pub company: &'a TenantName,
    /// Minutes until the code expires.
    pub minutes: u64,
    /// The payment, for a template of the kind `Transaction`.
    pub transaction: Option<&'a Transaction>,
}

impl Values<'_> {
    fn write(&self, placeholder: Placeholder, text: &mut String) {
        let of_transaction = |read: fn(&Transaction) -> &str| self.transaction.map(read).unwrap_or_default();
        let value = match placeholder {
            Placeholder::Code => self.code.expose(),
            Placeholder::Company => self.company.as_str(),
            Placeholder::Minutes => return text.push_str(&self.minutes.to_string()),
            Placeholder::Amount => of_transaction(Transaction::amount),
            Placeholder::Currency => of_transaction(Transaction::currency),
            Placeholder::Payee => of_transaction(Transaction::payee),
        };
        // Unprintable characters are dropped, so no value starts a new line, even if its name was accepted
        // under older rules.
        text.extend(value.chars().filter(|character| is_printable(*character)));
    }
}

#[cfg(test)]
mod tests;
