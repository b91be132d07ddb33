package countersign;

import static countersign.Server.ACCOUNT;
import static countersign.Server.codeOnPhone;
import static countersign.Server.freshNumber;
import static countersign.Server.onPhone;
import static countersign.Server.other;
import static countersign.Server.ready;
import static countersign.Server.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.twilio.exception.ApiException;
import com.twilio.http.TwilioRestClient;
import com.twilio.rest.verify.v2.Service;
import com.twilio.rest.verify.v2.service.Verification;
import com.twilio.rest.verify.v2.service.VerificationCheck;
import com.twilio.rest.verify.v2.service.VerificationCheckCreator;
import com.twilio.rest.verify.v2.service.VerificationCreator;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Twilio's own Java client, unmodified: verifications and their checks. */
class VerificationsTest {
    private static final TwilioRestClient LIVE = Server.client(ready("key"));
    private static final TwilioRestClient TEST = Server.client(ready("test_key"));
    private static String service;

    @BeforeAll
    static void makeService() {
        service = Service.creator("Java's shop").setCodeLength(6).create(LIVE).getSid();
    }

    @AfterAll
    static void deleteService() {
        assertTrue(Service.deleter(service).delete(LIVE));
    }

    private static VerificationCreator starting(String to) {
        return Verification.creator(service, to, "sms");
    }

    private static Verification start(String to) {
        return starting(to).create(LIVE);
    }

    private static VerificationCheckCreator checking(String to, String code) {
        return VerificationCheck.creator(service).setTo(to).setCode(code);
    }

    private static VerificationCheck check(String to, String code) {
        return checking(to, code).create(LIVE);
    }

    private static Verification fetch(String which) {
        return Verification.fetcher(service, which).fetch(LIVE);
    }

    @Test
    void aCodeGoesOutComesBackAndCountsOnce() throws Exception {
        String to = freshNumber();
        Verification started = start(to);
        assertEquals("pending", started.getStatus());
        assertFalse(started.getValid());
        assertEquals(List.of(to, ACCOUNT, service), List.of(started.getTo(), started.getAccountSid(), started.getServiceSid()));
        assertEquals(Verification.Channel.SMS, started.getChannel());
        assertTrue(started.getSid().matches("VE[0-9a-f]{32}"));
        assertTrue(Duration.between(started.getDateCreated().toInstant(), Instant.now()).abs().toSeconds() < 60);
        assertTrue(started.getUrl().toString().startsWith(ready("base_url") + "/v2/Services/VA"));
        assertNull(started.getSna());
        assertEquals(1, started.getSendCodeAttempts().size());
        Map<?, ?> attempt = (Map<?, ?>) started.getSendCodeAttempts().get(0);
        assertEquals("SMS", attempt.get("channel"));
        assertTrue(attempt.get("attempt_sid").toString().matches("VL[0-9a-f]{32}"));
        String code = codeOnPhone(to);
        VerificationCheck wrong = check(to, other(code));
        assertEquals(List.of("pending", false, started.getSid()), List.of(wrong.getStatus(), wrong.getValid(), wrong.getSid()));
        VerificationCheck right = check(to, code);
        assertEquals(List.of("approved", true, to), List.of(right.getStatus(), right.getValid(), right.getTo()));
        assertEquals(List.of(), right.getSnaAttemptsErrorCodes());
        assertNull(right.getAmount());
        refused(404, 20404, () -> check(to, code));
        assertEquals("approved", fetch(started.getSid()).getStatus());
    }

    @Test
    void bySidAndByNumberInThePath() throws Exception {
        String to = freshNumber();
        Verification started = start(to);
        String code = codeOnPhone(to);
        // This client encodes the path itself.
        for (String which : List.of(started.getSid(), to)) {
            Verification found = fetch(which);
            assertEquals(List.of(started.getSid(), "pending", to), List.of(found.getSid(), found.getStatus(), found.getTo()));
        }
        VerificationCheck checked =
                VerificationCheck.creator(service).setVerificationSid(started.getSid()).setCode(code).create(LIVE);
        assertEquals(List.of("approved", to), List.of(checked.getStatus(), checked.getTo()));
        refused(404, 20404, () -> fetch(freshNumber()));
        refused(404, 20404, () -> fetch("VE" + "0".repeat(32)));
    }

    /**
     * The HTTP client underneath sends a 429 again by itself, after {@code Retry-After} or else a
     * second. The program must hear at once that it was too early, and no message may come of it.
     */
    @Test
    void aSecondStartIsRefusedAtOnceAndLaterIsAResendOfTheSameCode() throws Exception {
        String to = freshNumber();
        Verification started = start(to);
        String code = codeOnPhone(to);
        long asked = System.nanoTime();
        refused(429, 60212, () -> start(to));
        Duration wait = Duration.ofNanos(System.nanoTime() - asked);
        assertTrue(wait.toMillis() < 5_000, "the refusal took " + wait);
        assertEquals(1, fetch(to).getSendCodeAttempts().size());
        Thread.sleep(30_500);
        assertEquals(1, onPhone(to, 1).size(), "nothing was sent in the meantime");
        Verification again = start(to);
        assertEquals(started.getSid(), again.getSid());
        assertEquals(2, again.getSendCodeAttempts().size());
        assertEquals(code, onPhone(to, 2).get(0).required("code").textValue());
        assertTrue(check(to, code).getValid());
    }

    @Test
    void manyStartsAtOnceSendOneMessage() throws Exception {
        String to = freshNumber();
        ExecutorService pool = Executors.newFixedThreadPool(16);
        try {
            List<Future<String>> asked = new ArrayList<>();
            for (int n = 0; n < 16; n++) {
                asked.add(pool.submit(() -> {
                    try {
                        return start(to).getStatus();
                    } catch (ApiException refusal) {
                        return refusal.getStatusCode() + " " + refusal.getCode();
                    }
                }));
            }
            List<String> outcomes = new ArrayList<>();
            for (Future<String> outcome : asked) {
                outcomes.add(outcome.get());
            }
            assertEquals(1, Collections.frequency(outcomes, "pending"), outcomes::toString);
            assertEquals(15, Collections.frequency(outcomes, "429 60212"), outcomes::toString);
        } finally {
            pool.shutdownNow();
        }
        Thread.sleep(1_000);
        assertEquals(1, onPhone(to, 1).size());
    }

    @Test
    void tooManyChecks() throws Exception {
        String to = freshNumber();
        start(to);
        String code = codeOnPhone(to);
        for (int n = 0; n < 5; n++) {
            VerificationCheck wrong = check(to, other(code));
            assertEquals(List.of("pending", false), List.of(wrong.getStatus(), wrong.getValid()));
        }
        long asked = System.nanoTime();
        refused(429, 60202, () -> check(to, code));
        assertTrue(Duration.ofNanos(System.nanoTime() - asked).toMillis() < 5_000);
        assertEquals("max_attempts_reached", fetch(to).getStatus());
        // The old one is over, so a start makes another.
        assertEquals("pending", start(to).getStatus());
    }

    @Test
    void cancel() throws Exception {
        String to = freshNumber();
        Verification started = start(to);
        String code = codeOnPhone(to);
        refused(400, 60200, () -> Verification.updater(service, started.getSid(), Verification.Status.APPROVED).update(LIVE));
        Verification canceled = Verification.updater(service, to, Verification.Status.CANCELED).update(LIVE);
        assertEquals("canceled", canceled.getStatus());
        refused(404, 20404, () -> check(to, code));
        assertEquals("canceled", fetch(started.getSid()).getStatus());
    }

    @Test
    void payments() throws Exception {
        String payee = "Żółw & Co.";
        String to = freshNumber();
        Verification started = starting(to).setAmount("€39.99").setPayee(payee).create(LIVE);
        assertEquals(List.of("€39.99", payee), List.of(started.getAmount(), started.getPayee()));
        VerificationCheck right = checking(to, codeOnPhone(to)).setAmount("39.99 EUR").setPayee(payee).create(LIVE);
        assertEquals(List.of("approved", "39.99 EUR"), List.of(right.getStatus(), right.getAmount()));
        String next = freshNumber();
        starting(next).setAmount("€39.99").setPayee(payee).create(LIVE);
        String code = codeOnPhone(next);
        VerificationCheck changed = checking(next, code).setAmount("€40.00").setPayee(payee).create(LIVE);
        assertEquals(List.of("canceled", false), List.of(changed.getStatus(), changed.getValid()));
        refused(404, 20404, () -> checking(next, code).setAmount("€39.99").setPayee(payee).create(LIVE));
        for (List<String> wrong : List.of(List.of("$5", "x"), List.of("5", "x"), List.of("€5", "\n"))) {
            refused(400, 60200, () -> starting(to).setAmount(wrong.get(0)).setPayee(wrong.get(1)).create(LIVE));
        }
        refused(400, 60206, () -> starting(to).setAmount("€5").create(LIVE));
    }

    @Test
    void testMode() {
        String expired = "+15005550003";
        starting(expired).create(TEST);
        refused(404, 20404, () -> checking(expired, "123456").create(TEST));
        assertEquals("expired", Verification.fetcher(service, expired).fetch(TEST).getStatus());
        refused(400, 60200, () -> starting("+15005550001").create(TEST));
        refused(403, 60410, () -> starting("+15005550004").create(TEST));
        refused(429, 20429, () -> starting("+15005550005").create(TEST));
        String to = freshNumber();
        starting(to).create(TEST);
        refused(404, 20404, () -> check(to, "123456"));
        assertTrue(checking(to, "123456").create(TEST).getValid());
        refused(403, 20403, () -> Service.creator("by a test key").create(TEST));
    }

    @Test
    void whatIsWrongIsNamed() {
        String to = freshNumber();
        List<Map.Entry<String, VerificationCreator>> wrong = List.of(
                Map.entry("To", starting("500500500")),
                Map.entry("To", starting("user@example.com")),
                Map.entry("Channel", starting(to).setChannel("call")),
                Map.entry("Channel", starting(to).setChannel("email")),
                Map.entry("Locale", starting(to).setLocale("english")),
                Map.entry("CustomCode", starting(to).setCustomCode("1234")),
                Map.entry("CustomFriendlyName", starting(to).setCustomFriendlyName("Bank")),
                Map.entry("CustomMessage", starting(to).setCustomMessage("Hello")),
                Map.entry("TemplateCustomSubstitutions", starting(to).setTemplateCustomSubstitutions("{}")),
                Map.entry("AppHash", starting(to).setAppHash("short")),
                Map.entry("TemplateSid", starting(to).setTemplateSid("HJ1")),
                Map.entry("DeviceIp", starting(to).setDeviceIp("300.1.1.1")),
                Map.entry("RateLimits", starting(to).setRateLimits(Map.of("nobody", "x"))),
                Map.entry("RateLimits", starting(to).setRateLimits(List.of(1))),
                Map.entry("Tags", starting(to).setTags("{\"a\": {\"b\": \"c\"}}")));
        for (Map.Entry<String, VerificationCreator> one : wrong) {
            ApiException refusal = refused(400, 60200, () -> one.getValue().create(LIVE));
            assertTrue(refusal.getMessage().contains("Invalid parameter: " + one.getKey()), refusal.getMessage());
        }
        refused(400, 60228, () -> starting(to).setTemplateSid("HJ" + "0".repeat(32)).create(LIVE));
        refused(403, 60205, () -> start("+48226940000"));
        refused(400, 60200, () -> check(to, "12"));
        refused(400, 60200, () -> VerificationCheck.creator(service).setCode("123456").create(LIVE));
        refused(404, 20404, () -> check(to, "123456"));
        Verification all = starting(to)
                .setLocale("pl")
                .setDeviceIp("203.0.113.7")
                .setTags("{\"order\": \"7\"}")
                .setRiskCheck(Verification.RiskCheck.ENABLE)
                .setSendDigits("1")
                .setChannelConfiguration(Map.of("from", "x"))
                .setEnableSnaClientToken(true)
                .setAppHash("FA+9qCX9VSu")
                .create(LIVE);
        assertEquals("pending", all.getStatus());
    }
}
