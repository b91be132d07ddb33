package countersign;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.twilio.exception.ApiException;
import com.twilio.http.NetworkHttpClient;
import com.twilio.http.Request;
import com.twilio.http.Response;
import com.twilio.http.TwilioRestClient;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.function.Executable;

/** The running {@code countersign dev} that READY_FILE tells of, and clients of it. */
final class Server {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonNode READY = read();
    private static final HttpClient PHONE = HttpClient.newHttpClient();
    private static final AtomicInteger NUMBERS = new AtomicInteger(100);

    static final String ACCOUNT = ready("twilio_account_sid");

    private Server() {}

    private static JsonNode read() {
        try {
            return JSON.readTree(Path.of(System.getenv("READY_FILE")).toFile());
        } catch (IOException error) {
            throw new IllegalStateException("READY_FILE cannot be read", error);
        }
    }

    static String ready(String name) {
        return READY.required(name).textValue();
    }

    /** Twilio's own HTTP client, but for the host. It has no setting for that. */
    private static final class Elsewhere extends NetworkHttpClient {
        private static final String TWILIO = "https://verify.twilio.com";

        @Override
        public Response makeRequest(Request request) {
            Request moved = new Request(request.getMethod(), request.getUrl().replace(TWILIO, ready("base_url")));
            moved.setAuth(request.getUsername(), request.getPassword());
            moved.setContentType(request.getContentType());
            moved.getQueryParams().putAll(request.getQueryParams());
            moved.getPostParams().putAll(request.getPostParams());
            moved.getHeaderParams().putAll(request.getHeaderParams());
            return super.makeRequest(moved);
        }
    }

    static TwilioRestClient client(String password) {
        return client(ACCOUNT, password);
    }

    static TwilioRestClient client(String user, String password) {
        return new TwilioRestClient.Builder(user, password).accountSid(ACCOUNT).httpClient(new Elsewhere()).build();
    }

    /** A number that nobody else of this run has. */
    static String freshNumber() {
        return "+48604%03d%03d".formatted(ProcessHandle.current().pid() % 1000, NUMBERS.getAndIncrement());
    }

    /** What is on the virtual phone, newest first, once there are so many messages. */
    static JsonNode onPhone(String to, int count) throws Exception {
        URI uri = URI.create(ready("phone_url") + "?to=" + URLEncoder.encode(to, StandardCharsets.UTF_8));
        HttpRequest request = HttpRequest.newBuilder(uri).build();
        for (int n = 0; n < 100; n++) {
            JsonNode messages = JSON.readTree(PHONE.send(request, HttpResponse.BodyHandlers.ofString()).body());
            if (messages.size() >= count) {
                return messages;
            }
            Thread.sleep(100);
        }
        throw new AssertionError("no " + count + " messages came");
    }

    static String codeOnPhone(String to) throws Exception {
        return onPhone(to, 1).get(0).required("code").textValue();
    }

    static String other(String code) {
        return code.replace('7', '_').replaceAll("[0-9]", "7").replace('_', '9');
    }

    static ApiException refused(int status, int code, Executable call) {
        ApiException refusal = assertThrows(ApiException.class, call);
        assertEquals(status + " " + code, refusal.getStatusCode() + " " + refusal.getCode(), refusal.getMessage());
        assertTrue(refusal.getMoreInfo().endsWith("/docs/twilio.md"), refusal.getMoreInfo());
        return refusal;
    }
}
