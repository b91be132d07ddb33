package countersign;

import static countersign.Server.ACCOUNT;
import static countersign.Server.client;
import static countersign.Server.freshNumber;
import static countersign.Server.ready;
import static countersign.Server.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.twilio.base.Page;
import com.twilio.http.TwilioRestClient;
import com.twilio.rest.verify.v2.Service;
import com.twilio.rest.verify.v2.ServiceUpdater;
import com.twilio.rest.verify.v2.service.RateLimit;
import com.twilio.rest.verify.v2.service.Verification;
import com.twilio.rest.verify.v2.service.ratelimit.Bucket;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** The same client: services, their rate limits, and who may call. Not beside tests that make services. */
@Isolated
class SettingsTest {
    private static final TwilioRestClient LIVE = client(ready("twilio_token"));

    private static List<String> sids(Iterable<Service> services) {
        List<String> sids = new ArrayList<>();
        services.forEach(one -> sids.add(one.getSid()));
        return sids;
    }

    @Test
    void services() {
        List<Service> made = new ArrayList<>();
        for (int n = 0; n < 3; n++) {
            made.add(Service.creator("Page " + n).create(LIVE));
        }
        Service first = made.get(0);
        assertEquals(List.of("Page 0", 6, false, true), List.of(first.getFriendlyName(), first.getCodeLength(),
                first.getCustomCodeEnabled(), first.getDoNotShareWarningEnabled()));
        assertEquals(Set.of("verifications", "verification_checks", "rate_limits"), first.getLinks().keySet());
        Service twin = Service.creator("Page 0").create(LIVE);
        assertNotEquals(first.getSid(), twin.getSid());
        made.add(twin);
        List<String> every = sids(Service.reader().pageSize(2).read(LIVE));
        assertEquals(every.size(), new HashSet<>(every).size());
        assertTrue(every.containsAll(sids(made)));
        assertEquals(every.subList(0, 3), sids(Service.reader().limit(3).read(LIVE)));
        Page<Service> page = Service.reader().pageSize(2).firstPage(LIVE);
        Page<Service> next = Service.reader().nextPage(page, LIVE);
        assertEquals(every.subList(2, 4), sids(next.getRecords()));
        assertEquals(every.subList(0, 2), sids(Service.reader().previousPage(next, LIVE).getRecords()));
        String sid = first.getSid();
        Service changed = Service.updater(sid).setFriendlyName("Żółw").setCodeLength(8).update(LIVE);
        assertEquals(List.of("Żółw", 8), List.of(changed.getFriendlyName(), changed.getCodeLength()));
        assertEquals(8, Service.fetcher(sid).fetch(LIVE).getCodeLength());
        for (ServiceUpdater wrong : List.of(
                Service.updater(sid).setFriendlyName("x".repeat(33)),
                Service.updater(sid).setCodeLength(3),
                Service.updater(sid).setCodeLength(11),
                Service.updater(sid).setCustomCodeEnabled(true),
                Service.updater(sid).setPsd2Enabled(true),
                Service.updater(sid).setDefaultTemplateSid("HJ" + "0".repeat(32)))) {
            refused(400, 60200, () -> wrong.update(LIVE));
        }
        Service.updater(sid).setPushIncludeDate(true).setTotpSkew(1).setCustomCodeEnabled(false).setTtsName("x").update(LIVE);
        for (String one : sids(made)) {
            assertTrue(Service.deleter(one).delete(LIVE));
            refused(404, 20404, () -> Service.fetcher(one).fetch(LIVE));
        }
        for (Service one : Service.reader().read(LIVE)) {
            if (one.getFriendlyName().equals("default")) {
                refused(403, 20403, () -> Service.deleter(one.getSid()).delete(LIVE));
            }
        }
        refused(404, 20404, () -> Verification.creator("VA" + "0".repeat(32), freshNumber(), "sms").create(LIVE));
    }

    private static void start(String service, String address) {
        Verification.creator(service, freshNumber(), "sms").setRateLimits(Map.of("end_user_ip", address)).create(LIVE);
    }

    @Test
    void buckets() {
        String service = Service.creator("Java's buckets").create(LIVE).getSid();
        RateLimit made = RateLimit.creator(service, "end_user_ip").setDescription("By address").create(LIVE);
        assertEquals(List.of("end_user_ip", "By address"), List.of(made.getUniqueName(), made.getDescription()));
        String limit = made.getSid();
        assertEquals(Set.of(), bucketSids(service, limit));
        // Announced, and limits nothing yet.
        start(service, "192.0.2.1");
        Bucket bucket = Bucket.creator(service, limit, 2, 60).create(LIVE);
        assertEquals(List.of(2, 60, limit), List.of(bucket.getMax(), bucket.getInterval(), bucket.getRateLimitSid()));
        refused(400, 60211, () -> Bucket.creator(service, limit, 3, 60).create(LIVE));
        Bucket hour = Bucket.creator(service, limit, 100, 3600).create(LIVE);
        start(service, "192.0.2.2");
        start(service, "192.0.2.2");
        refused(429, 20429, () -> start(service, "192.0.2.2"));
        start(service, "192.0.2.3");
        assertEquals(Set.of(bucket.getSid(), hour.getSid()), bucketSids(service, limit));
        assertEquals(2, Bucket.fetcher(service, limit, bucket.getSid()).fetch(LIVE).getMax());
        assertEquals(bucket.getSid(), Bucket.updater(service, limit, bucket.getSid()).setMax(3).update(LIVE).getSid());
        Bucket moved = Bucket.updater(service, limit, bucket.getSid()).setInterval(120).update(LIVE);
        assertEquals(List.of(3, 120), List.of(moved.getMax(), moved.getInterval()));
        refused(404, 20404, () -> Bucket.fetcher(service, limit, bucket.getSid()).fetch(LIVE));
        assertTrue(Bucket.deleter(service, limit, moved.getSid()).delete(LIVE));
        assertTrue(Bucket.deleter(service, limit, hour.getSid()).delete(LIVE));
        for (List<Integer> wrong : List.of(List.of(0, 60), List.of(1, 86401), List.of(1000001, 1))) {
            refused(400, 60200, () -> Bucket.creator(service, limit, wrong.get(0), wrong.get(1)).create(LIVE));
        }
        assertTrue(Service.deleter(service).delete(LIVE));
    }

    private static Set<String> bucketSids(String service, String limit) {
        Set<String> sids = new HashSet<>();
        Bucket.reader(service, limit).pageSize(1).read(LIVE).forEach(one -> sids.add(one.getSid()));
        return sids;
    }

    @Test
    void rateLimits() {
        String service = Service.creator("Java's limits").create(LIVE).getSid();
        String made = RateLimit.creator(service, "end_user_ip").create(LIVE).getSid();
        assertEquals("Else", RateLimit.updater(service, made).setDescription("Else").update(LIVE).getDescription());
        refused(400, 60208, () -> RateLimit.creator(service, "end_user_ip").create(LIVE));
        refused(400, 60209, () -> RateLimit.creator(service, "ipMinutes").create(LIVE));
        Set<String> all = new HashSet<>(Set.of(made));
        for (int n = 0; n < 4; n++) {
            String sid = RateLimit.creator(service, "own_" + n).create(LIVE).getSid();
            assertEquals("own_" + n, RateLimit.fetcher(service, sid).fetch(LIVE).getUniqueName());
            all.add(sid);
        }
        Set<String> listed = new HashSet<>();
        RateLimit.reader(service).pageSize(2).read(LIVE).forEach(one -> listed.add(one.getSid()));
        assertEquals(all, listed);
        for (String sid : all) {
            assertTrue(RateLimit.deleter(service, sid).delete(LIVE));
            refused(404, 20404, () -> RateLimit.fetcher(service, sid).fetch(LIVE));
        }
        assertTrue(Service.deleter(service).delete(LIVE));
    }

    @Test
    void whoMayCall() {
        String key = ready("key");
        String token = ready("twilio_token");
        String nobody = "0".repeat(32);
        String service = Service.reader().firstPage(LIVE).getRecords().get(0).getSid();
        for (List<String> wrong : List.of(
                List.of(ACCOUNT, "wrong"),
                List.of(ACCOUNT, key.substring(0, key.length() - 1) + "!"),
                List.of(ACCOUNT, key.replaceFirst("_", "")),
                List.of(ACCOUNT, token.toUpperCase()),
                List.of("AC" + nobody, key),
                List.of("SK" + nobody, token))) {
            TwilioRestClient client = client(wrong.get(0), wrong.get(1));
            refused(401, 20003, () -> Service.fetcher(service).fetch(client));
        }
        for (String good : List.of(key, token)) {
            assertEquals(service, Service.fetcher(service).fetch(client(good)).getSid());
        }
    }
}
