//! Templates: what a tenant lets its messages say.
//!
//! A template is checked when it is saved, so that a start cannot fail by it.
//! Values are put in as they are and never read again: a company named
//! `{payee}` is just that.

pub mod set;
pub mod shipped;

use crate::{
    code::{Code, payment::Transaction},
    message::sms::transliteration::transliterate,
    printable::is_printable,
    tenant::TenantName,
};
use zeroize::Zeroizing;

/// What a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateKind {
    /// A code and nothing else.
    Plain,
    /// A code that confirms a payment, with amount, currency and payee.
    Transaction,
}

/// What is put into a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The code.
    Code,
    /// The tenant's name.
    Company,
    /// Minutes until the code expires.
    Minutes,
    /// The amount of the payment.
    Amount,
    /// Its currency.
    Currency,
    /// Who is paid.
    Payee,
}

impl Placeholder {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Code, Self::Company, Self::Minutes, Self::Amount, Self::Currency, Self::Payee];
    /// What a payer must see (PSD2 RTS, article 5(1)); an amount says nothing without its currency.
    const OF_TRANSACTION: [Self; 3] = [Self::Amount, Self::Currency, Self::Payee];

    /// How it is written, without the braces.
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

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Longer than [`Template::MAX`].
    #[error("must have at most {} characters", Template::MAX)]
    TooLong,
    /// A control character; a line may end in `\n` alone.
    #[error("must not hold the control character {}", .0.escape_unicode())]
    Control(char),
    /// A brace that opens or closes nothing, by its place in characters from 1.
    #[error("has a {0} without its counterpart at character {1}")]
    Unbalanced(char, usize),
    /// No placeholder of this name.
    #[error("has the unknown placeholder {{{0}}}")]
    Unknown(String),
    /// Not exactly one.
    #[error("must hold {{{}}} exactly once", .0.as_str())]
    NotOnce(Placeholder),
    /// One that a transaction needs.
    #[error("must hold {{{}}}, for it is about a transaction", .0.as_str())]
    Missing(Placeholder),
    /// One that needs a transaction.
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
    /// Most characters, placeholders as they are written.
    pub const MAX: usize = 500;

    /// Reads and checks a text; the first thing that is wrong with it is said.
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

    /// A text that is no template: its code stands between these two, as they are.
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
                // It is the longest value: more of them would make messages without a bound.
                (TemplateKind::Transaction, _) => return Err(TemplateError::NotOnce(placeholder)),
            }
        }
        Ok(())
    }

    fn count(&self, placeholder: Placeholder) -> usize {
        self.pieces.iter().filter(|piece| **piece == Piece::Value(placeholder)).count()
    }

    /// The text as it was saved.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text with its values, in the GSM alphabet if that is wanted and possible.
    pub fn fill(&self, values: &Values, gsm: bool) -> Zeroizing<String> {
        // Room for all of it: a text that grows leaves a copy of the code behind.
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

/// Cuts a text at its braces.
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

/// What is put into a template.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// The code.
    pub code: &'a Code,
    /// The tenant's name.
    pub company: &'a TenantName,
    /// Minutes until the code expires.
    pub minutes: u64,
    /// The payment, for a template that is about one.
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
        // No value adds a line, whatever a name was allowed to hold when it was given.
        text.extend(value.chars().filter(|character| is_printable(*character)));
    }
}

#[cfg(test)]
mod tests;
