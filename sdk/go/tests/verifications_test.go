package tests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	countersign "github.com/countersign/countersign/sdk/go"
)

type (
	start  = countersign.StartVerification
	check  = countersign.Check
	option = countersign.CallOption
)

func TestApproval(t *testing.T) {
	client, to := connect(t, ready.Key), newNumber(t)
	verification, err := client.Verifications.Start(t.Context(), start{To: to, Metadata: map[string]string{"order": "A-1"}})
	if err != nil {
		t.Fatal(err)
	}
	if verification.Status != countersign.StatusPending || *verification.To != to || !verification.Livemode ||
		verification.AttemptsLeft != 5 || verification.Metadata["order"] != "A-1" || verification.ResendAt == nil {
		t.Errorf("%+v", verification)
	}
	code := codeOf(t, to)
	answer, err := client.Verifications.Check(t.Context(), verification.ID, check{Code: wrongCode(code)})
	if err != nil || answer.Status != countersign.StatusPending || answer.AttemptsLeft != 4 {
		t.Fatalf("%+v, %v", answer, err)
	}
	answer, err = client.Verifications.Check(t.Context(), verification.ID, check{Code: code})
	if err != nil || answer.Status != countersign.StatusApproved {
		t.Fatalf("%+v, %v", answer, err)
	}
	_, err = client.Verifications.Check(t.Context(), verification.ID, check{Code: code})
	wantProblem(t, err, countersign.CodeAlreadyApproved)

	read, err := client.Verifications.Get(t.Context(), verification.ID)
	if err != nil || read.Status != countersign.StatusApproved || read.ResendAt != nil {
		t.Errorf("%+v, %v", read, err)
	}
	kinds := func() []string {
		var kinds []string
		for event, err := range client.Verifications.Timeline(t.Context(), verification.ID) {
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, event.Kind)
		}
		return kinds
	}
	waitFor(t, "the end of the timeline", func() bool { return slices.Contains(kinds(), "approved") })
	if kinds()[0] != "started" {
		t.Error(kinds())
	}
}

func TestCheckByNumberAndCancel(t *testing.T) {
	client, to := connect(t, ready.TestKey), newNumber(t)
	first := must[*countersign.Verification](t)(client.Verifications.Start(t.Context(), start{To: to}))
	canceled := must[*countersign.Verification](t)(client.Verifications.Cancel(t.Context(), first.ID))
	if canceled.Status != countersign.StatusCanceled {
		t.Errorf("%+v", canceled)
	}
	second := must[*countersign.Verification](t)(client.Verifications.Start(t.Context(), start{To: to}))
	answer, err := client.Verifications.CheckNumber(t.Context(), countersign.CheckByNumber{To: to, Code: "123 456"})
	if err != nil || answer.Status != countersign.StatusApproved {
		t.Errorf("%+v, %v", answer, err)
	}
	_, err = client.Verifications.Cancel(t.Context(), second.ID)
	wantProblem(t, err, countersign.CodeVerificationEnded)
}

func TestResend(t *testing.T) {
	client := connect(t, ready.TestKey)
	verification := must[*countersign.Verification](t)(client.Verifications.Start(t.Context(), start{To: newNumber(t)}))
	var response countersign.Response
	began := time.Now()
	_, err := client.Verifications.Resend(t.Context(), verification.ID, countersign.WithResponse(&response))
	problem := wantProblem(t, err, countersign.CodeResendTooSoon)
	if !countersign.IsCode(err, countersign.CodeResendTooSoon) || problem.Wait() < 25*time.Second || problem.Wait() > 30*time.Second {
		t.Error(problem.Wait())
	}
	// This wait is a person's, so it is not waited for here.
	if response.Attempts != 1 || time.Since(began) > 5*time.Second {
		t.Error(response.Attempts, time.Since(began))
	}
}

// A resend that is allowed: the cooldown of the first is the shortest that there is.
func TestResendWhenAllowed(t *testing.T) {
	t.Parallel()
	client, to := connect(t, ready.Key), newNumber(t)
	verification := must[*countersign.Verification](t)(client.Verifications.Start(t.Context(), start{To: to}))
	code := codeOf(t, to)
	time.Sleep(time.Until(*verification.ResendAt) + 200*time.Millisecond)
	again := must[*countersign.Verification](t)(client.Verifications.Resend(t.Context(), verification.ID))
	if again.SendsLeft != verification.SendsLeft-1 || !again.ExpiresAt.Equal(verification.ExpiresAt) {
		t.Errorf("%+v", again)
	}
	waitFor(t, "the second message", func() bool { return len(inbox(t, to)) == 2 })
	if inbox(t, to)[0].Code != code {
		t.Error("another code")
	}
}

func TestPayment(t *testing.T) {
	client := connect(t, ready.TestKey)
	payment := countersign.Transaction{Amount: "49.90", Currency: "EUR", Payee: "Example Shop"}
	verification := must[*countersign.Verification](t)(client.Verifications.Start(t.Context(), start{To: newNumber(t), Transaction: &payment}))
	payment.Amount = "499.00"
	answer := must[*countersign.CheckAnswer](t)(client.Verifications.Check(t.Context(), verification.ID, check{Code: "123456", Transaction: &payment}))
	if answer.Status != countersign.StatusCanceled || answer.Reason != "transaction_mismatch" {
		t.Errorf("%+v", answer)
	}
}

func TestFieldErrors(t *testing.T) {
	client := connect(t, ready.TestKey)
	_, err := client.Verifications.Start(t.Context(), start{To: "12", CodeLength: 3, Origin: "No Host"})
	problem := wantProblem(t, err, countersign.CodeInvalidRequest)
	fields := map[string]bool{}
	for _, one := range problem.Errors {
		fields[one.Field] = one.Code != "" && one.Message != ""
	}
	if problem.Status != http.StatusBadRequest || !fields["to"] || !fields["code_length"] || !fields["origin"] {
		t.Errorf("%+v", problem)
	}
	_, err = client.Verifications.Start(t.Context(), start{To: "+15005550001"})
	wantProblem(t, err, countersign.CodeInvalidPhoneNumber)
	_, err = client.Verifications.Start(t.Context(), start{To: "+15005550004"})
	wantProblem(t, err, countersign.CodeNumberBlocked)
	_, err = client.Verifications.Get(t.Context(), "ver_00000000000000000000000000")
	wantProblem(t, err, countersign.CodeNotFound)
	_, err = connect(t, "cs_live_wrong").Tenant.Get(t.Context())
	wantProblem(t, err, countersign.CodeInvalidKey)
}

func TestRateLimits(t *testing.T) {
	client, to := connect(t, ready.TestKey), newNumber(t)
	for range 5 {
		must[*countersign.Verification](t)(client.Verifications.Start(t.Context(), start{To: to}))
	}
	var response countersign.Response
	_, err := client.Verifications.Start(t.Context(), start{To: to}, countersign.WithResponse(&response))
	problem := wantProblem(t, err, countersign.CodeRateLimited)
	if problem.Limit == nil || problem.Limit.Name != "number_10m" || problem.Limit.Scope != "number" || problem.Wait() < 9*time.Minute ||
		response.Attempts != 1 || response.Header.Get("Retry-After") != fmt.Sprint(problem.RetryAfter) {
		t.Errorf("%+v %+v", problem, response)
	}
	_, err = client.Verifications.Start(t.Context(), start{To: "+15005550005"})
	if problem := wantProblem(t, err, countersign.CodeRateLimited); problem.Wait() != time.Minute {
		t.Errorf("%+v", problem)
	}
}

func TestLists(t *testing.T) {
	client := connect(t, ready.TestKey)
	profile := newName(t, "pages")
	live := connect(t, ready.Key)
	must[*countersign.Profile](t)(live.Profiles.Save(t.Context(), profile, countersign.SaveProfile{CodeLength: 8}))
	defer live.Profiles.Delete(context.Background(), profile)
	wanted := []string{}
	waitFor(t, "the profile", func() bool {
		_, err := client.Profiles.Get(t.Context(), profile)
		return err == nil
	})
	for range 7 {
		// Starts read the snapshot, which follows within a second.
		waitFor(t, "a start with the profile", func() bool {
			verification, err := client.Verifications.Start(t.Context(), start{To: newNumber(t), Profile: profile})
			if err == nil {
				wanted = append([]string{verification.ID}, wanted...)
			}
			return err == nil
		})
	}
	params := countersign.ListVerificationsParams{Profile: profile, Limit: 3, CreatedAfter: time.Now().Add(-time.Hour)}
	ids := func() []string {
		ids := []string{}
		for verification, err := range client.Verifications.List(t.Context(), params) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, verification.ID)
		}
		return ids
	}
	waitFor(t, "seven verifications on three pages", func() bool { return len(ids()) == 7 })
	if !slices.Equal(ids(), wanted) {
		t.Error(ids(), wanted)
	}
	page := must[*countersign.VerificationPage](t)(client.Verifications.ListPage(t.Context(), params))
	if len(page.Data) != 3 || page.NextCursor == nil {
		t.Errorf("%+v", page)
	}
	for _, err := range client.Verifications.List(t.Context(), countersign.ListVerificationsParams{Limit: 1000}) {
		wantProblem(t, err, countersign.CodeInvalidRequest)
	}

	to := newNumber(t)
	for range 3 {
		must[*countersign.Verification](t)(client.Verifications.Start(t.Context(), start{To: to}))
	}
	waitFor(t, "three verifications of the number", func() bool {
		found, err := countersign.Collect(client.Verifications.Search(t.Context(), countersign.SearchVerifications{To: to, Limit: 1}))
		return err == nil && len(found) == 3
	})
}

// relay forwards to dev, and cuts off the first answer after it came.
func relay(t *testing.T) (string, *atomic.Int64) {
	listener := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	t.Cleanup(func() { listener.Close() })
	server := must[*url.URL](t)(url.Parse(ready.BaseURL))
	var connections atomic.Int64
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			first := connections.Add(1) == 1
			go func() {
				defer client.Close()
				upstream, err := net.Dial("tcp", server.Host)
				if err != nil {
					return
				}
				defer upstream.Close()
				go func() { _, _ = io.Copy(upstream, client) }()
				if first {
					// The server did it: its answer is here. Nobody hears of it.
					_, _ = upstream.Read(make([]byte, 1))
					return
				}
				_, _ = io.Copy(client, upstream)
			}()
		}
	}()
	return "http://" + listener.Addr().String(), &connections
}

func TestLostAnswers(t *testing.T) {
	to := newNumber(t)
	address, connections := relay(t)
	client := connect(t, ready.Key, countersign.WithBaseURL(address))
	var response countersign.Response
	verification := must[*countersign.Verification](t)(client.Verifications.Start(t.Context(), start{To: to}, countersign.WithResponse(&response)))
	if !response.Replayed || response.Attempts != 2 || connections.Load() != 2 {
		t.Errorf("%+v after %d connections", response, connections.Load())
	}
	code := codeOf(t, to)

	// The same with a check: the wrong code uses one try, not two.
	address, _ = relay(t)
	client = connect(t, ready.Key, countersign.WithBaseURL(address))
	answer := must[*countersign.CheckAnswer](t)(client.Verifications.Check(t.Context(), verification.ID, check{Code: wrongCode(code)}))
	if answer.AttemptsLeft != 4 {
		t.Errorf("%+v", answer)
	}
	// And the right one is approved, though the first approval was never heard.
	address, _ = relay(t)
	client = connect(t, ready.Key, countersign.WithBaseURL(address))
	answer = must[*countersign.CheckAnswer](t)(client.Verifications.Check(t.Context(), verification.ID, check{Code: code}))
	if answer.Status != countersign.StatusApproved {
		t.Errorf("%+v", answer)
	}

	search := countersign.SearchVerifications{To: to}
	client = connect(t, ready.Key)
	waitFor(t, "the history", func() bool {
		found, err := countersign.Collect(client.Verifications.Search(t.Context(), search))
		return err == nil && len(found) > 0
	})
	found := must[[]countersign.Verification](t)(countersign.Collect(client.Verifications.Search(t.Context(), search)))
	if len(found) != 1 || found[0].ID != verification.ID || len(inbox(t, to)) != 1 {
		t.Errorf("%d verifications, %d messages", len(found), len(inbox(t, to)))
	}

	// What the server would do twice is not sent twice.
	address, connections = relay(t)
	client = connect(t, ready.Key, countersign.WithBaseURL(address))
	_, err := client.Webhooks.Ping(t.Context(), "whk_00000000000000000000000000")
	var network *countersign.NetworkError
	if !errors.As(err, &network) || network.Attempts != 1 || connections.Load() != 1 {
		t.Error(err, connections.Load())
	}
}

func TestIdempotencyKeyOfTheCaller(t *testing.T) {
	client, to := connect(t, ready.TestKey), newNumber(t)
	key := countersign.WithIdempotencyKey(newName(t, "form"))
	var response countersign.Response
	options := []option{key, countersign.WithResponse(&response)}
	first := must[*countersign.Verification](t)(client.Verifications.Start(t.Context(), start{To: to}, options...))
	if response.Replayed {
		t.Error("the first was replayed")
	}
	second := must[*countersign.Verification](t)(client.Verifications.Start(t.Context(), start{To: to}, options...))
	if second.ID != first.ID || !response.Replayed {
		t.Error(first.ID, second.ID, response.Replayed)
	}
	_, err := client.Verifications.Start(t.Context(), start{To: newNumber(t)}, key)
	wantProblem(t, err, countersign.CodeIdempotencyMismatch)
}
