package twilio_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	verify "github.com/twilio/twilio-go/rest/verify/v2"
)

func TestACodeGoesOutComesBackAndCountsOnce(t *testing.T) {
	t.Parallel()
	to := freshNumber()
	made := begin(t, to)
	equal(t, *made.Status+*made.To+*made.Channel, "pending"+to+"sms")
	equal(t, *made.Valid, false)
	equal(t, *made.AccountSid+*made.ServiceSid, given.AccountSid+service)
	if !regexp.MustCompile("^VE[0-9a-f]{32}$").MatchString(*made.Sid) {
		t.Fatal(*made.Sid)
	}
	if age := time.Since(*made.DateCreated).Abs(); age > time.Minute || made.DateCreated.Location() != time.UTC {
		t.Fatal(made.DateCreated)
	}
	if !strings.HasPrefix(*made.Url, given.BaseURL+"/v2/Services/VA") {
		t.Fatal(*made.Url)
	}
	if made.Sna != nil {
		t.Fatal(*made.Sna)
	}
	attempts := *made.SendCodeAttempts
	equal(t, len(attempts), 1)
	attempt := attempts[0].(map[string]any)
	equal(t, attempt["channel"], any("SMS"))
	if !regexp.MustCompile("^VL[0-9a-f]{32}$").MatchString(attempt["attempt_sid"].(string)) {
		t.Fatal(attempt)
	}
	code, _ := onPhone(t, to)
	wrong := check(t, checked(to, other(code)))
	equal(t, fmt.Sprint(*wrong.Status, *wrong.Valid, *wrong.Sid), fmt.Sprint("pending", false, *made.Sid))
	right := check(t, checked(to, code))
	equal(t, fmt.Sprint(*right.Status, *right.Valid, *right.To), fmt.Sprint("approved", true, to))
	equal(t, len(*right.SnaAttemptsErrorCodes), 0)
	if right.Amount != nil {
		t.Fatal(*right.Amount)
	}
	refusedCheck(t, 404, 20404, checked(to, code))
	equal(t, *must[*verify.VerifyV2Verification](t)(live.FetchVerification(service, *made.Sid)).Status, "approved")
}

func TestBySidAndByNumberInThePath(t *testing.T) {
	t.Parallel()
	to := freshNumber()
	made := begin(t, to)
	code, _ := onPhone(t, to)
	for _, which := range []string{*made.Sid, to, url.QueryEscape(to)} {
		found := must[*verify.VerifyV2Verification](t)(live.FetchVerification(service, which))
		equal(t, *found.Sid+*found.Status+*found.To, *made.Sid+"pending"+to)
	}
	bySid := new(verify.CreateVerificationCheckParams).SetVerificationSid(*made.Sid).SetCode(code)
	found := check(t, bySid)
	equal(t, *found.Status+*found.To, "approved"+to)
	for _, unknown := range []string{freshNumber(), "VE" + strings.Repeat("0", 32)} {
		_, err := live.FetchVerification(service, unknown)
		refused(t, 404, 20404, err)
	}
}

func TestASecondStartIsAResendOfTheSameCode(t *testing.T) {
	t.Parallel()
	to := freshNumber()
	made := begin(t, to)
	code, _ := onPhone(t, to)
	asked := time.Now()
	refused(t, 429, 60212, start(started(to)))
	if wait := time.Since(asked); wait > 5*time.Second {
		t.Fatalf("the refusal took %v", wait)
	}
	time.Sleep(30_500 * time.Millisecond)
	again := begin(t, to)
	equal(t, *again.Sid, *made.Sid)
	equal(t, len(*again.SendCodeAttempts), 2)
	second, messages := onPhone(t, to)
	for n := 0; messages < 2 && n < 100; n++ {
		time.Sleep(100 * time.Millisecond)
		second, messages = onPhone(t, to)
	}
	equal(t, fmt.Sprint(second, messages), fmt.Sprint(code, 2))
	equal(t, *check(t, checked(to, code)).Valid, true)
}

func TestManyStartsAtOnceSendOneMessage(t *testing.T) {
	t.Parallel()
	to := freshNumber()
	outcomes := make([]error, 16)
	var all sync.WaitGroup
	for n := range outcomes {
		all.Add(1)
		go func() {
			defer all.Done()
			outcomes[n] = start(started(to))
		}()
	}
	all.Wait()
	made := 0
	for _, outcome := range outcomes {
		if outcome == nil {
			made++
		} else {
			refused(t, 429, 60212, outcome)
		}
	}
	equal(t, made, 1)
	time.Sleep(time.Second)
	_, messages := onPhone(t, to)
	equal(t, messages, 1)
}

func TestTooManyChecks(t *testing.T) {
	t.Parallel()
	to := freshNumber()
	begin(t, to)
	code, _ := onPhone(t, to)
	for range 5 {
		wrong := check(t, checked(to, other(code)))
		equal(t, fmt.Sprint(*wrong.Status, *wrong.Valid), fmt.Sprint("pending", false))
	}
	refusedCheck(t, 429, 60202, checked(to, code))
	over := must[*verify.VerifyV2Verification](t)(live.FetchVerification(service, to))
	equal(t, *over.Status, "max_attempts_reached")
	// The old one is over, so a start makes another.
	equal(t, *begin(t, to).Status, "pending")
}

func TestCancel(t *testing.T) {
	t.Parallel()
	to := freshNumber()
	made := begin(t, to)
	code, _ := onPhone(t, to)
	status := func(status string) *verify.UpdateVerificationParams {
		return new(verify.UpdateVerificationParams).SetStatus(status)
	}
	_, err := live.UpdateVerification(service, *made.Sid, status("approved"))
	refused(t, 400, 60200, err)
	canceled := must[*verify.VerifyV2Verification](t)(live.UpdateVerification(service, to, status("canceled")))
	equal(t, *canceled.Status, "canceled")
	refusedCheck(t, 404, 20404, checked(to, code))
	equal(t, *must[*verify.VerifyV2Verification](t)(live.FetchVerification(service, *made.Sid)).Status, "canceled")
}

func TestPayments(t *testing.T) {
	t.Parallel()
	const amount, payee = "€39.99", "Żółw & Co."
	to := freshNumber()
	paid := func(to string) *verify.CreateVerificationParams { return started(to).SetAmount(amount).SetPayee(payee) }
	made := must[*verify.VerifyV2Verification](t)(live.CreateVerification(service, paid(to)))
	equal(t, *made.Amount+*made.Payee, amount+payee)
	code, _ := onPhone(t, to)
	right := check(t, checked(to, code).SetAmount("39.99 EUR").SetPayee(payee))
	equal(t, *right.Status+*right.Amount, "approved39.99 EUR")
	to = freshNumber()
	must[*verify.VerifyV2Verification](t)(live.CreateVerification(service, paid(to)))
	code, _ = onPhone(t, to)
	changed := check(t, checked(to, code).SetAmount("€40.00").SetPayee(payee))
	equal(t, fmt.Sprint(*changed.Status, *changed.Valid), fmt.Sprint("canceled", false))
	refusedCheck(t, 404, 20404, checked(to, code).SetAmount(amount).SetPayee(payee))
	for _, wrong := range [][2]string{{"$5", "x"}, {"5", "x"}, {"€5", "\n"}} {
		refused(t, 400, 60200, start(started(to).SetAmount(wrong[0]).SetPayee(wrong[1])))
	}
	refused(t, 400, 60206, start(started(to).SetAmount("€5")))
}

func TestTestMode(t *testing.T) {
	t.Parallel()
	const expired, blocked, limited, invalid = "+15005550003", "+15005550004", "+15005550005", "+15005550001"
	start := func(to string) error {
		_, err := trial.CreateVerification(service, started(to))
		return err
	}
	check := func(to string) (*verify.VerifyV2VerificationCheck, error) {
		return trial.CreateVerificationCheck(service, checked(to, "123456"))
	}
	equal(t, start(expired), nil)
	_, err := check(expired)
	refused(t, 404, 20404, err)
	over := must[*verify.VerifyV2Verification](t)(trial.FetchVerification(service, expired))
	equal(t, *over.Status, "expired")
	refused(t, 400, 60200, start(invalid))
	refused(t, 403, 60410, start(blocked))
	refused(t, 429, 20429, start(limited))
	to := freshNumber()
	equal(t, start(to), nil)
	refusedCheck(t, 404, 20404, checked(to, "123456"))
	equal(t, *must[*verify.VerifyV2VerificationCheck](t)(check(to)).Valid, true)
	_, err = trial.CreateService(new(verify.CreateServiceParams).SetFriendlyName("by a test key"))
	refused(t, 403, 20403, err)
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	to := freshNumber()
	for name, wrong := range map[string]*verify.CreateVerificationParams{
		"To":                          started("500500500"),
		"To ":                         started("user@example.com"),
		"Channel":                     started(to).SetChannel("call"),
		"Channel ":                    started(to).SetChannel("email"),
		"Locale":                      started(to).SetLocale("english"),
		"CustomCode":                  started(to).SetCustomCode("1234"),
		"CustomFriendlyName":          started(to).SetCustomFriendlyName("Bank"),
		"CustomMessage":               started(to).SetCustomMessage("Hello"),
		"TemplateCustomSubstitutions": started(to).SetTemplateCustomSubstitutions("{}"),
		"AppHash":                     started(to).SetAppHash("short"),
		"TemplateSid":                 started(to).SetTemplateSid("HJ1"),
		"DeviceIp":                    started(to).SetDeviceIp("300.1.1.1"),
		"RateLimits":                  started(to).SetRateLimits(map[string]string{"nobody": "x"}),
		"RateLimits ":                 started(to).SetRateLimits([]int{1}),
		"Tags":                        started(to).SetTags(`{"a": {"b": "c"}}`),
	} {
		refusal := refused(t, 400, 60200, start(wrong))
		if !strings.Contains(refusal.Message, "Invalid parameter: "+strings.TrimSpace(name)) {
			t.Fatalf("%s: %s", name, refusal.Message)
		}
	}
	refused(t, 400, 60228, start(started(to).SetTemplateSid("HJ"+strings.Repeat("0", 32))))
	refused(t, 403, 60205, start(started("+48226940000")))
	refusedCheck(t, 400, 60200, checked(to, "12"))
	refusedCheck(t, 400, 60200, new(verify.CreateVerificationCheckParams).SetCode("123456"))
	refusedCheck(t, 404, 20404, checked(to, "123456"))
	all := started(to).SetLocale("pl").SetDeviceIp("203.0.113.7").SetTags(`{"order": "7"}`).SetRiskCheck("enable").
		SetSendDigits("1").SetChannelConfiguration(map[string]string{"from": "x"}).SetEnableSnaClientToken(true).
		SetAppHash("FA+9qCX9VSu")
	equal(t, *must[*verify.VerifyV2Verification](t)(live.CreateVerification(service, all)).Status, "pending")
}
