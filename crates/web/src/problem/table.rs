//! The table of problem codes: a status, a text form, a title.

use crate::schema::text_enum;
use actix_web::http::StatusCode;
use utoipa::ToSchema;

macro_rules! problems {
    (
        api { $($variant:ident $status:literal $code:literal $title:literal,)* }
        pages { $($of_page:ident $page_status:literal $page_code:literal $page_title:literal,)* }
    ) => {
        /// The kind of a problem, in the text form that clients compare.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemCode { $(#[doc = $title] $variant,)* $(#[doc = $page_title] $of_page,)* }

        impl ProblemCode {
            /// Every code of the API, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(super) const fn row(self) -> (u16, &'static str, &'static str) {
                match self {
                    $(Self::$variant => ($status, $code, $title),)*
                    $(Self::$of_page => ($page_status, $page_code, $page_title),)*
                }
            }
        }
    };
}

// The table: status, code, title. The codes of pages do not appear in the API's documents.
problems! {
    api {
        InvalidRequest 400 "invalid_request" "The request is malformed or a field is out of its bounds",
        InvalidPhoneNumber 400 "invalid_phone_number" "The number is not a valid one in international form",
        NumberCannotReceiveSms 400 "number_cannot_receive_sms" "The line of this number receives no SMS",
        InvalidCode 400 "invalid_code" "This cannot be the code; no try was used",
        InvalidKey 401 "invalid_key" "The API key is missing, unknown, disabled or expired",
        InsufficientScope 403 "insufficient_scope" "The API key may not do this",
        NotShared 403 "not_shared" "The API key or its member may not use this",
        IpNotAllowed 403 "ip_not_allowed" "The API key is not accepted from this address",
        CountryNotAllowed 403 "country_not_allowed" "The tenant does not send to this country",
        NumberBlocked 403 "number_blocked" "The number is blocked",
        OutsideHours 403 "outside_hours" "The member of the key does not send at this hour",
        MessageTooLong 403 "message_too_long" "The message has more parts than the member of the key may send",
        NotFound 404 "not_found" "There is no such thing here",
        MethodNotAllowed 405 "method_not_allowed" "This path has other methods",
        AlreadyApproved 409 "already_approved" "The verification was approved before",
        VerificationEnded 409 "verification_ended" "The verification is over",
        Conflict 409 "conflict" "The request conflicts with the present state",
        SecretAlreadyShown 409 "secret_already_shown" "The secret was shown in the first answer, and is kept nowhere",
        PayloadTooLarge 413 "payload_too_large" "The body is larger than 64 KiB",
        UnsupportedMediaType 415 "unsupported_media_type" "The body must be JSON",
        IdempotencyMismatch 422 "idempotency_mismatch" "The Idempotency-Key was used for another request",
        RateLimited 429 "rate_limited" "A limit refused the request",
        ResendTooSoon 429 "resend_too_soon" "The cooldown between messages still runs",
        SendsExhausted 429 "sends_exhausted" "All messages of the verification are used",
        GuessLimit 429 "guess_limit" "Too many wrong codes in a row for the number",
        PoolExhausted 429 "pool_exhausted" "The pool of the member of the key has too few message parts left",
        Internal 500 "internal" "The server failed",
        CodesUnavailable 503 "codes_unavailable" "The store of live verifications does not answer",
        HistoryBacklog 503 "history_backlog" "Too many events wait for the history",
        DirectoryUnavailable 503 "directory_unavailable" "The directory of tenants and keys does not answer",
        Busy 503 "busy" "Too many changes of one tenant come at once",
        NoRoute 503 "no_route" "No provider can take the message",
    }
    pages {
        ForeignOrigin 403 "foreign_origin" "The request comes from another site",
        StaleForm 403 "stale_form" "The form belongs to another sign-in",
        TooManyStreams 503 "too_many_streams" "Too many pages watch",
    }
}

impl ProblemCode {
    pub const fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The title, the same for every problem with this code.
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The type URI: the registered one if the RateLimit draft has it, else our own.
    pub fn type_uri(self) -> String {
        match self {
            Self::RateLimited | Self::GuessLimit | Self::PoolExhausted => {
                "https://iana.org/assignments/http-problem-types#quota-exceeded".to_owned()
            }
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => {
                "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity".to_owned()
            }
            _ => format!("urn:countersign:problem:{}", self.as_str()),
        }
    }
}

impl ToSchema for ProblemCode {}
impl utoipa::PartialSchema for ProblemCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        text_enum(Self::ALL.iter().map(|code| code.as_str()))
    }
}
