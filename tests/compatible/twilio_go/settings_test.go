package twilio_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twilio/twilio-go/client"
	verify "github.com/twilio/twilio-go/rest/verify/v2"
)

func named(name string) *verify.CreateServiceParams {
	return new(verify.CreateServiceParams).SetFriendlyName(name)
}

// Not beside the others, which make services and delete them.
func TestServices(t *testing.T) {
	create := func(name string) verify.VerifyV2Service {
		return *must[*verify.VerifyV2Service](t)(live.CreateService(named(name)))
	}
	made := []verify.VerifyV2Service{create("Page 0"), create("Page 1"), create("Page 2")}
	equal(t, fmt.Sprint(*made[0].FriendlyName, made[0].CodeLength), fmt.Sprint("Page 0", 6))
	equal(t, fmt.Sprint(*made[0].CustomCodeEnabled, *made[0].DoNotShareWarningEnabled), fmt.Sprint(false, true))
	links := *made[0].Links
	equal(t, len(links), 3)
	for _, link := range []string{"verifications", "verification_checks", "rate_limits"} {
		if _, ok := links[link]; !ok {
			t.Fatal(links)
		}
	}
	twin := create("Page 0")
	if *twin.Sid == *made[0].Sid {
		t.Fatal("the same service twice")
	}
	made = append(made, twin)
	every := sids(must[[]verify.VerifyV2Service](t)(live.ListService(new(verify.ListServiceParams).SetPageSize(2))))
	equal(t, len(slices.Compact(slices.Sorted(slices.Values(every)))), len(every))
	for _, one := range made {
		if !slices.Contains(every, *one.Sid) {
			t.Fatal(every)
		}
	}
	first := sids(must[[]verify.VerifyV2Service](t)(live.ListService(new(verify.ListServiceParams).SetLimit(3))))
	equal(t, fmt.Sprint(first), fmt.Sprint(every[:3]))
	sid := *made[0].Sid
	update := func(params *verify.UpdateServiceParams) (*verify.VerifyV2Service, error) {
		return live.UpdateService(sid, params)
	}
	changes := func() *verify.UpdateServiceParams { return new(verify.UpdateServiceParams) }
	changed := must[*verify.VerifyV2Service](t)(update(changes().SetFriendlyName("Żółw").SetCodeLength(8)))
	equal(t, fmt.Sprint(*changed.FriendlyName, changed.CodeLength), fmt.Sprint("Żółw", 8))
	equal(t, must[*verify.VerifyV2Service](t)(live.FetchService(sid)).CodeLength, 8)
	for _, wrong := range []*verify.UpdateServiceParams{
		changes().SetFriendlyName(strings.Repeat("x", 33)), changes().SetCodeLength(3), changes().SetCodeLength(11),
		changes().SetCustomCodeEnabled(true), changes().SetPsd2Enabled(true),
		changes().SetDefaultTemplateSid("HJ" + strings.Repeat("0", 32)),
	} {
		_, err := update(wrong)
		refused(t, 400, 60200, err)
	}
	ignored := changes().SetPushIncludeDate(true).SetTotpSkew(1).SetCustomCodeEnabled(false).SetTtsName("x")
	must[*verify.VerifyV2Service](t)(update(ignored))
	for _, one := range made {
		equal(t, live.DeleteService(*one.Sid), nil)
		_, err := live.FetchService(*one.Sid)
		refused(t, 404, 20404, err)
	}
	for _, one := range must[[]verify.VerifyV2Service](t)(live.ListService(nil)) {
		if *one.FriendlyName == "default" {
			refused(t, 403, 20403, live.DeleteService(*one.Sid))
		}
	}
	_, err := live.CreateVerification("VA"+strings.Repeat("0", 32), started(freshNumber()))
	refused(t, 404, 20404, err)
}

func sids(services []verify.VerifyV2Service) []string {
	all := make([]string, 0, len(services))
	for _, one := range services {
		all = append(all, *one.Sid)
	}
	return all
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	own := *must[*verify.VerifyV2Service](t)(live.CreateService(named("Go's buckets"))).Sid
	limit := must[*verify.VerifyV2RateLimit](t)(live.CreateRateLimit(own,
		new(verify.CreateRateLimitParams).SetUniqueName("end_user_ip").SetDescription("By address")))
	equal(t, *limit.UniqueName+*limit.Description, "end_user_ipBy address")
	list := func(pageSize int) []verify.VerifyV2Bucket {
		return must[[]verify.VerifyV2Bucket](t)(live.ListBucket(own, *limit.Sid, new(verify.ListBucketParams).SetPageSize(pageSize)))
	}
	equal(t, len(list(50)), 0)
	// Announced, and limits nothing yet.
	start := func(ip string) error {
		_, err := live.CreateVerification(own, started(freshNumber()).SetRateLimits(map[string]string{"end_user_ip": ip}))
		return err
	}
	equal(t, start("192.0.2.1"), nil)
	create := func(most, interval int) (*verify.VerifyV2Bucket, error) {
		return live.CreateBucket(own, *limit.Sid, new(verify.CreateBucketParams).SetMax(most).SetInterval(interval))
	}
	bucket := must[*verify.VerifyV2Bucket](t)(create(2, 60))
	equal(t, fmt.Sprint(bucket.Max, bucket.Interval, *bucket.RateLimitSid), fmt.Sprint(2, 60, *limit.Sid))
	_, err := create(3, 60)
	refused(t, 400, 60211, err)
	hour := must[*verify.VerifyV2Bucket](t)(create(100, 3600))
	for range 2 {
		equal(t, start("192.0.2.2"), nil)
	}
	refused(t, 429, 20429, start("192.0.2.2"))
	equal(t, start("192.0.2.3"), nil)
	kept := list(1)
	equal(t, len(kept), 2)
	for _, one := range kept {
		if *one.Sid != *bucket.Sid && *one.Sid != *hour.Sid {
			t.Fatal(*one.Sid)
		}
	}
	equal(t, must[*verify.VerifyV2Bucket](t)(live.FetchBucket(own, *limit.Sid, *bucket.Sid)).Max, 2)
	update := func(params *verify.UpdateBucketParams) *verify.VerifyV2Bucket {
		return must[*verify.VerifyV2Bucket](t)(live.UpdateBucket(own, *limit.Sid, *bucket.Sid, params))
	}
	equal(t, *update(new(verify.UpdateBucketParams).SetMax(3)).Sid, *bucket.Sid)
	moved := update(new(verify.UpdateBucketParams).SetInterval(120))
	equal(t, fmt.Sprint(moved.Max, moved.Interval), fmt.Sprint(3, 120))
	_, err = live.FetchBucket(own, *limit.Sid, *bucket.Sid)
	refused(t, 404, 20404, err)
	equal(t, live.DeleteBucket(own, *limit.Sid, *moved.Sid), nil)
	equal(t, live.DeleteBucket(own, *limit.Sid, *hour.Sid), nil)
	for _, wrong := range [][2]int{{0, 60}, {1, 86401}, {1000001, 1}} {
		_, err := create(wrong[0], wrong[1])
		refused(t, 400, 60200, err)
	}
	equal(t, live.DeleteService(own), nil)
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	own := *must[*verify.VerifyV2Service](t)(live.CreateService(named("Go's limits"))).Sid
	create := func(name string) (*verify.VerifyV2RateLimit, error) {
		return live.CreateRateLimit(own, new(verify.CreateRateLimitParams).SetUniqueName(name))
	}
	made := *must[*verify.VerifyV2RateLimit](t)(create("end_user_ip")).Sid
	described := new(verify.UpdateRateLimitParams).SetDescription("Else")
	equal(t, *must[*verify.VerifyV2RateLimit](t)(live.UpdateRateLimit(own, made, described)).Description, "Else")
	_, err := create("end_user_ip")
	refused(t, 400, 60208, err)
	_, err = create("ipMinutes")
	refused(t, 400, 60209, err)
	all := []string{made}
	for n := range 4 {
		all = append(all, *must[*verify.VerifyV2RateLimit](t)(create(fmt.Sprintf("own_%d", n))).Sid)
	}
	list := func() []string {
		var found []string
		page := new(verify.ListRateLimitParams).SetPageSize(2)
		for _, one := range must[[]verify.VerifyV2RateLimit](t)(live.ListRateLimit(own, page)) {
			found = append(found, *one.Sid)
		}
		return slices.Sorted(slices.Values(found))
	}
	equal(t, fmt.Sprint(list()), fmt.Sprint(slices.Sorted(slices.Values(all))))
	equal(t, *must[*verify.VerifyV2RateLimit](t)(live.FetchRateLimit(own, all[1])).UniqueName, "own_0")
	for _, sid := range all {
		equal(t, live.DeleteRateLimit(own, sid), nil)
		_, err := live.FetchRateLimit(own, sid)
		refused(t, 404, 20404, err)
	}
	equal(t, len(list()), 0)
	equal(t, live.DeleteService(own), nil)
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("0", 32)
	other := strings.TrimSuffix(given.TwilioToken, given.TwilioToken[len(given.TwilioToken)-1:]) + "u"
	for _, wrong := range [][2]string{
		{given.AccountSid, "wrong"}, {given.AccountSid, other}, {given.AccountSid, ""},
		{given.AccountSid, strings.ToUpper(given.TwilioToken)}, {given.AccountSid, given.TwilioToken[2:]},
		{"AC" + zeros, given.TwilioToken}, {"SK" + zeros, given.TwilioToken},
	} {
		_, err := newClient(wrong[0], wrong[1]).FetchService(service)
		refused(t, 401, 20003, err)
	}
	// The reason for the other spelling: the client itself takes no underscore.
	_, err := newClient(given.AccountSid, given.Key).FetchService(service)
	if refusal, ok := err.(*client.TwilioRestError); !ok || refusal.Code != 21224 {
		t.Fatal(err)
	}
	equal(t, strings.ReplaceAll(given.Key, "_", ""), given.TwilioToken)
	equal(t, *must[*verify.VerifyV2Service](t)(live.FetchService(service)).Sid, service)
}
