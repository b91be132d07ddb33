//! HEAD requests (RFC 9110, 9.3.2): every path that answers GET also answers HEAD, with the same headers and
//! no body.
//!
//! The HTTP routes know only GET. The HTTP library decides about the body by the last request that it read
//! from the connection. If a client sends requests ahead, that is not the request being answered. So this
//! module removes the body itself.

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

/// Marks a request whose method was HEAD.
struct Head;

/// Changes HEAD to GET, and returns whether the method was HEAD.
pub fn ask_as_get(request: &mut ServiceRequest) -> bool {
    let is_head = request.method() == Method::HEAD;
    if is_head {
        request.head_mut().method = Method::GET;
        request.extensions_mut().insert(Head);
    }
    is_head
}

/// Returns whether the client wants only the headers. The one GET that changes something asks this.
pub fn is_head(request: &HttpRequest) -> bool {
    request.extensions().contains::<Head>()
}

/// Turns the answer to GET into one to HEAD.
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

/// Middleware for ports that have no other middleware around everything.
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
