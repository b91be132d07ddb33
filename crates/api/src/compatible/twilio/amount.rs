//! Twilio's `Amount`: a number and a currency in one text, such as `€39.99`.

use countersign_core::code::payment::{Transaction, TransactionError};

/// The currency signs that mean exactly one currency. `$`, `¥` and `kr` mean several, and the payer must not
/// read the wrong one.
const SIGNS: [(&str, &str); 11] = [
    ("€", "EUR"),
    ("£", "GBP"),
    ("zł", "PLN"),
    ("Kč", "CZK"),
    ("Ft", "HUF"),
    ("лв", "BGN"),
    ("₴", "UAH"),
    ("₹", "INR"),
    ("₺", "TRY"),
    ("₪", "ILS"),
    ("₩", "KRW"),
];

/// Makes a payment of an amount and a payee. The error is the name of the wrong parameter.
pub fn transaction(amount: &str, payee: &str) -> Result<Transaction, &'static str> {
    let (number, currency) = split(amount).ok_or("Amount")?;
    let wrong = |errors: Vec<TransactionError>| {
        if errors.iter().all(|error| *error == TransactionError::Payee) { "Payee" } else { "Amount" }
    };
    Transaction::parse(number, currency, payee).map_err(wrong)
}

/// Splits an amount into the number and the code of its currency, which may come before or after it.
fn split(amount: &str) -> Option<(&str, &str)> {
    let amount = amount.trim();
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let (number, currency) = match amount.strip_prefix(is_number) {
        Some(_) => amount.split_at(amount.find(|c| !is_number(c))?),
        None => {
            let (currency, number) = amount.split_at(amount.find(is_number)?);
            (number, currency)
        }
    };
    let currency = currency.trim();
    let sign = SIGNS.iter().find(|(sign, _)| *sign == currency);
    let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    let code = sign.map(|(_, code)| *code).or(is_code.then_some(currency))?;
    Some((number.trim(), code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_names_one_currency() {
        for (text, amount, currency) in [
            ("€39.99", "39.99", "EUR"),
            ("€ 39.9", "39.90", "EUR"),
            ("39.99€", "39.99", "EUR"),
            ("39.99 EUR", "39.99", "EUR"),
            ("EUR39", "39.00", "EUR"),
            (" 100 zł ", "100.00", "PLN"),
            ("JPY 500", "500", "JPY"),
            ("USD 0.50", "0.50", "USD"),
        ] {
            let paid = transaction(text, "Shop").unwrap();
            assert_eq!((paid.amount(), paid.currency()), (amount, currency), "{text}");
        }
        for bad in [
            "",
            "€",
            "39.99",
            "$39.99",
            "¥100",
            "kr 100",
            "eur 5",
            "€1,000.00",
            "39,99 €",
            "€-5",
            "-€5",
            "€5€",
            "€ 5 EUR",
            "1.2.3 EUR",
            "JPY 1.5",
            "EUR 5 USD",
            "EU 5",
            "EUR",
            "5 EUR EUR",
            "€1e3",
            "٣ EUR",
        ] {
            assert_eq!(transaction(bad, "Shop"), Err("Amount"), "{bad}");
        }
        assert_eq!(transaction("€5", ""), Err("Payee"));
        assert_eq!(transaction("€5", "two\nlines"), Err("Payee"));
        assert_eq!(transaction("x", ""), Err("Amount"));
    }
}
