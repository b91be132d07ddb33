//! HEAD (RFC 9110, 9.3.2): wherever GET is answered, the same without the body.
//!
//! The routes know GET alone. The HTTP library leaves a body out by what it read
//! last from the connection, which with requests sent ahead is another one than
//! is answered; so the body is taken away here.

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BodySize, BodyStream, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web::Bytes,
};
use futures_util::stream;
use std::convert::Infallible;

/// Marks a request that was HEAD.
struct Head;

/// Makes GET of HEAD, and says whether it was one.
pub fn ask_as_get(request: &mut ServiceRequest) -> bool {
    let is_head = request.method() == Method::HEAD;
    if is_head {
        request.head_mut().method = Method::GET;
        request.extensions_mut().insert(Head);
    }
    is_head
}

/// Whether only the headers are asked for: for the one GET that changes something.
pub fn is_head(request: &HttpRequest) -> bool {
    request.extensions().contains::<Head>()
}

/// The answer to GET as one to HEAD.
pub fn without_body(mut answer: HttpResponse) -> HttpResponse {
    let size = answer.body().size();
    if size == BodySize::None {
        return answer;
    }
    if let BodySize::Sized(length) = size {
        answer.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    answer.head_mut().no_chunking(true);
    answer.set_body(BoxBody::new(BodyStream::new(stream::empty::<Result<Bytes, Infallible>>())))
}

/// Middleware for ports that have no other around everything.
pub async fn answer_head<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_head = ask_as_get(&mut request);
    let answer = next.call(request).await?.map_into_boxed_body();
    if !is_head {
        return Ok(answer);
    }
    let (request, answer) = answer.into_parts();
    Ok(ServiceResponse::new(request, without_body(answer)))
}
